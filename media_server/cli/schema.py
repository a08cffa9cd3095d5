"""`media-server schema`: the JSON schema of the verbs."""

from pydantic_core import to_json
from typer import echo

from media_server.dialplan.verbs import verbs_schema


def run(name: str) -> int:
    """Print it; the process's exit code."""
    if name != "verbs":
        echo(f"there is no schema {name!r}; there is: verbs", err=True)
        return 2
    echo(to_json(verbs_schema(), indent=2).decode())
    return 0
