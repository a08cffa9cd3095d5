"""What a WebRTC phone plays of the packets that reach it, and when. Sans-IO; time is an argument.

Each packet has a *place* on the phone's time axis: the first one where it arrived, those that follow as far behind it
as their timestamps say (RFC 3550 §5.1). The axis is played `depth_s` later, so that packets may come late and out of
order by so much; positions are places, thus a figure that is taken of them does not hold the depth: it is the wire's.
The line from timestamps to places is drawn anew

- where a packet is later than the depth, or is late and the first one behind a hole: it sounds where it arrived;
- where its timestamp leaps by more than a server can be ahead;
- in silence, where for half a second every packet came before its place: so much of the silence is left out.

A hole is an `underrun`, unless silence was announced before it, or it is so short that a phone conceals it.
"""

from collections import deque
from dataclasses import dataclass

from media_server.audio.frame import BYTES_PER_SAMPLE, TELEPHONE_RATE, silence
from media_server.audio.levels import rms
from media_server.phone.playout_buffer import VOICED_RMS, Span
from media_server.phone.webrtc_sound import Sound

DEPTH_S = 0.1
"""What a browser's buffer comes to on a network with 40 ms of jitter."""
CONCEALED_S = 0.06
"""A browser makes up so much out of what was before it."""
MOST_WAITING = 500
"""Packets; ten seconds of a server that sends ahead."""
_HOLE_S = 0.1
_FAR_S = 5.0
_REMEMBERED = 25
_SEQUENCES, _TIMESTAMPS = 1 << 16, 1 << 32


@dataclass(slots=True)
class _Waiting:
    """A packet not yet played."""

    place: int
    payload: bytes


class RtpPlayout:
    """The packets of one stream.

    Attributes:
        played: Linear PCM at 8 kHz from the start on.
        underruns: Where there was nothing to play, and should have been; samples at 8 kHz.
        packets: How many arrived.
        lost: How many never did, or came too late to be played.
        late: How many of these came too late, or twice.
        discarded: Packets beyond what may wait.
    """

    def __init__(self, start: float, sound: Sound, *, depth_s: float = DEPTH_S) -> None:
        self._start = start
        self._sound = sound
        self._depth_s = depth_s
        self._waiting: dict[int, _Waiting] = {}
        self._early: deque[int] = deque(maxlen=_REMEMBERED)
        self._offset: int | None = None
        """What added to a timestamp in samples makes its place."""
        self._sequence = self._timestamp = 0
        self._end = 0
        """Behind the newest packet's sound."""
        self._first_sequence = 0
        self._played_packets = 0
        self._paused = True
        self._hole = 0
        self.played = bytearray()
        self.underruns: list[Span] = []
        self.packets = self.late = self.discarded = 0

    @property
    def position(self) -> int:
        """How much was played, in samples."""
        return len(self.played) // BYTES_PER_SAMPLE

    @property
    def lost(self) -> int:
        """How many should have been played by now, and were not."""
        if self._offset is None:
            return 0
        return self._sequence - self._first_sequence + 1 - len(self._waiting) - self._played_packets

    @property
    def voiced(self) -> bool:
        """Whether the last 20 ms played were."""
        return rms(bytes(self.played[-2 * BYTES_PER_SAMPLE * TELEPHONE_RATE // 100 :])) > VOICED_RMS

    def receive(self, sequence: int, timestamp: int, payload: bytes, now: float) -> None:
        """A packet arrived; `sequence` and `timestamp` as the wire has them."""
        self.advance(now)
        self.packets += 1
        arrived = round((now - self._start) * TELEPHONE_RATE)
        if self._offset is None:
            self._sequence = self._first_sequence = sequence
            self._timestamp, self._end = timestamp, arrived
            self._offset = arrived - timestamp // self._sound.ticks
        sequence = _unwrapped(sequence, self._sequence, _SEQUENCES)
        timestamp = _unwrapped(timestamp, self._timestamp, _TIMESTAMPS)
        if sequence in self._waiting or sequence < self._first_sequence:
            self.late += 1
            return
        if len(self._waiting) >= MOST_WAITING:
            self.discarded += 1
            return
        if sequence >= self._sequence:
            self._offset += self._redrawn(timestamp // self._sound.ticks + self._offset, arrived)
            self._sequence, self._timestamp = sequence, timestamp
            self._end = timestamp // self._sound.ticks + self._offset + TELEPHONE_RATE // 50
        place = timestamp // self._sound.ticks + self._offset
        if place < self.position:
            self.late += 1
            return
        self._early.append(place - arrived)
        self._waiting[sequence] = _Waiting(place, payload)

    def advance(self, now: float) -> None:
        """Play up to `now`."""
        until = round((now - self._start - self._depth_s) * TELEPHONE_RATE)
        while self.position < until:
            sequence = min(self._waiting, key=lambda each: self._waiting[each].place, default=None)
            packet = self._waiting.get(sequence) if sequence is not None else None
            begin = until if packet is None else min(until, packet.place)
            if begin > self.position:
                self._skip(begin - self.position)
            if packet is not None and sequence is not None and packet.place <= self.position < until:
                del self._waiting[sequence]
                self._play(packet.payload)

    def _redrawn(self, place: int, arrived: int) -> int:
        """By how much the line must move for the newest packet to be played."""
        late = arrived - place
        behind_a_hole = place - self._end > _HOLE_S * TELEPHONE_RATE
        too_late = place < self.position
        far_ahead = -late > _FAR_S * TELEPHONE_RATE
        return late if far_ahead or (late > 0 and (behind_a_hole or too_late)) else 0

    def _play(self, payload: bytes) -> None:
        self._played_packets += 1
        pcm = self._sound.decode(payload)
        early = min(self._early, default=0) if len(self._early) == _REMEMBERED else 0
        if early > 0 and rms(pcm) <= VOICED_RMS:
            left_out = min(early, len(pcm) // BYTES_PER_SAMPLE)
            pcm = pcm[left_out * BYTES_PER_SAMPLE :]
            self._move(-left_out)
        self._paused = self._sound.begins_pause(payload)
        self._hole = 0
        self.played += pcm

    def _move(self, by: int) -> None:
        assert self._offset is not None
        self._offset += by
        self._end += by
        self._early = deque((each + by for each in self._early), maxlen=_REMEMBERED)
        for packet in self._waiting.values():
            packet.place += by

    def _skip(self, samples: int) -> None:
        """There is nothing to play."""
        self.played += silence(samples)
        self._hole += samples
        if self._paused or self._hole <= CONCEALED_S * TELEPHONE_RATE:
            return
        begin = self.position - self._hole
        if self.underruns and self.underruns[-1].begin == begin:
            self.underruns.pop()
        self.underruns.append(Span(begin, self.position))


def _unwrapped(value: int, near: int, modulus: int) -> int:
    """The number that is `value` on the wire, nearest to one that is known."""
    return near + (value - near + modulus // 2) % modulus - modulus // 2
