"""Speech recognition: the session of one stream, and the recognisers behind it."""
