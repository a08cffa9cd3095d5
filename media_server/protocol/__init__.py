"""Wire formats, sans-IO: bytes or text in, events out; time is an argument."""
