"""The server's record of a call of ours, asked for once the call is over."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp

from media_server.call.record import CallRecord

RECORD_TIMEOUT_S = 5.0
"""How long the server may take to close the record of a call that is over."""
_POLL_S = 0.1

Print = Callable[[str], None]


async def fetch_record(
    http: aiohttp.ClientSession, base_url: str, key: str | None, call_sid: str, say: Print
) -> CallRecord | None:
    """The server's record of our call, once the call is over there too; None, with a line that says why, without."""
    return await _fetch(http, base_url, key, f"?provider_id={call_sid}", say)


async def fetch_call(
    http: aiohttp.ClientSession, base_url: str, key: str | None, call_id: str, say: Print
) -> CallRecord | None:
    """The same, where the call's own id is known."""
    return await _fetch(http, base_url, key, f"/{call_id}", say)


async def _fetch(
    http: aiohttp.ClientSession, base_url: str, key: str | None, which: str, say: Print
) -> CallRecord | None:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    url = f"{base_url}/v1/calls{which}"
    record = None
    try:
        async with asyncio.timeout(RECORD_TIMEOUT_S):
            if which.startswith("?"):
                found = await _get(http, url, headers)
                url = f"{base_url}/v1/calls/{found['calls'][0]['id']}"
            while record is None or record.state != "ended":
                await asyncio.sleep(_POLL_S if record else 0)
                record = CallRecord.model_validate(await _get(http, url, headers))
    except TimeoutError:
        say("note    the server has not closed the record of this call")
    except (aiohttp.ClientError, LookupError, ValueError) as error:
        reason = f"{error.status}" if isinstance(error, aiohttp.ClientResponseError) else type(error).__name__
        say(f"note    no transcript: {url} gave no record ({reason})")
    return record


async def _get(http: aiohttp.ClientSession, url: str, headers: dict[str, str]) -> dict[str, Any]:
    async with http.get(url, headers=headers, raise_for_status=True) as response:
        body: dict[str, Any] = await response.json()
        return body
