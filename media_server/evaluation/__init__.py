"""How good the recogniser is on recordings of one's own, without a call: by the very code that serves."""
