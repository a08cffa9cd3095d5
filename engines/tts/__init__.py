"""Speech synthesis: the session of one client, and the voices behind it."""
