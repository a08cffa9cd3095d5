"""`media-server doctor`: what is in order here and what is not, each with its remedy. Every line is computed.

A check is a function of one `Patient` that yields findings; another one is a line in `CHECKS`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from media_server.cli.doctor import calls, machine, ports, public, speech, speed
from media_server.cli.doctor.finding import Check, Patient, examine, leave
from media_server.cli.screen import complain, console
from media_server.config import load
from media_server.control import EXIT_UNUSABLE
from media_server.errors import ConfigError

CHECKS: Sequence[tuple[str, Check, float]] = (
    ("version", machine.versions, 5.0),
    ("config", machine.config_file, 5.0),
    ("ports", ports.ports, 15.0),
    ("data", machine.data_folder, 10.0),
    ("disk", machine.disk, 10.0),
    ("models", speech.models, 20.0),
    ("runtime", speech.runtime, 15.0),
    ("speed", speed.speed, speed.SPEED_S + 5.0),
    ("GPU", machine.gpu, 10.0),
    ("dialplans", calls.dialplans, 15.0),
    ("public", public.public, 5.0),
    ("tunnel", public.tunnel, 5.0),
    ("public", public.path, 25.0),
    ("twilio", calls.twilio, 10.0),
)
"""What each is about, the check, and the seconds that it may take."""
WITHIN_S, QUICK_S = 55.0, 4.0
"""What all of it may take."""


def run(config: Path | None, said: Mapping[str, object], *, quick: bool) -> int:
    """Examine and show; 1 if anything is a FAIL."""
    try:
        settings = load(config, **said)
    except ConfigError as error:
        complain(str(error))
        return EXIT_UNUSABLE
    out, failed, patient = console(), False, Patient(settings, config, quick=quick)
    for finding in examine(patient, CHECKS, within_s=QUICK_S if quick else WITHIN_S):
        out.print(finding.line())
        failed = failed or finding.mark == "FAIL"
    return leave(patient, int(failed))
