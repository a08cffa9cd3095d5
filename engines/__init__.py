"""Speech engines: recognition, turn taking, synthesis. They know nothing of calls."""
