"""The media role's client of the speech engines."""
