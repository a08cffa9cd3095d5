"""Floor control, sans-IO: who may be audible, and what was heard."""
