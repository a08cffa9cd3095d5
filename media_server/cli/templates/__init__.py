"""What `media-server new` copies; a name takes the place of `booking`."""
