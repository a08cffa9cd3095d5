"""One conversation: its leg, its ears and voice, its record; and the registry of all."""
