"""One media stream as a machine: text messages in, events out; sans-IO.

The table below is the whole order of a stream. A frame that is not in it for the state we are in, that speaks of
another stream, or that is none at all, changes nothing: it is counted in `irregular` under its reason, and the call
lives. Only a `start` that announces audio which we cannot decode is an error.
"""

from collections import Counter
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from media_server.audio.frame import TELEPHONE_RATE
from media_server.audio.g711 import MULAW_SILENCE
from media_server.errors import ProtocolViolation
from media_server.protocol.placement import Placement
from media_server.protocol.twilio import (
    BadPayload,
    Connected,
    Dtmf,
    Frame,
    Mark,
    Media,
    Start,
    Stop,
    Unknown,
    parse_frame,
)

FILL_SAMPLES = 800
"""Silence is filled in pieces of 100 ms at most."""


class StreamState(Enum):
    """How far the stream is."""

    NEW = auto()
    CONNECTED = auto()
    STARTED = auto()
    STOPPED = auto()


_TRANSITIONS: dict[tuple[StreamState, type[Frame]], StreamState] = {
    (StreamState.NEW, Connected): StreamState.CONNECTED,
    (StreamState.CONNECTED, Start): StreamState.STARTED,
    (StreamState.STARTED, Media): StreamState.STARTED,
    (StreamState.STARTED, Dtmf): StreamState.STARTED,
    (StreamState.STARTED, Mark): StreamState.STARTED,
    (StreamState.STARTED, Stop): StreamState.STOPPED,
}


@dataclass(frozen=True, slots=True)
class Audio:
    """Mu-law audio in its place; `position` in samples at 8 kHz since the first one. `filled`: silence for a loss."""

    payload: bytes
    position: int
    filled: bool = False


@dataclass(frozen=True, slots=True)
class Dropped:
    """Samples that arrived and are not used; 0 where the payload could not even be decoded."""

    samples: int
    reason: str


StreamEvent: TypeAlias = Start | Audio | Dropped | Dtmf | Mark | Stop


class TwilioStream:
    """Our side of one stream.

    Attributes:
        state: How far it is.
        irregular: Frames that were ignored, by reason.
    """

    def __init__(self) -> None:
        self.state = StreamState.NEW
        self.irregular: Counter[str] = Counter()
        self._stream_id = ""
        self._placement = Placement(TELEPHONE_RATE)

    def receive_text(self, text: str) -> list[StreamEvent]:
        """Take in a text message.

        Raises:
            ProtocolViolation: A `start` announces audio other than mono mu-law at 8 kHz.
        """
        try:
            frame = parse_frame(text)
        except BadPayload as error:
            return self._ignore(error.code, drop=self.state is StreamState.STARTED)
        except ProtocolViolation as error:
            return self._ignore(error.code)
        if isinstance(frame, Unknown):
            return self._ignore("unknown_event")
        return self._advance(frame)

    def _advance(self, frame: Connected | Start | Media | Dtmf | Mark | Stop) -> list[StreamEvent]:
        following = _TRANSITIONS.get((self.state, type(frame)))
        if following is None:
            return self._ignore(f"{type(frame).__name__.lower()}_when_{self.state.name.lower()}")
        if isinstance(frame, Start):
            _check_format(frame)
            self._stream_id = frame.stream_id
        elif not isinstance(frame, Connected) and frame.stream_id != self._stream_id:
            return self._ignore("other_stream")
        self.state = following
        if isinstance(frame, Media):
            return self._place(frame)
        return [] if isinstance(frame, Connected) else [frame]

    def receive_binary(self) -> None:
        """A binary message came, which this wire does not have."""
        self._ignore("binary_message")

    def _place(self, media: Media) -> list[StreamEvent]:
        if media.track != "inbound":
            return self._ignore("other_track")
        placing = self._placement.place(media.timestamp_ms, len(media.payload))
        events: list[StreamEvent] = []
        for begin in range(0, placing.fill, FILL_SAMPLES):
            length = min(FILL_SAMPLES, placing.fill - begin)
            position = placing.position - placing.fill + begin
            events.append(Audio(MULAW_SILENCE * length, position, filled=True))
        if placing.reason is not None:
            self.irregular[placing.reason] += 1
            events.append(Dropped(placing.skip, placing.reason))
        if placing.keep:
            events.append(Audio(media.payload[placing.skip :], placing.position))
        return events

    def _ignore(self, reason: str, *, drop: bool = False) -> list[StreamEvent]:
        self.irregular[reason] += 1
        return [Dropped(0, reason)] if drop else []


def _check_format(start: Start) -> None:
    if (start.encoding, start.sample_rate, start.channels) != ("audio/x-mulaw", TELEPHONE_RATE, 1):
        raise ProtocolViolation("mediaFormat: mono audio/x-mulaw at 8000 Hz is wanted")
