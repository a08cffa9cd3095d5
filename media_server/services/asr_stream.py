"""One client of the recogniser: its messages to a session, the session's events to it, in the client's own dialect."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from typing import Protocol

import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from engines.asr import events
from engines.asr.session import AsrSession
from engines.ports import HeardWord
from media_server.errors import MediaServerError, ProtocolViolation
from media_server.protocol import asr_stream, speech
from media_server.protocol.asr_stream import AsrCommand, AsrEvent, AsrLimits, AsrQuery
from media_server.protocol.speech import Message, SpeechError
from media_server.services.app import CLOSE_S, CRUMB_BYTES, Inbox, TooManyMessages
from media_server.services.asr_expectation import expectation_changes, expectation_of
from media_server.services.asr_sound import new_sound
from media_server.services.sending import SEND_TIMEOUT_S

_MESSAGES: dict[type[events.SessionEvent], type[AsrEvent]] = {
    events.SpeechStarted: asr_stream.SpeechStarted,
    events.TurnEager: asr_stream.TurnEager,
    events.TurnResumed: asr_stream.TurnResumed,
    events.TurnEnded: asr_stream.TurnEnded,
    events.Quiet: asr_stream.Quiet,
    events.Finalized: asr_stream.Finalized,
}
"""The wire's name of each event whose fields are the same."""

OPUS_CRUMB_BYTES = 16
"""A packet of 20 ms in its page is larger, and may be a message of its own."""

_log = structlog.get_logger(__name__)


class Dialect(Protocol):
    """How a client and its session say things to each other; our own messages are the tongue that is translated."""

    def commanded(self, text: str) -> AsrCommand | Message:
        """What a client's message asks for; any other message than a command is the answer to it.

        Raises:
            ProtocolViolation: It is none.
        """
        ...

    def heard(self, data: bytes) -> None:
        """The client has sent this sound."""
        ...

    def told(self, event: AsrEvent) -> Iterable[Message]:
        """What the client is told of it."""
        ...

    def closing(self, code: str) -> tuple[int, str] | None:
        """Code and reason of the socket's closing after an error of this code; None: as ever."""
        ...


class OwnDialect:
    """Of `ws /v1/stream/asr`."""

    def commanded(self, text: str) -> AsrCommand:
        """See `Dialect`."""
        return asr_stream.parse_asr_command(text)

    def heard(self, data: bytes) -> None:
        """See `Dialect`."""

    def told(self, event: AsrEvent) -> Iterable[Message]:
        """See `Dialect`."""
        return (event,)

    def closing(self, code: str) -> tuple[int, str] | None:
        """See `Dialect`."""
        return (WSCloseCode.POLICY_VIOLATION, code) if code == TooManyMessages.code else None


