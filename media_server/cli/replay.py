"""`media-server replay`: the models, the exported call, other knobs; what would have changed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from pydantic import ValidationError

from engines.errors import EnginesError
from media_server.cli.models import ensure
from media_server.cli.screen import complain
from media_server.config import load
from media_server.control import EXIT_UNUSABLE
from media_server.errors import ConfigError, PeerError
from media_server.evaluation.call_file import read_call
from media_server.evaluation.replay_floor import fates_now, fates_then
from media_server.evaluation.replay_report import replay_report
from media_server.evaluation.replay_turns import lag_s, told_now, told_then, turns_of
from media_server.protocol.asr_stream import Configure
from media_server.services.asr_models import load_asr_models


def run(file: Path, knobs: Sequence[str], config: Path | None, said: Mapping[str, object]) -> int:
    """Replay it; each of the knobs is `name=value`. Returns the exit code."""
    try:
        others = _parsed(knobs)
        call = read_call(file)
        then = told_then(call)
        settings = load(config, **said)
        ensure(settings, ["asr"])
        now = told_now(call, load_asr_models(settings), others)
    except (ConfigError, EnginesError, PeerError) as error:
        complain(str(error))
        return EXIT_UNUSABLE
    for line in replay_report(turns_of(then), turns_of(now), fates_then(call), fates_now(call, now, lag_s(then))):
        typer.echo(line)
    return 0


def _parsed(knobs: Sequence[str]) -> dict[str, Any]:
    parts = (knob.partition("=") for knob in knobs)
    try:
        values = {name.strip().replace("-", "_"): value.strip() for name, _, value in parts}
        return Configure.model_validate(values).model_dump(exclude_none=True, exclude={"type"})
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]
        raise ConfigError(f"--set {'.'.join(str(part) for part in detail['loc'])}: {detail['msg']}") from None
