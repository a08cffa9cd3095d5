"""What questions want to know: one slot a file, all of them pure."""
