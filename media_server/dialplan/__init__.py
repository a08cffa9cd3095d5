"""What a dialplan author imports."""
