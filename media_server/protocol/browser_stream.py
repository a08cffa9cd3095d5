"""A page's side of a call over a WebSocket as a machine: messages in, events out; sans-IO, time is an argument.

There are no timestamps on this wire. It is TCP, so that nothing is lost, only late:

- Pieces are contiguous, each follows the one before it. The first is position 0.
- When no sound comes for `GAP_S` (a page in the background, a phone that is locked), time goes on all the same: silence
  is filled in by the clock until sound comes again. That is longer than one lost packet of TCP takes to be sent again
  (200 to 600 ms), since what comes behind silence cannot take it back, and a word would be torn.
- What comes late after such a silence is sound that nobody has heard yet, so it is taken, and follows. It comes in a
  burst, of which `BURST_S` is taken; what is beyond that is dropped (`too_fast`), and the call is in the present again.
- The same bucket stops a page that makes sound faster than time: it is refilled at `FASTEST` times real time. Once
  `MAX_EXCESS_S` was dropped (of which a tenth of real time is forgiven) the stream is `flooded`, and nothing is left
  but to end it. That is later than the longest silence that the port waits out, so a page that is back is no flood.
- What is no whole number of samples, or more than `MAX_PIECE_S` at once, is dropped (`odd_length`, `too_long`).
- Keys and typed texts come from a bucket of their own; one too many is ignored, since each may be a turn of the call.

``received + filled = placed + dropped`` at any time. Whatever is ignored is counted in `irregular` under its reason.
"""

from collections import Counter
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from media_server.audio.frame import BYTES_PER_SAMPLE, silence
from media_server.errors import ProtocolViolation
from media_server.protocol.browser_socket import SAMPLE_RATE, Digit, Mark, Text, Unknown, parse_message
from media_server.protocol.message_rate import MessageRate

GAP_S = 1.0
FILL_S = 0.1
"""Silence is filled in pieces of this length at most, as time goes on."""
MAX_FILL_S = 30.0
"""At once; whoever was away longer has missed it."""
MAX_PIECE_S = 0.2
BURST_S = 3.0
FASTEST = 1.5
MAX_EXCESS_S = 15.0
FORGIVEN = 0.1
COMMANDS_PER_S = 10
COMMANDS_AT_ONCE = 50
"""Keys and texts; a keypad's redial sends a number at once."""


@dataclass(frozen=True, slots=True)
class Audio:
    """Linear sound in its place; `position` in samples since the first one. `filled`: silence where none came."""

    pcm: bytes
    position: int
    filled: bool = False


@dataclass(frozen=True, slots=True)
class Dropped:
    """Samples that arrived and are not used."""

    samples: int
    reason: str


StreamEvent: TypeAlias = Audio | Dropped | Digit | Text | Mark


class BrowserStream:
    """Our side of one stream.

    Attributes:
        irregular: What was ignored, by reason.
        heard_at: When sound came last; None before the first.
    """

    def __init__(self) -> None:
        self.irregular: Counter[str] = Counter()
        self.heard_at: float | None = None
        self._end = 0
        self._covered = 0.0
        """Up to here, by the clock, there is sound or silence."""
        self._filling = False
        self._room = BURST_S * SAMPLE_RATE
        self._room_at = 0.0
        self._excess_s = 0.0
        self._excess_at = 0.0
        self._commands = MessageRate(per_s=COMMANDS_PER_S, burst=COMMANDS_AT_ONCE)

    @property
    def flooded(self) -> bool:
        """The page goes on sending more than can be used."""
        return self._excess_s > MAX_EXCESS_S

    def receive_text(self, text: str, now: float) -> list[StreamEvent]:
        """Take in a text message."""
        try:
            message = parse_message(text)
        except ProtocolViolation as error:
            return self._ignore(error.code)
        match message:
            case Digit() | Text():
                return [message] if self._commands.allows(now) else self._ignore("too_many_commands")
            case Mark():
                return [message]
            case Unknown():
                return self._ignore("unknown_type")
            case _:
                assert_never(message)

    def receive_binary(self, data: bytes, now: float) -> list[StreamEvent]:
        """Take in a piece of sound."""
        samples = len(data) // BYTES_PER_SAMPLE
        if len(data) % BYTES_PER_SAMPLE:
            return self._drop(samples, "odd_length")
        if not samples:
            return self._ignore("empty")
        if samples > MAX_PIECE_S * SAMPLE_RATE:
            return self._drop(samples, "too_long")
        events = self._fill(now - samples / SAMPLE_RATE) if self._filling else []
        self.heard_at = self._covered = now
        self._filling = False
        if self._has_room(samples, now):
            return [*events, self._put(data)]
        self._exceed(samples / SAMPLE_RATE, now)
        return [*events, *self._drop(samples, "too_fast")]

    def next_deadline(self) -> float | None:
        """When `on_deadline` wants to be called, if no sound comes before."""
        if self.heard_at is None:
            return None
        return self._covered + (FILL_S if self._filling else GAP_S)

    def on_deadline(self, now: float) -> list[StreamEvent]:
        """Time has gone on."""
        deadline = self.next_deadline()
        if deadline is None or now < deadline:
            return []
        self._filling = True
        return self._fill(now)

    def _fill(self, until: float) -> list[StreamEvent]:
        """Silence up to this time."""
        self._covered = max(self._covered, until - MAX_FILL_S)
        left = int((until - self._covered) * SAMPLE_RATE)
        events: list[StreamEvent] = []
        while left > 0:
            samples = min(left, int(FILL_S * SAMPLE_RATE))
            events.append(self._put(silence(samples), filled=True))
            self._covered += samples / SAMPLE_RATE
            left -= samples
        return events

    def _put(self, pcm: bytes, *, filled: bool = False) -> Audio:
        audio = Audio(pcm, self._end, filled)
        self._end += len(pcm) // BYTES_PER_SAMPLE
        return audio

    def _has_room(self, samples: int, now: float) -> bool:
        more = FASTEST * SAMPLE_RATE * (now - self._room_at)
        self._room = min(BURST_S * SAMPLE_RATE, self._room + more)
        self._room_at = now
        if samples > self._room:
            return False
        self._room -= samples
        return True

    def _exceed(self, seconds: float, now: float) -> None:
        self._excess_s = max(0.0, self._excess_s - FORGIVEN * (now - self._excess_at)) + seconds
        self._excess_at = now

    def _drop(self, samples: int, reason: str) -> list[StreamEvent]:
        self.irregular[reason] += 1
        return [Dropped(samples, reason)]

    def _ignore(self, reason: str) -> list[StreamEvent]:
        self.irregular[reason] += 1
        return []
