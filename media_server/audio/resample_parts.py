"""Resampling a clause that comes in parts, to what resampling it whole would give. No IO.

soxr's streaming form is not used for it (see `media_server.audio.resample`). Instead each part is resampled as a whole
buffer with `OVERLAP_MS` of its neighbours on both sides, which is more than the filter sees, and cut where the next one
will begin. Of a part that is not the last so much is held back. The cuts lie where samples of both rates coincide.
"""

from math import gcd

from media_server.audio.resample import resample

OVERLAP_MS = 20
"""Measured from 22,050 to 8,000 Hz: the filter sees 12 ms to each side."""

_WIDTH = 2


class PartsResampler:
    """Linear PCM of `source_rate` to linear PCM of `target_rate`, one clause after the other."""

    def __init__(self, source_rate: int, target_rate: int) -> None:
        self._source_rate = source_rate
        self._target_rate = target_rate
        common = gcd(source_rate, target_rate)
        self._step = source_rate // common
        self._step_out = target_rate // common
        self._overlap = -(-source_rate * OVERLAP_MS // (1000 * self._step))
        self._waiting = b""
        self._done = 0
        self.within = False
        """Whether the last part said that more of its clause follows."""

    def push(self, pcm: bytes, *, more: bool) -> bytes:
        """The next part of a clause, of which `more` follows; returns what can be said of it now."""
        self.within = more
        if self._source_rate == self._target_rate:
            return pcm
        self._waiting += pcm
        if more:
            steps = len(self._waiting) // _WIDTH // self._step - self._overlap
            if steps <= self._done:
                return b""
            result = self._resampled()[: steps * self._step_out * _WIDTH]
        else:
            steps, result = 0, self._resampled()
        result = result[self._done * self._step_out * _WIDTH :]
        drop = max(0, steps - self._overlap)
        self._waiting = self._waiting[drop * self._step * _WIDTH :] if more else b""
        self._done = steps - drop
        return result

    def flush(self) -> bytes:
        """What was held back of a clause that ends here, cut off."""
        return self.push(b"", more=False)

    def _resampled(self) -> bytes:
        return resample(self._waiting, self._source_rate, self._target_rate)
