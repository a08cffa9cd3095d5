"""`call.http`: HTTP for authors. Small on purpose: texts and JSON, each with a deadline, by the guard's rules."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from pydantic_core import from_json, to_json

from media_server.errors import BadAnswer
from media_server.hooks.http import HookHttp, HttpAnswer, HttpRequest

TIMEOUT_S = 5.0
MAX_TIMEOUT_S = 30.0
MAX_ANSWER = 1 << 20
MAX_JSON = 128 * 1024
"""More would keep all calls waiting while it is parsed."""
_OK = range(200, 300)
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "windows-1252"})

Param: TypeAlias = str | int | float


class CallHttp:
    """What an author asks with.

    Every method raises a `HookError` whose `reason` is a short word. A text has at most 1 MiB, JSON 128 KiB; any status
    but 2xx is an error, also a redirect. `timeout_s` is for all of it, 30 s at most.
    """

    def __init__(self, client: HookHttp) -> None:
        self.client = client
        """The client behind it, for those who send more than that."""

    async def get_text(self, url: str, *, timeout_s: float = TIMEOUT_S, **params: Param) -> str:
        """The text at an address; `params` become its query, escaped."""
        return _text(await self._ask("GET", url, timeout_s, params))

    async def get_json(self, url: str, *, timeout_s: float = TIMEOUT_S, **params: Param) -> Any:
        """The JSON at an address; `params` become its query, escaped."""
        return _json(await self._ask("GET", url, timeout_s, params, max_bytes=MAX_JSON))

    async def post_json(self, url: str, body: Any, *, timeout_s: float = TIMEOUT_S) -> Any:
        """Send JSON; returns the JSON that is answered, None where nothing is."""
        answer = await self._ask("POST", url, timeout_s, {}, to_json(body), max_bytes=MAX_JSON)
        return _json(answer) if answer.body else None

    async def _ask(
        self,
        method: Literal["GET", "POST"],
        url: str,
        timeout_s: float,
        params: Mapping[str, Param],
        body: bytes | None = None,
        *,
        max_bytes: int = MAX_ANSWER,
    ) -> HttpAnswer:
        target = self.client.guard.check_url(url)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        answer = await self.client.fetch(
            HttpRequest(
                method=method,
                url=target.update_query(params) if params else target,
                deadline_s=min(timeout_s, MAX_TIMEOUT_S),
                max_bytes=max_bytes,
                headers=headers,
                body=body,
            )
        )
        if answer.status not in _OK:
            raise BadAnswer(f"it answered {answer.status}", reason="status")
        return answer


def _text(answer: HttpAnswer) -> str:
    if answer.charset.lower() not in _CHARSETS:
        raise BadAnswer("its character set is unknown", reason="charset")
    return answer.body.decode(answer.charset, errors="replace")


def _json(answer: HttpAnswer) -> Any:
    try:
        return from_json(answer.body, allow_inf_nan=False)
    except ValueError:
        raise BadAnswer("it is no JSON", reason="json") from None