class AsrStream:
    """The stream of one socket."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        session: AsrSession,
        query: AsrQuery,
        limits: AsrLimits,
        *,
        name: str,
        dialect: Dialect,
    ) -> None:
        self._socket = socket
        self._inbox = Inbox(socket, crumb_bytes=OPUS_CRUMB_BYTES if query.encoding == "opus" else CRUMB_BYTES)
        self._idle_timeout_s: float | None = limits.idle_timeout_s
        self._session = session
        self._query = query
        self._sound = new_sound(query, session)
        self._limits = limits
        self._name = name
        self._dialect = dialect

    async def run(self) -> None:
        """Serve until either side is done; a client that is gone has its work cancelled."""
        try:
            await self._greet()
            tasks = [asyncio.create_task(each) for each in (self._tell(), self._listen(), self._decode())]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                error = next(filter(None, (task.result() for task in tasks if task in done)), None)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            if error is not None:
                await self._fail(error)
        except ConnectionResetError:
            _log.info("the client of a recognition stream went away")
        except TimeoutError:
            _log.warning("a recognition stream was cut off", code="slow_reader")

    async def _greet(self) -> None:
        await self._send(asr_stream.AsrReady(session=self._name, limits=self._limits))
        for key in speech.unknown_keys(self._query):
            await self._send(speech.SpeechWarning(code="unknown_key", message=f"{key[:64]} is not known"))

    async def _tell(self) -> SpeechError | None:
        """Send what the session says, to its end; an error of the engines, if there was one."""
        try:
            async for event in self._session.events():
                await self._send(self._message(event))
        except (ConnectionError, TimeoutError):
            raise
        except Exception:  # noqa: BLE001 - onnxruntime's are bare; what they say is for us, not for the client
            _log.exception("an engine failed")
            return SpeechError(code="engine", message="The recogniser failed", retryable=True)
        return None

    def _message(self, event: events.SessionEvent) -> AsrEvent:
        match event:
            case events.Partial():
                return asr_stream.Partial(**asdict(event) | {"confidence": round(event.confidence, 3)})
            case events.Closed():
                return asr_stream.AsrClosed(**asdict(event), reason="close")
            case events.Final():
                words = [_word(word) for word in event.words] if self._query.word_timestamps else None
                return asr_stream.Final(
                    turn=event.turn,
                    text=event.text,
                    start=event.start,
                    end=event.end,
                    language=event.language,
                    confidence=round(event.confidence, 3),
                    words=words,
                    ends_turn=event.ends_turn,
                )
            case _:
                return _MESSAGES[type(event)](**asdict(event))

    async def _listen(self) -> SpeechError | None:
        """Take what the client sends, until it is gone (nothing to say to it) or broke the protocol."""
        while True:
            try:
                message = await self._inbox.receive(self._idle_timeout_s)
            except TooManyMessages as error:
                return SpeechError(code=error.code, message=error.message, retryable=False)
            except TimeoutError:
                idle = f"Neither audio nor KeepAlive for {self._limits.idle_timeout_s:g} s"
                return SpeechError(code="idle", message=idle, retryable=True)
            if message.type is WSMsgType.BINARY:
                self._dialect.heard(message.data)
                await self._sound.feed(message.data)
            elif message.type is WSMsgType.TEXT:
                try:
                    await self._obey(self._dialect.commanded(message.data))
                except ProtocolViolation as error:
                    return SpeechError(code=error.code, message=error.message, retryable=error.retryable)
            else:
                return None

    async def _decode(self) -> SpeechError | None:
        """Run what the sound goes through; it ends only by an error."""
        try:
            await self._sound.run()
        except MediaServerError as error:
            return SpeechError(code=error.code, message=error.message, retryable=error.retryable)
        await asyncio.Event().wait()  # the stream ends by its closing, not by this
        return None

    async def _obey(self, command: AsrCommand | Message) -> None:
        match command:
            case asr_stream.Finalize():
                self._session.finalize()
            case asr_stream.CloseStream():
                self._idle_timeout_s = None  # nothing more is to come of the client; what there is takes its time
                await self._sound.close()
            case asr_stream.KeepAlive():
                pass
            case asr_stream.Configure():
                self._configure(command)
            case answer:
                await self._write(answer)

    def _configure(self, configure: asr_stream.Configure) -> None:
        """Pass on the fields that are there; those without a value are as the query has them."""
        if "keyterm" in configure.changes:
            keyterms = self._query.keyterm if configure.keyterm is None else configure.keyterm
            self._session.listen_for(keyterms=keyterms)
        self._session.configure(**expectation_changes(configure, expectation_of(self._query)))

    async def _fail(self, error: SpeechError) -> None:
        """Say what is wrong, and the books as they are."""
        _log.warning("a recognition stream failed", code=error.code)
        with suppress(ConnectionResetError, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._send(error)
                await self._send(asr_stream.AsrClosed(**asdict(self._session.books()), reason=error.code))
                if (closing := self._dialect.closing(error.code)) is not None:
                    await self._socket.close(code=closing[0], message=closing[1].encode())

    async def _send(self, event: AsrEvent) -> None:
        for message in self._dialect.told(event):
            await self._write(message)

    async def _write(self, message: Message) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await self._socket.send_str(speech.serialize(message))


def _word(word: HeardWord) -> asr_stream.HeardWord:
    return asr_stream.HeardWord(
        text=word.text, start=round(word.start, 3), end=round(word.end, 3), confidence=round(word.probability, 3)
    )
