"""The asyncio shell around a chat API: one request a model's answer, by connections that are kept between turns."""

import asyncio
import json
from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog

from media_server.dialplan.agent.chat import ChatEvent, ChatRequest
from media_server.dialplan.agent.chat_stream import ChatStream
from media_server.dialplan.agent.llm import Llm
from media_server.errors import ModelError, ModelRefused, ModelUnavailable

log = structlog.get_logger(__name__)

MAX_ERROR = 4096
MAX_LIST = 1 << 20
MAX_RETRY_AFTER_S = 60.0
_LATER = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)
_NEW_LIMIT = "api.openai.com"
"""Where the longest answer has a new name, and the old one is an error."""


class ChatApi:
    """One model of one API. Its HTTP session is shared, so connections stay warm between turns and calls."""

    def __init__(self, http: aiohttp.ClientSession, llm: Llm) -> None:
        self._http = http
        self._llm = llm
        self._model = llm.model
        self._headers = {"Authorization": f"Bearer {llm.key}"} if llm.key else {}
        self._timeout = aiohttp.ClientTimeout(total=llm.total_s, connect=llm.connect_s, sock_connect=llm.connect_s)

    async def warm(self) -> None:
        """Have a connection ready, and the model's name known. Never raises but for cancellation."""
        try:
            await self._models()
        except ModelError as error:
            log.info("model_not_warm", url=self._llm.url, error=error.message)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """The answer as it comes; closing the generator closes the connection.

        Raises:
            ModelError: It refused, failed or is gone.
        """
        if not self._model:
            await self._find_model()
        body = json.dumps(self._body(request)).encode()
        headers = {**self._headers, "Content-Type": "application/json", "Accept": "text/event-stream"}
        answer = ChatStream()
        try:
            async with self._http.post(
                f"{self._llm.url}/chat/completions",
                data=body,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                await _check(response)
                async for chunk in response.content.iter_any():
                    for event in answer.feed(chunk):
                        yield event
                    if answer.done:
                        break
                else:
                    for event in answer.end():
                        yield event
                if answer.done:
                    await _drain(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ModelUnavailable(f"{type(error).__name__} at {self._llm.url}") from error

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        llm = self._llm
        limit = "max_completion_tokens" if urlsplit(llm.url).hostname == _NEW_LIMIT else "max_tokens"
        body: dict[str, Any] = {
            **llm.extra,
            "model": self._model,
            "messages": list(request.messages),
            "stream": True,
            limit: llm.max_tokens or request.max_tokens,
        }
        if llm.temperature is not None:
            body["temperature"] = llm.temperature
        if request.tools:
            body["tools"] = list(request.tools)
            if not request.may_call:
                body["tool_choice"] = "none"
        return body

    async def _find_model(self) -> None:
        """Nobody named the model: it is the first that the API lists."""
        listed = await self._models()
        data = listed.get("data") if isinstance(listed, dict) else None
        first = data[0] if isinstance(data, list) and data else None
        name = first.get("id") if isinstance(first, dict) else None
        if not isinstance(name, str):
            raise ModelRefused(f"{self._llm.url} lists no models: name one (llm.model)")
        self._model = name

    async def _models(self) -> object:
        try:
            async with self._http.get(
                f"{self._llm.url}/models", headers=self._headers, timeout=self._timeout, allow_redirects=False
            ) as response:
                await _check(response)
                body = await _read(response, MAX_LIST)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ModelUnavailable(f"{type(error).__name__} at {self._llm.url}") from error
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            return None


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The body, or as much of it as is wanted."""
    body = bytearray()
    while len(body) < most and (part := await response.content.readany()):
        body += part
    return bytes(body[:most])


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Read the rest, which is the end of the body: a connection that is read to its end can be used again."""
    try:
        async with asyncio.timeout(0.05):
            for _ in range(4):
                if not await response.content.readany():
                    return
    except TimeoutError:
        return


async def _check(response: aiohttp.ClientResponse) -> None:
    """Raise what the status says.

    Raises:
        ModelRefused: It will not, also later.
        ModelUnavailable: It cannot now.
    """
    status = response.status
    if status == HTTPStatus.OK:
        return
    said = " ".join((await _read(response, MAX_ERROR)).decode("utf-8", "replace").split())[:200]
    text = f"{status} from {response.url.host}: {said}"
    if status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ModelUnavailable(text, retry_after_s=_retry_after(response.headers.get("Retry-After", "")))
    raise ModelRefused(text)


def _retry_after(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        return 0.0
    return min(max(0.0, seconds), MAX_RETRY_AFTER_S) if seconds == seconds else 0.0  # noqa: PLR0124 - not a number
