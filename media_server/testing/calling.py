"""`caller`: somebody calls a dialplan."""

import inspect
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from media_server.call.chronicle import CallFacts, Direction
from media_server.dialplan.route_settings import settings_of
from media_server.protocol.asr_stream import Patience
from media_server.testing.clock import virtual_time
from media_server.testing.exchange import Outcome
from media_server.testing.person import Caller
from media_server.testing.sound import Lexicon
from media_server.testing.stage import CALL_ID, Dialplan, Performance, load


def caller(
    dialplan: str | Path | Dialplan,
    *,
    caller: str = "+15550100",
    called: str = "+15550101",
    settings: Mapping[str, Any] | None = None,
    language: str = "",
    voice: str = "",
    direction: Direction = "inbound",
    answered_by: str = "",
    patience: Patience = "normal",
    no_input_s: float = 8.0,
    transfers: Mapping[str, Outcome] | None = None,
    voice_delay_s: float = 0.1,
    expect_error: bool = False,
) -> AbstractAsyncContextManager[Caller]:
    """Somebody calls this dialplan; at the end of the block they hang up, if they are still there.

    Args:
        dialplan: Its file, looked for beside the test, then in the current folder; or the function itself.
        caller: Who calls.
        called: Which number.
        settings: Of the route, `call.settings`.
        language: Of the route; empty: the server's.
        voice: Of the route; empty: the server's.
        direction: `outbound` where the server has called.
        answered_by: Who took up a call of the server's: human, machine, fax, unknown.
        patience: How long the recogniser lets a caller think: quick, normal, patient.
        no_input_s: After so long a silence the caller is asked whether they are there.
        transfers: Which destinations are allowed, and what becomes of a transfer there: completed, busy, no_answer,
            failed, canceled.
        voice_delay_s: How long the voice takes to make the first sound of a text that is not a constant.
        expect_error: The dialplan is to fail: that fails no test, and `me.record.error` says how.

    Raises:
        ConfigError: There is no such dialplan, it is broken, or the settings are not what it wants.
        AssertionError: At the end: the dialplan raised something (its cause), with file and line.
    """
    frame = inspect.currentframe()
    beside = Path(frame.f_back.f_code.co_filename).parent if frame is not None and frame.f_back is not None else Path()
    loaded = load(dialplan, [beside, Path()])
    facts = CallFacts(
        CALL_ID,
        "CA0",
        "test",
        caller,
        called,
        loaded.name,
        settings=settings_of(loaded.settings, settings or {}),
        language=language,
        voice=voice,
        direction=direction,
        folder=loaded.path.parent if loaded.path is not None else beside,
        answered_by=answered_by,
    )
    limits = {"phrases": loaded.phrases, "language": language, "patience": patience, "no_input_s": no_input_s}
    limits["allowed_destinations"] = tuple(transfers or {})
    me = partial(Caller, facts, Performance(loaded), Lexicon(), transfers or {})
    return _caller(me, voice_delay_s, expect_error=expect_error, limits=limits)


@asynccontextmanager
async def _caller(
    make: Callable[[], Caller], voice_delay_s: float, *, expect_error: bool, limits: Mapping[str, Any]
) -> AsyncIterator[Caller]:
    with virtual_time():
        me = make()
        async with me.calling(voice_delay_s, expect_error=expect_error, **limits):
            yield me
