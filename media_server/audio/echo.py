"""Our own voice, come back from the far end: found, and taken out of what the caller says. Pure.

A line with an echo gives back what we sent: later, quieter, and through a short filter. While something of ours may
come back, the delay is looked for by cross-correlation of the last quarter second with what we sent, and the filter
around it fitted by least squares. What it explains as well as an echo alone on this line is ours and becomes silence;
where a voice is on top, be it quieter than the echo, only what it explains is taken away. Once found, the delay is kept
for the call, so that later replies are silenced from their first sample on.

Bounds: an echo comes up to 640 ms after our sound (or 40 ms before what we take for it). A delay that was found is
looked at every 100 ms; while nothing is found, every frame is searched until ours has sounded for as long as an echo
takes at most, then one in ten; nothing is done where nothing of ours can come back.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from media_server.audio.echo_filter import OURS

EARLIEST_S, LATEST_S = -0.04, 0.64
WINDOW_S = 0.24
"""What a delay and its filter are fitted to."""
LEAST_S = 0.06
"""… at least, and so much of it sound: one frame of a voice behind silence fits anything."""
TRUSTED_S = 0.16
"""A delay that explained so much sound is kept for the call."""
TAPS_S = 0.002
"""How long the filter is."""
PIECE = 200_000
"""Multiplications in one product of matrices: of more, BLAS makes threads, which wait for each other on a busy machine
(measured at 16 kHz on two cores: up to 270 ms, in place of 0.5)."""
WORSE = 3.0
"""A frame that is explained so much worse than an echo alone on this line has another voice in it."""
LEAST_REST = 0.03
"""No line is so clean that less than this share of the energy remaining tells of a voice."""
FAINT = 80.0
"""Root mean square below which nobody hears a voice in what remains of an echo (-52 dBFS)."""
ON_TOP = 0.3
"""The least share that is worth taking away."""
QUIET = 12.0
"""Root mean square of 16-bit samples below which nobody hears a voice."""
SLOWLY = 0.05
"""How fast the line is thought worse of: a voice on top makes every fit worse."""
KEPT_S = 30.0
_JITTER_S = 0.008
_EVERY_S, _SELDOM_S = 0.1, 0.2

Signal = NDArray[np.float64]


class EchoGuard:
    """One leg's. Times are monotonic seconds; sound is 16-bit mono."""

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._latest, self._earliest = int(LATEST_S * sample_rate), int(EARLIEST_S * sample_rate)
        self._ours = _Track(sample_rate, 2 * (LATEST_S + WINDOW_S))
        self._theirs = _Track(sample_rate, 2 * WINDOW_S)
        self._delay: int | None = None
        self._count = round(TAPS_S * sample_rate)
        self._taps: Signal = np.zeros(self._count)
        self._trusted = False
        self._look_at = 0
        self._rest_share = 1.0 - OURS
        """What share of an echo's energy the filter leaves on this line."""
        self._heard: deque[list[float]] = deque()
        """For each frame: its place, its energy, what of that is not ours, and its samples."""

    def sent(self, pcm: bytes, at: float) -> None:
        """Ours; it sounds at the far end from `at` on."""
        sound = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
        self._ours.write(sound, at)
        if self._ours.length <= len(sound):
            self._look_at = 0  # we begin anew

    def receive(self, pcm: bytes, at: float) -> bytes:
        """The caller's sound, spoken into the wire from `at` on; returns it without ours."""
        sound = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
        begin = self._theirs.write(sound, at)
        energy = float(sound @ sound)
        entry = [float(begin), energy, energy, float(len(sound))]
        self._heard.append(entry)
        while self._heard[0][0] < begin - KEPT_S * self._rate:
            self._heard.popleft()
        if not len(sound) or energy < QUIET**2 * len(sound) or not self._may_come_back(begin):
            return pcm
        if begin + len(sound) >= self._look_at:
            self._look(begin + len(sound))
        if self._delay is None:
            return pcm
        rest = sound - self._predicted(begin, len(sound))
        entry[2] = min(energy, float(rest @ rest))
        if self._is_ours(energy, entry[2], len(sound)):
            return bytes(len(pcm))
        if entry[2] > (1 - ON_TOP) * energy:
            return pcm
        return np.clip(rest.round(), -32768, 32767).astype("<i2").tobytes()

    def share(self, begin: float, end: float) -> float:
        """What part of the frames with sound that came between these times was ours and nothing else, 0 to 1."""
        first, last = self._theirs.place(begin), self._theirs.place(end)
        frames = [entry for entry in self._heard if first <= entry[0] < last and entry[1] >= QUIET**2 * entry[3]]
        return sum(self._is_ours(*entry[1:]) for entry in frames) / len(frames) if frames else 0.0

    def _is_ours(self, energy: float, rest: float, samples: float) -> bool:
        allowed = max(LEAST_REST, min(1.0 - OURS, WORSE * self._rest_share)) * energy
        return rest < energy and rest <= max(allowed, FAINT**2 * samples)

    def _may_come_back(self, begin: int) -> bool:
        return self._ours.end > begin - self._latest

    def _look(self, end: int) -> None:
        """Find the delay, or fit the filter anew."""
        length = min(int(WINDOW_S * self._rate), self._theirs.length)
        window = self._theirs.read(end - length, length)
        if self._sounding(window) < LEAST_S:
            return
        explained = 0.0 if self._delay is None else self._fit(window, end - length, self._delay)
        if explained < OURS:
            if not self._trusted:
                self._delay = None
            explained = self._search(window, end - length)
        if explained >= OURS:
            self._look_at = end + int(_EVERY_S * self._rate)
        elif self._ours.length < LATEST_S * self._rate:
            self._look_at = end + 1  # each frame counts: the recogniser listens too
        else:
            self._look_at = end + int(_SELDOM_S * self._rate)

    def _sounding(self, window: Signal) -> float:
        """How many seconds of it are no silence."""
        block = self._rate // 100
        blocks = window[: len(window) // block * block].reshape(-1, block)
        return 0.01 * float(((blocks**2).mean(axis=1) >= QUIET**2).sum())

    def _search(self, window: Signal, begin: int) -> float:
        """Look for another delay; how much it explains."""
        ours = self._ours.read(begin - self._latest, len(window) + self._latest - self._earliest)
        score = _likeness(window, ours)
        best = int(np.argmax(score))
        delay = self._latest - best
        explained = self._fit(window, begin, delay) if score[best] >= ON_TOP else 0.0
        if explained >= OURS:
            self._delay = delay
        return explained

    def _fit(self, window: Signal, begin: int, delay: int) -> float:
        """Fit the filter; how much of the window it explains. A bad fit changes nothing."""
        shifted = self._shifted(begin, len(window), delay)
        square = self._square(shifted)
        weight = float(np.trace(square)) / self._count
        total = float(window @ window)
        if weight <= 0.0 or total <= 0.0:
            return 0.0
        taps = np.linalg.solve(square + 1e-3 * weight * np.eye(self._count), shifted.T @ window)
        rest = window - shifted @ taps
        explained = 1.0 - float(rest @ rest) / total
        if explained >= OURS:
            self._taps = taps.astype(np.float64)
            self._trusted = self._trusted or self._sounding(window) >= TRUSTED_S
            share = max(0.0, 1.0 - explained)
            self._rest_share = min(share, self._rest_share + SLOWLY * (share - self._rest_share))
            self._explain(begin, rest)
        return explained

    def _explain(self, begin: int, rest: Signal) -> None:
        """What was heard before the delay was known was ours too."""
        frames = [entry for entry in self._heard if entry[0] >= begin]
        edges = [*(int(entry[0]) - begin for entry in frames), len(rest)]
        for entry, start, stop in zip(frames, edges, edges[1:], strict=False):
            entry[2] = min(entry[2], float(rest[start:stop] @ rest[start:stop]))

    def _predicted(self, begin: int, length: int) -> Signal:
        assert self._delay is not None
        predicted: Signal = self._shifted(begin, length, self._delay) @ self._taps
        return predicted

    def _shifted(self, begin: int, length: int, delay: int) -> Signal:
        """Ours as it may sound in the caller's `length` samples, at each tap around this delay: [length, taps]."""
        ours = self._ours.read(begin - delay - self._count // 2, length + self._count - 1)
        return np.lib.stride_tricks.sliding_window_view(ours, self._count)

    def _square(self, shifted: Signal) -> Signal:
        """Each tap by each: [taps, taps]."""
        rows, square = PIECE // self._count**2, np.zeros((self._count, self._count))
        for begin in range(0, len(shifted), rows):
            piece = shifted[begin : begin + rows]
            square += piece.T @ piece
        return square


class _Track:
    """The latest sound of one side by its place in time; where there was none it is silent."""

    def __init__(self, sample_rate: int, seconds: float) -> None:
        self._rate = sample_rate
        self._sound = np.zeros(int(seconds * sample_rate))
        self.end = 0
        self.length = 0
        """How much of it, up to the end, came without a break."""

    def place(self, at: float) -> int:
        """The sample of a time."""
        return round(at * self._rate)

    def write(self, sound: Signal, at: float) -> int:
        """Put sound in its place, and behind what was there if that is almost the same; returns the place."""
        begin = self.place(at)
        if abs(begin - self.end) <= _JITTER_S * self._rate:
            begin = self.end
        elif begin > self.end:
            self.length = 0
            self._put(np.zeros(min(begin - self.end, len(self._sound))), begin)
        else:
            self.length = 0
        self._put(sound, begin + len(sound))
        self.length = min(self.length + len(sound), len(self._sound))
        return begin

    def read(self, begin: int, length: int) -> Signal:
        """A copy; silence where nothing is known."""
        places = np.arange(begin, begin + length)
        known = (places < self.end) & (places >= self.end - len(self._sound))
        sound: Signal = np.where(known, self._sound[places % len(self._sound)], 0.0)
        return sound

    def _put(self, sound: Signal, end: int) -> None:
        sound = sound[-len(self._sound) :]
        self._sound[np.arange(end - len(sound), end) % len(self._sound)] = sound
        self.end = end


def _likeness(window: Signal, ours: Signal) -> Signal:
    """The squared normalised correlation of the window with ours at each place of it."""
    places = len(ours) - len(window) + 1
    size = 1 << (len(ours) - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(ours, size) * np.conj(np.fft.rfft(window, size)), size)[:places]
    sums = np.concatenate(([0.0], np.cumsum(ours**2)))
    energy = (sums[len(window) :] - sums[: -len(window)])[:places]
    floor = max(1.0, float(energy.max()) * 1e-4)
    score: Signal = product**2 / (np.maximum(energy, floor) * float(window @ window))
    return score
