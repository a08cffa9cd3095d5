"""A program that encodes speech as it is made: `python -m media_server.audio_encoder FORMAT RATE`, PCM in, file out.

A process of its own keeps the media libraries, and the time they take, out of the service. Each piece of sound leaves
as soon as the codec gives it.
"""

import sys
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import av
import numpy as np

FORMATS = {"mp3": ("mp3", "libmp3lame"), "opus": ("ogg", "libopus"), "flac": ("flac", "flac")}
"""FFmpeg's names of container and codec."""
_PIECE = 4096


class _Output:
    """Standard output: written through at once, and no place to go back to."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink

    def write(self, data: bytes) -> int:
        """All of it, now."""
        self._sink.write(data)
        self._sink.flush()
        return len(data)


def encode(source: BinaryIO, sink: BinaryIO, name: str, rate: int) -> None:
    """Encode all of it."""
    container, codec = FORMATS[name]
    # What would be written into the beginning at the end cannot be.
    options = {"write_xing": "0"} if container == "mp3" else {"flush_packets": "1"}
    with av.open(_Output(sink), mode="w", format=container, options=options) as output:
        stream = output.add_stream(codec, rate=48_000 if codec == "libopus" else rate)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        resampler = av.AudioResampler(
            format=stream.format, layout="mono", rate=stream.rate, frame_size=stream.codec_context.frame_size or None
        )
        for frame in _frames(source, rate):
            for piece in resampler.resample(frame):
                output.mux(stream.encode(piece))
        for piece in resampler.resample(None):
            output.mux(stream.encode(piece))
        output.mux(stream.encode(None))


def _frames(source: BinaryIO, rate: int) -> Iterator[av.AudioFrame]:
    for pcm in _whole_samples(iter(lambda: source.read1(_PIECE), b"")):  # type: ignore[attr-defined]
        frame = av.AudioFrame.from_ndarray(np.frombuffer(pcm, dtype="<i2").reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = rate
        yield frame


def _whole_samples(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        rest += piece
        whole = len(rest) // 2 * 2
        if whole:
            yield rest[:whole]
        rest = rest[whole:]


def main(arguments: list[str]) -> int:
    """The whole program."""
    av.logging.set_level(av.logging.PANIC)
    encode(sys.stdin.buffer, sys.stdout.buffer, arguments[0], int(arguments[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
