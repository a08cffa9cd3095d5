"""Models, and the voice's runtime."""

import importlib.util
import subprocess
from collections.abc import Iterator
from pathlib import Path

from engines import models as store
from engines.errors import ModelError
from media_server.cli.doctor.finding import Finding, Patient
from media_server.cli.models import needed

RUNTIME_S = 10.0


def models(patient: Patient) -> Iterator[Finding]:
    """Every byte against what is pinned; with `quick` only what has changed since it was last read."""
    settings, good = patient.settings, list[str]()
    for model_id in needed(settings, ("asr", "tts")):
        if "/" in model_id:
            found = Path(model_id).expanduser().is_dir()
            missing = f"{model_id} is no folder with a model → set asr.model or tts.voice"
            yield (
                Finding("note", "models", f"{model_id}: your own; nothing is known of it")
                if found
                else Finding("FAIL", "models", missing)
            )
            continue
        try:
            store.verify(model_id, settings.models_dir, fully=not patient.quick)
        except ModelError as error:
            yield Finding("FAIL", "models", f"{model_id}: {error} → media-server models pull {model_id}")
        else:
            good.append(model_id)
    if good:
        yield Finding("ok", "models", f"{len(good)} verified ({', '.join(good)})")


def runtime(patient: Patient) -> Iterator[Finding]:
    """What the voice needs besides its model, in the interpreter that will run it."""
    settings = patient.settings.tts
    chatterbox = "chatterbox" in settings.voice
    module, extra = ("chatterbox", "chatterbox") if chatterbox else ("piper", "piper-gpl")
    if settings.python is None:
        found = importlib.util.find_spec(module) is not None
        where = "here"
    else:
        where = str(settings.python)
        found = _has(settings.python, module)
    if found:
        yield Finding("ok", "runtime", f"{module} is installed {where if where == 'here' else f'for {where}'}")
    else:
        yield Finding(
            "FAIL",
            "runtime",
            f"{module} is not installed for the voice → pip install 'media-server[{extra}]' ({where})",
        )


def _has(python: Path, module: str) -> bool:
    source = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    try:
        command = (str(python), "-P", "-c", source)
        return subprocess.run(command, capture_output=True, timeout=RUNTIME_S, check=False).returncode == 0  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False
