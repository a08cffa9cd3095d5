"""A program that decodes sound: `python -m media_server.audio_decoder RATE SECONDS [live]`, file in, mono PCM out.

With `live` it is a stream that is being made: what can be decoded is written at once.

It runs in a process of its own, since it feeds what strangers send to libraries written in C: what it may use is
limited, and nothing but its pipes is open to it. The container is told by its first bytes, never by a name, and only
those listed are tried: a playlist is no recording (it would make the library open other files). Exit codes: `Exit`.
"""

import resource
import shutil
import sys
import tempfile
from enum import IntEnum
from io import BufferedReader
from typing import IO, BinaryIO

MEMORY = 2 << 30
"""Bytes of address space; the libraries take 0.5 GB of it by themselves."""
CPU_S = 600
TEMPORARY = 2 << 30
"""Bytes of a file that cannot be decoded as it comes."""
_HEAD = 64


class Exit(IntEnum):
    """How it ended."""

    DONE = 0
    UNKNOWN = 10
    BROKEN = 11
    TOO_LONG = 12


class _Input:
    """Standard input, its first bytes again; it cannot be sought in, and does not wait for more than there is."""

    def __init__(self, head: bytes, rest: BufferedReader) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int = -1) -> bytes:
        """The next bytes, one at least until there are no more."""
        if not self._head:
            return self._rest.read1(size)
        if 0 <= size < len(self._head):
            piece, self._head = self._head[:size], self._head[size:]
            return piece
        piece, self._head = self._head, b""
        return piece


def container_of(head: bytes) -> str | None:
    """FFmpeg's name of the container that begins so; None for all that is not listed."""
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[4:8] == b"ftyp":
        return "mov"
    for magic, name in ((b"fLaC", "flac"), (b"OggS", "ogg"), (b"\x1aE\xdf\xa3", "matroska"), (b"ID3", "mp3")):
        if head.startswith(magic):
            return name
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:  # noqa: PLR2004 - MPEG's sync word
        return "aac" if head[1] & 0x06 == 0 else "mp3"
    return None


def decode(source: BufferedReader, sink: BinaryIO, rate: int, most_s: float, *, live: bool = False) -> Exit:
    """Decode all of it."""
    import av  # noqa: PLC0415 - in this program alone: others read its exit codes
    from av.error import FFmpegError  # noqa: PLC0415

    head = source.read(_HEAD)
    container = container_of(head)
    if container is None:
        return Exit.UNKNOWN
    given: _Input | IO[bytes] = _Input(head, source)
    if container == "mov":  # what explains it may stand at its end
        given = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as this process
        given.write(head)
        shutil.copyfileobj(source, given)
        given.seek(0)
    left = int(most_s * rate)
    av.logging.set_level(av.logging.PANIC)
    try:
        options = {"fflags": "nobuffer", "probesize": "32", "analyzeduration": "0"} if live else {}
        with av.open(given, mode="r", format=container, options=options, metadata_errors="ignore") as opened:
            if not opened.streams.audio:
                return Exit.BROKEN
            resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
            for frame in opened.decode(opened.streams.audio[0]):
                frame.pts = None
                for resampled in resampler.resample(frame):
                    left -= resampled.samples
                    if left < 0:
                        return Exit.TOO_LONG
                    sink.write(bytes(resampled.planes[0])[: 2 * resampled.samples])
                if live:
                    sink.flush()
            for resampled in resampler.resample(None):
                sink.write(bytes(resampled.planes[0])[: 2 * resampled.samples])
    except BrokenPipeError:
        return Exit.DONE
    except (FFmpegError, ValueError, MemoryError, OverflowError):
        # What was decoded before is worth having: a recording whose end is missing is one all the same.
        return Exit.DONE if left < int(most_s * rate) else Exit.BROKEN
    return Exit.DONE


def main(arguments: list[str]) -> int:
    """The whole program."""
    rate, most_s = int(arguments[0]), float(arguments[1])
    for limit, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, CPU_S), (resource.RLIMIT_FSIZE, TEMPORARY)):
        resource.setrlimit(limit, (most, most))
    with open(0, "rb") as source:
        code = decode(source, sys.stdout.buffer, rate, most_s, live="live" in arguments[2:])
    sys.stdout.buffer.flush()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
