"""`media-server call`: ask the running server to begin a call, and follow it to its end."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus

import aiohttp

from media_server.call.record import CallRecord
from media_server.config import Settings
from media_server.console import quoted

POLL_S = 0.5
CREATE_S = 30.0
LOST_S = 10.0
"""After so long without an answer of the server's the call is followed no more."""

Print = Callable[[str], None]


def run_call(
    settings: Settings,
    body: Mapping[str, object],
    *,
    url: str | None,
    say: Print,
    poll_s: float = POLL_S,
) -> int:
    """Begin the call that `body` describes (as `POST /v1/calls` has it); 0 where it was answered and ended in order."""
    try:
        return asyncio.run(_call(settings, body, url or f"http://127.0.0.1:{settings.port}", say, poll_s))
    except (aiohttp.ClientError, OSError, ValueError, TimeoutError) as error:
        say(f"failed  {str(error) or type(error).__name__} (is the server running?)")
        return 1


def settings_of(pairs: Sequence[str]) -> dict[str, object]:
    """`k=v` as settings; a value that is JSON is that, any other one is a text.

    Raises:
        ValueError: One has no name.
    """
    settings: dict[str, object] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise ValueError(f"--setting {pair}: NAME=VALUE is wanted")
        try:
            settings[name] = json.loads(value)
        except ValueError:
            settings[name] = value
    return settings


async def _call(settings: Settings, body: Mapping[str, object], url: str, say: Print, poll_s: float) -> int:
    key = settings.api_key.get_secret_value() if settings.api_key else None
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with aiohttp.ClientSession(headers=headers) as http:
        timeout = aiohttp.ClientTimeout(total=CREATE_S)
        async with http.post(f"{url}/v1/calls", json=body, timeout=timeout) as answer:
            if answer.status >= HTTPStatus.BAD_REQUEST:
                problem = await answer.json(content_type=None)
                say(f"failed  {problem.get('detail', answer.status)}")
                return 1
            record = CallRecord.model_validate(await answer.json())
        say(f"ringing {record.called} from {record.caller}   call {record.id}")
        record = await _follow(http, f"{url}/v1/calls/{record.id}", record, say, poll_s)
    reason = (record.ended_reason or "").replace("_", " ")
    say(f"ended   {reason}   {record.duration_s:.0f} s")
    return 0 if record.ended_reason in ("completed", "caller_hangup", "transferred") and record.duration_s else 1


async def _follow(http: aiohttp.ClientSession, url: str, record: CallRecord, say: Print, poll_s: float) -> CallRecord:
    shown, answered, seen_at = 0, False, asyncio.get_running_loop().time()
    while True:
        if record.state != "ringing" and record.duration_s and not answered:
            answered = True
            say("answered")
        for line in record.transcript[shown:]:
            say(f"{line.who:<7} " + quoted(line.text))
        shown = len(record.transcript)
        if record.state == "ended":
            return record
        await asyncio.sleep(poll_s)
        try:
            async with http.get(url, raise_for_status=True, timeout=aiohttp.ClientTimeout(total=LOST_S)) as answer:
                record = CallRecord.model_validate(await answer.json())
            seen_at = asyncio.get_running_loop().time()
        except aiohttp.ClientConnectionError:
            if asyncio.get_running_loop().time() - seen_at > LOST_S:
                raise
