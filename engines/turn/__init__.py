"""Who speaks when: voice activity, turn detection, and the one place that decides a turn's end."""
