"""A recogniser's end of a stream, in time: it hears the caller's `Mouth` as the seconds pass."""

import asyncio
from collections.abc import Mapping

from typing_extensions import override

from media_server.protocol.asr_stream import AsrEvent, AsrQuery, CloseStream, parse_asr_command
from media_server.testing.doubles import FakeSocket
from media_server.testing.mouth import Mouth
from media_server.testing.port import CallersPort
from media_server.testing.recogniser import Recogniser


class Listener(FakeSocket):
    """One stream; it begins with the first sound that comes over it."""

    def __init__(self, mouth: Mouth, port: CallersPort, query: AsrQuery) -> None:
        super().__init__()
        self._mouth = mouth
        self._port = port
        self._query = query
        self._loop = asyncio.get_running_loop()
        self._recogniser: Recogniser | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def cut_ins(self) -> int:
        """Turns that ended in the middle of a hesitation."""
        return self._recogniser.cut_ins if self._recogniser is not None else 0

    @override
    async def send_bytes(self, data: bytes) -> None:
        await super().send_bytes(data)
        if self._recogniser is None:
            # All that has come over the wire so far ends with this.
            origin = self._port.heard_until - len(data) / 2 / self._query.sample_rate
            self._recogniser = Recogniser(self._mouth, self._query, origin)
            self.notice()

    @override
    async def send_text(self, text: str) -> None:
        await super().send_text(text)
        command = parse_asr_command(text)
        if self._recogniser is None:
            self._recogniser = Recogniser(self._mouth, self._query, self._port.heard_until)
        self._say(self._recogniser.receive_command(command, self._loop.time()))
        if not isinstance(command, CloseStream):
            self.notice()

    @override
    async def aclose(self) -> None:
        self._stop()
        await super().aclose()

    def notice(self) -> None:
        """The caller's voice has changed, or time has passed."""
        self._stop()
        if self._recogniser is None or self.closed:
            return
        now = self._loop.time()
        self._say(self._recogniser.advance(now))
        deadline = self._recogniser.next_deadline(now)
        if deadline is not None:
            self._timer = self._loop.call_at(deadline, self.notice)

    def _say(self, events: list[AsrEvent]) -> None:
        for event in events:
            self.tell(event)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Listeners:
    """Opens streams for one caller, and keeps them."""

    def __init__(self, mouth: Mouth, port: CallersPort) -> None:
        self._mouth = mouth
        self._port = port
        self._streams: list[Listener] = []

    async def connect(self, path: str, query: Mapping[str, str]) -> Listener:  # noqa: ARG002 - one kind, one path
        """See `EngineStreams`."""
        self._streams.append(Listener(self._mouth, self._port, AsrQuery.model_validate(dict(query))))
        return self._streams[-1]

    def notice(self) -> None:
        """The caller's voice has changed."""
        for stream in self._streams:
            stream.notice()

    @property
    def cut_ins(self) -> int:
        """Turns that ended in the middle of a hesitation."""
        return sum(stream.cut_ins for stream in self._streams)
