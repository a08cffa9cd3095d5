"""Pure signal processing: samples in, samples out; no clock, no sockets."""
