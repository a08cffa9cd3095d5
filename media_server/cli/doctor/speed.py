"""How fast the engines are here: what the running ones have measured, or a measurement of now, within its own time."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping

from engines import cores
from media_server.capacity import calls_at_once
from media_server.cli.doctor.finding import Finding, Patient
from media_server.config import serialize

SPEED_S = 25.0
"""Loading the models and measuring takes three seconds on a quiet machine."""
AGAIN = "→ again, when the machine is quiet"


def speed(patient: Patient, *, within_s: float = SPEED_S) -> Iterator[Finding]:
    """What the running engines have measured; where none run, it is measured now."""
    settings, until = patient.settings, time.monotonic() + within_s
    figures: dict[str, float] = {}
    problems: list[str] = []
    now = False
    for role, key, elsewhere in (
        ("asr", "decode_ms", settings.media.asr_urls),
        ("tts", "real_time_factor", settings.media.tts_urls),
    ):
        told: Mapping[str, object] = patient.serving.get(role, {})
        if key not in told and not patient.quick and not elsewhere:
            told = _measure(patient, role, until - time.monotonic())
            now = True
        figure = told.get(key)
        if isinstance(figure, int | float) and figure > 0:
            figures[key] = figure
        elif "error" in told:
            problems.append(f"{role}: {told['error']}")
    yield from _findings(figures, problems, busy=now and _busy())


def _findings(figures: Mapping[str, float], problems: list[str], *, busy: bool) -> Iterator[Finding]:
    said: list[str] = []
    decode_ms, factor = figures.get("decode_ms"), figures.get("real_time_factor")
    if decode_ms is not None:
        calls = calls_at_once(decode_ms / 1000, cores.available())
        said += [f"decode {decode_ms:.0f} ms → about {calls} call{'s'[: calls != 1]} at once"]
    if factor is not None:
        said += [f"voice {1 / factor:.0f}x real time"]
    text = ", ".join(said)
    if factor is not None and factor > 1 and not busy:
        yield Finding("FAIL", "speed", f"{text}: too slow to speak in real time → another tts.voice")
    elif said and busy:
        yield Finding("note", "speed", f"{text}; other programs were busy meanwhile {AGAIN}")
    elif said:
        yield Finding("ok", "speed", text)
    for problem in problems:
        yield Finding("note", "speed", f"not measured: {problem}")
    if not said and not problems:
        yield Finding("note", "speed", "not measured: nothing serves here → media-server doctor without --quick")


def _busy() -> bool:
    """Others want the processor, too: of the load of the last minute, one is ours."""
    return os.getloadavg()[0] - 1 > cores.available() / 2


def _measure(patient: Patient, role: str, seconds: float) -> Mapping[str, object]:
    """What the measuring program says; an `error` where it does not end in time, or well."""
    interpreter = sys.executable
    if role == "tts" and patient.settings.tts.python is not None:
        interpreter = shutil.which(patient.settings.tts.python) or str(patient.settings.tts.python)
    command = (interpreter, "-P", "-m", "media_server.services.speed", role)
    try:
        ended = subprocess.run(  # noqa: S603 - our own program
            command,
            input=serialize(patient.settings),
            capture_output=True,
            text=True,
            timeout=max(0.1, seconds),
            check=False,
        )
        said = json.loads(ended.stdout)
    except subprocess.TimeoutExpired:
        return {"error": f"it took too long (more than {SPEED_S:g} s in all) {AGAIN}"}
    except OSError as error:
        return {"error": f"{interpreter}: {error.strerror or error} → mend tts.python"}
    except ValueError:
        return {"error": f"the engine cannot be loaded (exit code {ended.returncode}) → media-server serve says why"}
    return said if isinstance(said, dict) else {}
