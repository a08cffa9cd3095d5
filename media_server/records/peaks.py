"""How loud a recording is along its time: the greatest sample of each short stretch. Blocks; for a thread."""

import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from media_server.audio.frame import BYTES_PER_SAMPLE
from media_server.errors import PeerError, Undecodable

MAX_PEAKS = 400_000
"""Of one side that are given out at once: two hours at 50 a second, and some."""
FULL_SCALE = 32768
_CHUNK_SAMPLES = 1 << 20
_AT_ONCE = 5000
_TEXTS = [f"{value / 1000:g}" for value in range(1001)]


@dataclass(frozen=True, slots=True)
class Peaks:
    """Of both sides.

    Attributes:
        per_s: How many a second.
        from_s: Where the first begins.
        caller: In thousandths of full scale.
        agent: Likewise; None where the file has no second side.
    """

    per_s: float
    from_s: float
    caller: NDArray[np.int16]
    agent: NDArray[np.int16] | None

    def json(self) -> str:
        """As JSON, peaks from 0 to 1. A few at a time, so that other threads have their turns meanwhile."""
        sides = {"caller": self.caller, "agent": self.agent if self.agent is not None else self.caller[:0]}
        lists = ",".join(f'"{name}":[{_listed(side)}]' for name, side in sides.items())
        return f'{{"per_s":{self.per_s},"from_s":{self.from_s},{lists}}}'


def _listed(side: NDArray[np.int16]) -> str:
    pieces = (side[begin : begin + _AT_ONCE].tolist() for begin in range(0, len(side), _AT_ONCE))
    return ",".join(",".join([_TEXTS[value] for value in piece]) for piece in pieces)


def read_peaks(path: Path, per_s: float, *, from_s: float = 0.0, to_s: float | None = None) -> Peaks:
    """The peaks of a stretch of a file, `per_s` a second or a little more. A file that grows is read as far as it is.

    Raises:
        OSError: It cannot be read.
        Undecodable: It is no WAV of 16 bits.
        PeerError: That would be more than `MAX_PEAKS`.
    """
    try:
        with path.open("rb") as file, wave.open(file) as reader:
            if reader.getsampwidth() != BYTES_PER_SAMPLE or reader.getnchannels() not in (1, 2):
                raise Undecodable("the recording is not of 16-bit samples, of one side or two")
            rate, frames = reader.getframerate(), reader.getnframes()
            size = max(1, int(rate / per_s))
            first = min(frames, int(from_s * rate)) // size * size
            last = frames if to_s is None else max(first, min(frames, int(to_s * rate)))
            if (last - first) // size > MAX_PEAKS:
                raise PeerError(f"no more than {MAX_PEAKS} peaks at once: ask for fewer a second, or for a part")
            reader.setpos(first)
            blocks = list(_blocks(reader, last - first, size))
    except (wave.Error, EOFError) as error:
        raise Undecodable("the recording is no WAV") from error
    peaks = np.concatenate(blocks, axis=1) if blocks else np.zeros((reader.getnchannels(), 0), np.int16)
    return Peaks(round(rate / size, 3), round(first / rate, 3), peaks[0], peaks[1] if len(peaks) > 1 else None)


def _blocks(reader: wave.Wave_read, frames: int, size: int) -> Iterator[NDArray[np.int16]]:
    """Blocks of peaks, in thousandths, each of shape (sides, stretches)."""
    channels = reader.getnchannels()
    step = max(1, _CHUNK_SAMPLES // size) * size
    for begin in range(0, frames, step):
        data = reader.readframes(min(step, frames - begin))
        whole = len(data) // (BYTES_PER_SAMPLE * channels) * channels
        if not whole:
            return
        samples = np.frombuffer(data, dtype="<i2", count=whole).reshape(-1, channels)
        yield np.stack([_greatest(samples[:, side], size) for side in range(channels)])


def _greatest(samples: NDArray[np.int16], size: int) -> NDArray[np.int16]:
    """Of each `size` samples the greatest, whatever its sign, in thousandths of full scale."""
    stretches = np.zeros((-(-len(samples) // size), size), np.int16)
    stretches.reshape(-1)[: len(samples)] = samples
    top = np.maximum(stretches.max(axis=1).astype(np.int32), -stretches.min(axis=1).astype(np.int32))
    thousandths: NDArray[np.int16] = ((top * 1000 + FULL_SCALE // 2) // FULL_SCALE).astype(np.int16)
    return thousandths
