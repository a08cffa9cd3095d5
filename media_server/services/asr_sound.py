"""The sound of one recognition stream, as its client sends it, made what a session hears: linear, 8 or 16 kHz."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from typing import Protocol

from engines.asr.session import AsrSession
from engines.ports import ASR_RATE
from media_server.audio.g711 import decode_alaw, decode_mulaw
from media_server.audio.resample_stream import StreamResampler
from media_server.protocol.asr_stream import AsrQuery
from media_server.services.codecs import decoded

_TELEPHONE_RATE = 8000
_LONGEST_S = 24 * 3600.0
_QUEUED = 1
"""Messages that wait for the decoder; more wait in the client's socket."""

_LINEAR: Mapping[str, Callable[[bytes], bytes]] = {"mulaw": decode_mulaw, "alaw": decode_alaw}


def session_rate(query: AsrQuery) -> int:
    """What a session hears of this stream, in Hz: 8,000 stays, so that nothing is made up; all else is 16,000."""
    return _TELEPHONE_RATE if query.sample_rate == _TELEPHONE_RATE and query.encoding != "opus" else ASR_RATE


class Sound(Protocol):
    """What a client's binary messages go through."""

    async def feed(self, data: bytes) -> None:
        """The next message; waits while the session has too much."""
        ...

    async def close(self) -> None:
        """There is no more: the session is closed behind the last of it."""
        ...

    async def run(self) -> None:
        """To be run beside; ends when there is nothing to do beside.

        Raises:
            MediaServerError: It cannot be decoded.
        """
        ...


def new_sound(query: AsrQuery, session: AsrSession) -> Sound:
    """For the encoding of a stream."""
    return Packaged(session) if query.encoding == "opus" else Plain(query, session)


class Plain:
    """Samples, one after the other."""

    def __init__(self, query: AsrQuery, session: AsrSession) -> None:
        self._session = session
        self._linear = _LINEAR.get(query.encoding)
        rate = session_rate(query)
        self._resampler = StreamResampler(query.sample_rate, rate) if rate != query.sample_rate else None

    async def feed(self, data: bytes) -> None:
        """See `Sound`."""
        pcm = self._linear(data) if self._linear is not None else data
        await self._session.feed(self._resampler.push(pcm) if self._resampler is not None else pcm)

    async def close(self) -> None:
        """See `Sound`."""
        if self._resampler is not None:
            await self._session.feed(self._resampler.flush())
        self._session.close_stream()

    async def run(self) -> None:
        """See `Sound`."""


class Packaged:
    """A stream in a container, decoded as it comes in a process of its own."""

    def __init__(self, session: AsrSession) -> None:
        self._session = session
        self._messages: asyncio.Queue[bytes] = asyncio.Queue(_QUEUED)

    async def feed(self, data: bytes) -> None:
        """See `Sound`."""
        if data:
            await self._messages.put(data)

    async def close(self) -> None:
        """See `Sound`."""
        await self._messages.put(b"")

    async def run(self) -> None:
        """See `Sound`."""
        if not (first := await self._messages.get()):
            self._session.close_stream()
            return
        async with aclosing(decoded(self._received(first), rate=ASR_RATE, most_s=_LONGEST_S, live=True)) as sound:
            async for pcm in sound:
                await self._session.feed(pcm)
        self._session.close_stream()

    async def _received(self, first: bytes) -> AsyncIterator[bytes]:
        yield first
        while data := await self._messages.get():
            yield data
