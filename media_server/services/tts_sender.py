"""The writer of one `ws /v1/stream/tts`: takes the session's events and sends them.

Each part of a clause is brought to the asked rate (never by a streaming resampler) and sent in messages of
`MOST_AT_ONCE` at most. Between two of them it is looked whether they are wanted yet: a cancelled context ends there,
and is told what was sent of it, to the word.
"""

import asyncio
from collections.abc import Iterator
from typing import assert_never

from aiohttp import web

from engines.tts.contexts import ContextFlushed
from engines.tts.session import (
    ContextAudio,
    ContextDone,
    ContextFailed,
    ContextStarted,
    ContextWords,
    SessionEvent,
    TtsSession,
)
from media_server.audio.resample_parts import PartsResampler
from media_server.protocol.speech import Message, SpeechError, serialize
from media_server.protocol.tts_stream import TtsDone, TtsFlushed, TtsQuery, TtsStarted, Word, Words
from media_server.services import sending
from media_server.services.delivered import Delivered
from media_server.services.speech_formats import ENCODERS, WIDTHS
from media_server.telemetry.metrics import TTS_CLAUSE_SECONDS


class TtsSender:
    """Sends what a session makes, in the form that was asked for."""

    def __init__(self, session: TtsSession, socket: web.WebSocketResponse, query: TtsQuery, engine_rate: int) -> None:
        self._session = session
        self._socket = socket
        self._resampler = PartsResampler(engine_rate, query.sample_rate)
        self._encode = ENCODERS[query.encoding]
        self._bytes_per_s = WIDTHS[query.encoding] * query.sample_rate
        self._begin()

    async def run(self) -> None:
        """Until the session is closed.

        Raises:
            TimeoutError: The client takes nothing.
            ConnectionError: It is gone.
        """
        async for event in self._session.events():
            for message in self._messages(event):
                async with asyncio.timeout(sending.SEND_TIMEOUT_S):
                    if isinstance(message, Message):
                        await self._socket.send_str(serialize(message))
                        continue
                    await self._socket.send_bytes(message)
                    self._delivered.send(message)
                await asyncio.sleep(0)  # where all is taken at once, the reader would not come to hear of a cancel

    def _messages(self, event: SessionEvent) -> Iterator[Message | bytes]:
        context_id = event.context_id
        match event:
            case ContextStarted():
                yield TtsStarted(context_id=context_id)
            case ContextWords():
                self._delivered.tell(event.words)
                words = [
                    Word(text=each.text, offset=each.offset, start=each.start, end=each.end) for each in event.words
                ]
                yield Words(context_id=context_id, words=words, exact=event.exact)
            case ContextAudio():
                if not self._resampler.within:
                    TTS_CLAUSE_SECONDS.observe(event.took_s)
                sound = self._resampler.push(event.pcm.astype("<i2").tobytes(), more=event.more)
                yield from self._audio(context_id, sound)
            case ContextFlushed():
                yield TtsFlushed(context_id=context_id)
            case ContextDone():
                yield self._done(event)
                self._begin()
            case ContextFailed():
                self._begin()
                yield SpeechError(
                    code=event.code, message=event.message, retryable=event.retryable, context_id=context_id
                )
            case _:
                assert_never(event)

    def _begin(self) -> None:
        """Nothing was sent yet of the next context; what is held back of the last one was not wanted any more."""
        self._resampler.flush()
        self._delivered = Delivered(self._bytes_per_s)

    def _audio(self, context_id: str, sound: bytes) -> Iterator[bytes]:
        """As long as it is wanted."""
        audio = self._encode(sound)
        for start in range(0, len(audio), sending.MOST_AT_ONCE):
            if not self._session.wants(context_id):
                return
            yield audio[start : start + sending.MOST_AT_ONCE]

    def _done(self, event: ContextDone) -> TtsDone:
        done = TtsDone(context_id=event.context_id, audio_s=self._delivered.seconds, cancelled=event.cancelled)
        if event.text is None:
            return done
        at = max(0, self._delivered.spoken - event.text.offset)
        return done.model_copy(update={"spoken": event.text.text[:at], "remaining": event.text.text[at:]})
