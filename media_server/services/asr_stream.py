"""One client of `ws /v1/stream/asr`: its messages to a session, the session's events to it."""

import asyncio
from contextlib import suppress
from dataclasses import asdict
from typing import assert_never

import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from engines.asr import events
from engines.asr.session import AsrSession
from engines.turn.expectation import Patience, TurnDetection
from media_server.audio.g711 import decode_mulaw
from media_server.errors import ProtocolViolation
from media_server.protocol import asr_stream, speech
from media_server.protocol.asr_stream import AsrLimits, AsrQuery
from media_server.protocol.speech import Message, SpeechError
from media_server.services.app import Inbox, TooManyMessages

_MESSAGES: dict[type[events.SessionEvent], type[Message]] = {
    events.SpeechStarted: asr_stream.SpeechStarted,
    events.Partial: asr_stream.Partial,
    events.TurnEager: asr_stream.TurnEager,
    events.TurnResumed: asr_stream.TurnResumed,
    events.Final: asr_stream.Final,
    events.TurnEnded: asr_stream.TurnEnded,
    events.Finalized: asr_stream.Finalized,
}
"""The wire's name of each event but the last; their fields are the same."""

_log = structlog.get_logger(__name__)


class AsrStream:
    """The stream of one socket."""

    def __init__(
        self, socket: web.WebSocketResponse, session: AsrSession, query: AsrQuery, limits: AsrLimits, name: str
    ) -> None:
        self._socket = socket
        self._inbox = Inbox(socket)
        self._session = session
        self._query = query
        self._limits = limits
        self._name = name

    async def run(self) -> None:
        """Serve until either side is done; a client that is gone has its work cancelled."""
        try:
            await self._greet()
            telling, listening = asyncio.create_task(self._tell()), asyncio.create_task(self._listen())
            try:
                await asyncio.wait((telling, listening), return_when=asyncio.FIRST_COMPLETED)
                error = telling.result() if telling.done() else listening.result()
            finally:
                for task in (telling, listening):
                    task.cancel()
                await asyncio.gather(telling, listening, return_exceptions=True)
            if error is not None:
                await self._fail(error)
        except ConnectionResetError:
            _log.info("the client of a recognition stream went away")

    async def _greet(self) -> None:
        await self._send(asr_stream.AsrReady(session=self._name, limits=self._limits))
        for key in speech.unknown_keys(self._query):
            await self._send(speech.SpeechWarning(code="unknown_key", message=f"{key[:64]} is not known"))

    async def _tell(self) -> SpeechError | None:
        """Send what the session says, to its end; an error of the engines, if there was one."""
        try:
            async for event in self._session.events():
                if isinstance(event, events.Closed):
                    await self._send(asr_stream.AsrClosed(**asdict(event), reason="close"))
                else:
                    await self._send(_MESSAGES[type(event)](**asdict(event)))
        except ConnectionError:
            raise
        except Exception:  # noqa: BLE001 - onnxruntime's are bare; what they say is for us, not for the client
            _log.exception("an engine failed")
            return SpeechError(code="engine", message="The recogniser failed", retryable=True)
        return None

    async def _listen(self) -> SpeechError | None:
        """Take what the client sends, until it is gone (nothing to say to it) or broke the protocol."""
        while True:
            try:
                message = await self._inbox.receive(self._limits.idle_timeout_s)
            except TooManyMessages as error:
                return SpeechError(code=error.code, message=error.message, retryable=False)
            except TimeoutError:
                idle = f"Neither audio nor KeepAlive for {self._limits.idle_timeout_s:g} s"
                return SpeechError(code="idle", message=idle, retryable=True)
            if message.type is WSMsgType.BINARY:
                await self._session.feed(self._linear(message.data))
            elif message.type is WSMsgType.TEXT:
                try:
                    self._obey(asr_stream.parse_asr_command(message.data))
                except ProtocolViolation as error:
                    return SpeechError(code=error.code, message=error.message, retryable=error.retryable)
            else:
                return None

    def _linear(self, data: bytes) -> bytes:
        return decode_mulaw(data) if self._query.encoding == "mulaw" else data

    def _obey(self, command: asr_stream.AsrCommand) -> None:
        match command:
            case asr_stream.Finalize():
                self._session.finalize()
            case asr_stream.CloseStream():
                self._session.close_stream()
            case asr_stream.KeepAlive():
                pass
            case asr_stream.Configure():
                self._session.configure(**_changes(command))
            case _:
                assert_never(command)

    async def _fail(self, error: SpeechError) -> None:
        """Say what is wrong, and the books as they are."""
        _log.warning("a recognition stream failed", code=error.code)
        with suppress(ConnectionResetError):
            await self._send(error)
            await self._send(asr_stream.AsrClosed(**asdict(self._session.books()), reason=error.code))
            if error.code == TooManyMessages.code:
                await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=error.code.encode())

    async def _send(self, message: Message) -> None:
        await self._socket.send_str(speech.serialize(message))


def _changes(configure: asr_stream.Configure) -> dict[str, object]:
    """The fields that are there, as the engines' own."""
    changes: dict[str, object] = configure.model_dump(exclude={"type"}, exclude_none=True)
    if configure.patience is not None:
        changes["patience"] = Patience(configure.patience)
    if configure.turn_detection is not None:
        changes["turn_detection"] = TurnDetection(configure.turn_detection)
    return changes
