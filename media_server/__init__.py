"""A telephony-first media server for voice agents."""
