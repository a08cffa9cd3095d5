"""Models, the voice's runtime, and how fast the engines are here."""

import importlib.util
import subprocess
from collections.abc import Iterator
from pathlib import Path

from engines import cores
from engines import models as store
from engines.errors import ModelError
from media_server.capacity import calls_at_once
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


def speed(patient: Patient) -> Iterator[Finding]:
    """What the running engines have measured; where none run, it is measured now."""
    asr, tts = patient.serving.get("asr", {}), patient.serving.get("tts", {})
    decode_ms, factor = asr.get("decode_ms"), tts.get("real_time_factor")
    if not isinstance(decode_ms, int | float) and not patient.quick and not patient.settings.media.asr_urls:
        decode_ms = 1000 * _decode_s(patient)
    if not isinstance(factor, int | float) and not patient.quick and not patient.settings.media.tts_urls:
        factor = _real_time_factor(patient)
    said = []
    if isinstance(decode_ms, int | float):
        calls = calls_at_once(decode_ms / 1000, cores.available())
        said += [f"decode {decode_ms:.0f} ms → about {calls} call{'s'[: calls != 1]} at once"]
    if isinstance(factor, int | float) and factor > 0:
        said += [f"voice {1 / factor:.0f}x real time"]
    if not said:
        yield Finding("note", "speed", "not measured: nothing serves here → media-server doctor without --quick")
    elif isinstance(factor, int | float) and factor > 1:
        yield Finding("FAIL", "speed", f"{', '.join(said)}: too slow to speak in real time → another tts.voice")
    else:
        yield Finding("ok", "speed", ", ".join(said))


def _decode_s(patient: Patient) -> float:
    from media_server.services.asr_models import load_asr_models  # noqa: PLC0415 - takes a second

    return load_asr_models(patient.settings).recogniser.warm_up()


def _real_time_factor(patient: Patient) -> float:
    from media_server.services.voice import load_voice, measure  # noqa: PLC0415 - takes a second

    settings = patient.settings
    return measure(load_voice(settings.tts.voice, settings.models_dir, settings.tts.device))["real_time_factor"]


def _has(python: Path, module: str) -> bool:
    source = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    try:
        command = (str(python), "-P", "-c", source)
        return subprocess.run(command, capture_output=True, timeout=RUNTIME_S, check=False).returncode == 0  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False
