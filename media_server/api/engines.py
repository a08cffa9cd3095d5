"""The engines by the media role's address: whole recordings, speech and voices, passed on and back as they come.

Rules:
- Nothing is kept: a body goes on as fast as the other side takes it, piece by piece, and calls are paced in between.
- The engine sees our key, never the client's, nor its cookies; of the head of a request or an answer only what is named
  here goes on.
- Whose client is gone ends at the engine too. What takes a session of an engine leaves room for calls.
"""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Self

import aiohttp
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from media_server.api.engine_models import models_of
from media_server.api.relaying import Door, Places, Relaying, counted, cut, named, query_of
from media_server.errors import (
    DeadlineExceeded,
    EngineError,
    EngineUnavailable,
    MediaServerError,
    PeerError,
    UnsupportedMedia,
)
from media_server.telemetry.openai_errors import openai_errors

PIECE = 64 * 1024
CLIENT_S = 30.0
"""A client that sends nothing, or takes nothing, for so long is gone."""
ANSWER_S = 3600.0
"""From a request to the head of its answer: for the upload of a recording of hours, and for its recognition."""
BETWEEN_S = 120.0
"""Between two pieces of an answer."""
MAX_JOBS = 8
MAX_QUESTIONS = 8
"""Requests without a body are short; they wait behind no upload."""

_ASKED = ("Accept", "Content-Type", "Content-Length")
_TOLD = ("Content-Type", "Content-Length", "Content-Disposition", "Cache-Control", "Location", "Retry-After")
_VOICE = "{id:[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}}"
"""What may stand in the path: nothing that a proxy before an engine might take for another path."""

_SETTLING = 10
"""Turns of the event loop until a task that was cancelled is gone."""

_log = structlog.get_logger(__name__)


class EngineRelay:
    """The routes, and what they share."""

    def __init__(self, recogniser: Door, voice: Door) -> None:
        self._recogniser = recogniser
        self._voice = voice
        self._jobs, self._questions = Places(MAX_JOBS), Places(MAX_QUESTIONS)
        self._relaying = Relaying()

    def routes(self) -> list[web.RouteDef]:
        """What is passed on, to which engine."""
        recogniser, voice = self._recogniser, self._voice
        return [
            web.post("/v1/transcribe", self._passed_on(recogniser, self._jobs)),
            web.post("/v1/audio/transcriptions", openai_errors(self._passed_on(recogniser, self._jobs))),
            web.post("/v1/synthesize", self._passed_on(voice, self._jobs, session=True)),
            web.post("/v1/audio/speech", openai_errors(self._passed_on(voice, self._jobs, session=True))),
            web.post("/v1/voices", self._passed_on(voice, self._jobs)),
            web.get("/v1/voices", self._passed_on(voice, self._questions), allow_head=False),
            web.get(f"/v1/voices/{_VOICE}", self._passed_on(voice, self._questions), allow_head=False),
            web.delete(f"/v1/voices/{_VOICE}", self._passed_on(voice, self._questions)),
            web.get("/v1/models", openai_errors(self._models), allow_head=False),
        ]

    async def shut_down(self, _app: web.Application) -> None:
        """Whatever is under way ends."""
        self._relaying.end_all()

    async def _models(self, request: web.Request) -> web.StreamResponse:
        """What all engines together have."""
        with counted(request), self._questions.one():
            lists = await asyncio.gather(*(models_of(door.engines) for door in (self._recogniser, self._voice)))
            if not any(lists):
                raise EngineUnavailable("No speech engine answers")
            return web.json_response({"object": "list", "data": [model for each in lists for model in each]})

    def _passed_on(self, door: Door, places: Places, *, session: bool = False) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            with counted(request), places.one():
                if request.headers.get("Content-Encoding", "identity") != "identity":
                    raise UnsupportedMedia("A body is taken as it is, without Content-Encoding")
                if session:
                    door.spare.take()
                return await self._relaying.run(request, passed_on(request, door))

        return handle


async def passed_on(request: web.Request, door: Door) -> web.StreamResponse:
    """An engine's answer to a request.

    Raises:
        EngineError: It went away, or does not take our key.
        EngineUnavailable: None answers.
        PeerError: The client sends no more.
    """
    body = _Body(request)
    try:
        async with (
            asyncio.timeout(ANSWER_S) as waiting,
            door.engines.ask(
                request.method,
                request.path,
                query=query_of(request),
                headers=named(request.headers, _ASKED),
                body=body if request.can_read_body else None,
            ) as answer,
        ):
            waiting.reschedule(None)
            return await _answered(request, answer)
    except TimeoutError:
        raise DeadlineExceeded(f"The engine did not answer within {ANSWER_S:.0f} s") from None
    except EngineUnavailable:
        raise EngineUnavailable("No speech engine answers") from None
    except EngineError:
        if body.failure is not None:
            raise body.failure from None
        raise
    finally:
        await body.settled()


async def _answered(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    if answer.status == HTTPStatus.UNAUTHORIZED:
        raise EngineError("The engine does not take this server's key")
    response = web.StreamResponse(status=answer.status, headers=_head(answer.headers))
    try:
        async with asyncio.timeout(CLIENT_S):
            await response.prepare(request)
        while piece := await _piece(answer):
            async with asyncio.timeout(CLIENT_S):
                await response.write(piece)
        await response.write_eof()
    except (EngineError, TimeoutError) as error:
        # It has begun, and is not all: the client must not take it for that.
        _log.warning("relay_cut", code="engine" if isinstance(error, EngineError) else "slow_reader")
        cut(request)
    except ConnectionError:
        pass  # nobody reads any more
    return response


async def _piece(answer: aiohttp.ClientResponse) -> bytes:
    try:
        async with asyncio.timeout(BETWEEN_S):
            return await answer.content.read(PIECE)
    except (aiohttp.ClientError, OSError) as error:
        raise EngineError("The engine went away") from error
    except TimeoutError:
        raise EngineError("The engine says no more") from None


def _head(headers: Mapping[str, str]) -> dict[str, str]:
    told = named(headers, _TOLD)
    if "Content-Encoding" in headers:
        told.pop("Content-Length", None)  # it was decoded on its way
    if not told.get("Location", "/v1/").startswith("/v1/"):
        del told["Location"]  # of the engine's own address
    return told


class _Body:
    """The body of a client's request, as the engine takes it."""

    def __init__(self, request: web.Request) -> None:
        self._content = request.content
        self._reading = False
        self.failure: MediaServerError | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        self._reading = True
        try:
            async with asyncio.timeout(CLIENT_S):
                piece = await self._content.read(PIECE)
        except TimeoutError:
            self.failure = DeadlineExceeded(f"Nothing came for {CLIENT_S:.0f} s")
            raise self.failure from None
        except (aiohttp.ClientPayloadError, ConnectionError) as error:
            self.failure = PeerError("The client went away")
            raise self.failure from error
        finally:
            self._reading = False
        if not piece:
            raise StopAsyncIteration
        await asyncio.sleep(0)  # what is there already would come in one go, and calls wait
        return piece

    async def settled(self) -> None:
        """Nobody reads it any more; the server may go on with what is left of it."""
        for _ in range(_SETTLING):
            if not self._reading:
                return
            await asyncio.sleep(0)
