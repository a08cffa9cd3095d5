"""How fast an engine is on this machine: `python -m media_server.services.speed asr|tts`, the settings on its input.

A program of its own, because a process can be ended when it takes too long, and a thread that loads a model cannot. It
writes one line of JSON: `{"decode_ms": …}`, `{"real_time_factor": …}`, or `{"error": …}`.
"""

import json
import sys

from engines.errors import EnginesError
from media_server.config import Settings, parse
from media_server.errors import MediaServerError

MAX_SETTINGS = 1 << 20


def main(role: str) -> None:
    """Measure, and say it."""
    try:
        settings = parse(sys.stdin.read(MAX_SETTINGS))
        said: dict[str, object] = _recogniser(settings) if role == "asr" else _voice(settings)
    except (MediaServerError, EnginesError) as error:
        said = {"error": str(error)}
    print(json.dumps(said), flush=True)  # noqa: T201 - what it is for


def _recogniser(settings: Settings) -> dict[str, object]:
    # Imported here: each has its own models, and maybe an environment without the other's.
    from media_server.services.asr_models import load_asr_models  # noqa: PLC0415

    return {"decode_ms": round(1000 * load_asr_models(settings).recogniser.warm_up())}


def _voice(settings: Settings) -> dict[str, object]:
    from media_server.services.voice import load_voice, measure  # noqa: PLC0415

    return {**measure(load_voice(settings.tts.voice, settings.models_dir, settings.tts.device))}


if __name__ == "__main__":
    main(sys.argv[1])
