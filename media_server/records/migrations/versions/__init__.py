"""One step a file, in the order of their `down_revision`."""
