"""`python -m media_server.cli`."""

from media_server.cli import app

app(prog_name="media-server")
