"""A piece of mono sound, and the arithmetic of samples and seconds."""

from dataclasses import dataclass

PTIME_MS = 20
"""The packet time everything here is paced in."""

TELEPHONE_RATE = 8000
"""Samples a second of G.711."""

BROWSER_RATE = 16000
"""Samples a second of a browser's call: what recognisers hear, and no telephone carries."""

BYTES_PER_SAMPLE = 2


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """Mono linear PCM, 16 bit little-endian.

    Attributes:
        pcm: The samples; an even number of bytes.
        sample_rate: In Hz.
        position: The index of the first sample since the start of its stream, at `sample_rate`.
    """

    pcm: bytes
    sample_rate: int
    position: int

    @property
    def samples(self) -> int:
        """How many samples there are."""
        return len(self.pcm) // BYTES_PER_SAMPLE

    @property
    def end(self) -> int:
        """The index behind the last sample."""
        return self.position + self.samples


def frame_samples(sample_rate: int) -> int:
    """Samples in one packet time."""
    return sample_rate * PTIME_MS // 1000


def frame_bytes(sample_rate: int) -> int:
    """Bytes of linear PCM in one packet time."""
    return frame_samples(sample_rate) * BYTES_PER_SAMPLE


def silence(samples: int) -> bytes:
    """Linear silence."""
    return bytes(samples * BYTES_PER_SAMPLE)
