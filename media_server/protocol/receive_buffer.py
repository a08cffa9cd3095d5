"""The receive buffer of an RTP stream: what a recogniser hears, in order, as soon as it can be. Sans-IO.

It is no jitter buffer: nobody plays what comes out of it, so what comes in order goes on at once. The rules:

* A packet that follows the one before it is delivered when it comes.
* Behind a *hole* packets wait for what is missing, as long as the network has lately been late with packets that were
  overtaken: 20 to 100 ms. Then the hole is given up; what comes of it later is `late`. The packet behind the hole goes
  along with the loss, for it may carry what was lost once more.
* Where the timestamp goes on by more than the sound before it, the sender was silent: that is filled.
* Where nothing comes for 200 ms (80 ms, where the sender announced a silence), time goes on without it: silence is
  filled in by the clock, 60 ms behind it. What still comes of that time is delivered all the same, for words are worth
  more than the time line. The line is then *ahead* of the sender's; what is silent later on is filled by so much less.
* A packet of another source, or far off in sequence or time, is an error or a new beginning: it waits until a second
  one follows it. A new beginning goes on where the old stream was.
* A sender gets no more than its time: sound that is more than 2 s ahead of the clock is dropped (`too_fast`), holes and
  silences that are more than 1 s ahead of it are not filled.

Bounds: 200 packets at most wait at a hole. Time is monotonic seconds, `now`; sound is counted in ticks of the clock.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from media_server.protocol.rtp import MAX_SEQUENCE, MAX_TIMESTAMP, RtpPacket, sequence_delta, timestamp_delta

MAX_WAITING: Final = 200
LEAST_WAIT_S: Final = 0.02
MOST_WAIT_S: Final = 0.1
FIRST_WAIT_S: Final = 0.06
_MARGIN: Final = 1.5
_FORGETS: Final = 0.998
"""What is left, one packet later, of how late overtaken packets were: half of it after seven seconds."""
STALL_S: Final = 0.2
LAG_S: Final = 0.06
"""How far behind the clock silence is filled in: so late a packet may be and still be in its place."""
STEP_S: Final = 0.02
MAX_AHEAD_S: Final = 2.0
MAX_FILL_AHEAD_S: Final = 1.0
MAX_SEQUENCE_JUMP: Final = 1000
MAX_TIME_JUMP_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Sound:
    """A packet whose turn it is."""

    packet: RtpPacket


@dataclass(frozen=True, slots=True)
class Lost:
    """So many ticks did not come. `following`: the packet behind them, which may have them once more."""

    ticks: int
    following: RtpPacket | None


@dataclass(frozen=True, slots=True)
class Silent:
    """So many ticks were silent, or nobody knows what they were."""

    ticks: int


@dataclass(frozen=True, slots=True)
class Unused:
    """A packet that nothing can be done with any more."""

    packet: RtpPacket
    reason: Literal["late", "duplicate", "odd", "too_fast"]


@dataclass(frozen=True, slots=True)
class NewStream:
    """The stream begins anew; a decoder should, too."""


Piece: TypeAlias = Sound | Lost | Silent | Unused | NewStream


class ReceiveBuffer:
    """One stream of sound. `ticks_of`: how long a payload is; `is_silence`: whether it announces that nothing comes."""

    def __init__(
        self,
        clock_rate: int,
        ticks_of: Callable[[bytes], int],
        is_silence: Callable[[bytes], bool] = lambda _payload: False,
    ) -> None:
        self._rate = clock_rate
        self._ticks_of = ticks_of
        self._is_silence = is_silence
        self._waiting: dict[int, tuple[RtpPacket, float]] = {}
        self._ssrc: int | None = None
        self._next = 0
        self._end = 0
        self._ahead = 0
        self._odd: RtpPacket | None = None
        self._end_at = 0.0
        """When what is delivered ended, by the clock."""
        self._by_clock = False
        """The next silence is due a step behind the last one: it was announced, or is being filled already."""
        self._begun_at = 0.0
        self._given = 0
        self._lateness = FIRST_WAIT_S / _MARGIN
        self._overtaken_at: dict[int, float] = {}

    # --- what comes ----------------------------------------------------------------------------------------------

    def receive(self, packet: RtpPacket, now: float) -> list[Piece]:
        """A packet came; returns what can go on."""
        if self._ssrc is None:
            self._begun_at = now
            self._begin(packet)
        elif self._is_odd(packet):
            return self._receive_odd(packet, now)
        pieces = self._forget_odd()
        offset = sequence_delta(packet.sequence, self._next)
        self._lateness *= _FORGETS
        if offset < 0:
            reason: Literal["late", "duplicate"] = "late" if self._was_late(packet.sequence, now) else "duplicate"
            return [*pieces, Unused(packet, reason)]
        if packet.sequence in self._waiting:
            return [*pieces, Unused(packet, "duplicate")]
        self._was_late(packet.sequence, now)
        if offset:
            self._overtook(packet.sequence, now)
        self._waiting[packet.sequence] = (packet, now)
        pieces += self._flow(now)
        while len(self._waiting) > MAX_WAITING:
            pieces += self._give_up(now)
        return pieces

    def next_deadline(self) -> float | None:
        """When `on_deadline` wants to be called; None before the first packet."""
        if self._ssrc is None:
            return None
        if self._waiting:
            return self._hole_deadline()
        return self._end_at + self._patience

    def on_deadline(self, now: float) -> list[Piece]:
        """Time has passed; returns what goes on now."""
        if self._ssrc is None:
            return []
        pieces: list[Piece] = []
        while self._waiting and self._hole_deadline() <= now:
            pieces += self._give_up(now)
        if not self._waiting and self._end_at + self._patience <= now:
            ticks = round((now - self._end_at - LAG_S) * self._rate)
            self._end = (self._end + ticks) % MAX_TIMESTAMP
            self._end_at, self._by_clock = now - LAG_S, True
            pieces += self._silence(ticks, now)
        return pieces

    @property
    def wait_s(self) -> float:
        """How long a hole is waited for now."""
        return min(MOST_WAIT_S, max(LEAST_WAIT_S, _MARGIN * self._lateness))

    # --- order ---------------------------------------------------------------------------------------------------

    def _begin(self, packet: RtpPacket) -> None:
        self._ssrc, self._next, self._end = packet.ssrc, packet.sequence, packet.timestamp
        self._waiting.clear()
        self._overtaken_at.clear()

    def _is_odd(self, packet: RtpPacket) -> bool:
        return (
            packet.ssrc != self._ssrc
            or abs(sequence_delta(packet.sequence, self._next)) > MAX_SEQUENCE_JUMP
            or abs(timestamp_delta(packet.timestamp, self._end)) > MAX_TIME_JUMP_S * self._rate
        )

    def _receive_odd(self, packet: RtpPacket, now: float) -> list[Piece]:
        first = self._odd
        if first is None or first.ssrc != packet.ssrc or sequence_delta(packet.sequence, first.sequence) != 1:
            pieces = self._forget_odd()
            self._odd = packet
            return pieces
        self._odd = None
        pieces = []
        while self._waiting:
            pieces += self._give_up(now)
        self._begin(first)
        pieces.append(NewStream())
        return pieces + self.receive(first, now) + self.receive(packet, now)

    def _forget_odd(self) -> list[Piece]:
        odd, self._odd = self._odd, None
        return [Unused(odd, "odd")] if odd is not None else []

    def _flow(self, now: float) -> list[Piece]:
        """All that is next in order."""
        pieces: list[Piece] = []
        while self._next in self._waiting:
            packet, _ = self._waiting.pop(self._next)
            self._next = (self._next + 1) % MAX_SEQUENCE
            pieces += self._place(packet, now, lost=False)
        return pieces

    def _give_up(self, now: float) -> list[Piece]:
        """What is missing before the first one that waits does not come any more."""
        first = min(self._waiting, key=lambda sequence: sequence_delta(sequence, self._next))
        packet, _ = self._waiting.pop(first)
        self._next = (first + 1) % MAX_SEQUENCE
        return self._place(packet, now, lost=True) + self._flow(now)

    def _hole_deadline(self) -> float:
        return min(arrived for _, arrived in self._waiting.values()) + self.wait_s

    def _overtook(self, sequence: int, now: float) -> None:
        """This one came before those that are missing: they are late from now on."""
        missing = sequence
        for _ in range(min(sequence_delta(sequence, self._next), MAX_WAITING)):
            missing = (missing - 1) % MAX_SEQUENCE
            if missing in self._waiting or missing in self._overtaken_at:
                break
            self._overtaken_at[missing] = now
        while len(self._overtaken_at) > MAX_WAITING:
            del self._overtaken_at[next(iter(self._overtaken_at))]

    def _was_late(self, sequence: int, now: float) -> bool:
        """Whether it was overtaken; the wait grows with how late it was."""
        since = self._overtaken_at.pop(sequence, None)
        if since is None:
            return False
        self._lateness = max(self._lateness, min(now - since, MOST_WAIT_S))
        return True

    # --- time ----------------------------------------------------------------------------------------------------

    def _place(self, packet: RtpPacket, now: float, *, lost: bool) -> list[Piece]:
        gap = timestamp_delta(packet.timestamp, self._end)
        ticks = self._ticks_of(packet.payload)
        pieces: list[Piece] = []
        if gap <= 0:
            self._ahead = min(self._ahead - gap, round(MAX_TIME_JUMP_S * self._rate))
        elif lost:
            filled = self._fill(gap, now)
            pieces += [Lost(filled, packet)] if filled else []
        else:
            pieces += self._silence(gap, now)
        self._end = (packet.timestamp + ticks) % MAX_TIMESTAMP
        self._end_at, self._by_clock = now, self._is_silence(packet.payload)
        if self._room(now, MAX_AHEAD_S) < ticks:
            return [*pieces, Unused(packet, "too_fast")]
        self._given += ticks
        return [*pieces, Sound(packet)]

    def _silence(self, gap: int, now: float) -> list[Piece]:
        saved = min(gap, self._ahead)
        self._ahead -= saved
        filled = self._fill(gap - saved, now)
        return [Silent(filled)] if filled else []

    def _fill(self, ticks: int, now: float) -> int:
        filled = min(ticks, max(0, self._room(now, MAX_FILL_AHEAD_S)))
        self._given += filled
        return filled

    def _room(self, now: float, ahead_s: float) -> int:
        """How many ticks may be given now, so that no more than `ahead_s` ahead of the clock is given."""
        return round((now - self._begun_at + ahead_s) * self._rate) - self._given

    @property
    def _patience(self) -> float:
        return LAG_S + STEP_S if self._by_clock else STALL_S
