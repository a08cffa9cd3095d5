"""What a call left, read and put on one time line. Blocks; for a thread.

The file of a live call is read as far as it is written; a last line without its end is left for the next time.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from media_server.audio.wav_header import HEADER_BYTES, seconds_of
from media_server.records.inspection import Inspection
from media_server.records.timeline import Timeline

MAX_BYTES = 80 << 20
"""As much as is kept beside a recording, and some."""
_CHUNK = 1 << 18


def read_timeline(
    call: str, wav: Path, inputs: Path, events: Sequence[str], *, live: bool, duration_s: float
) -> Timeline:
    """The call's time line. `events`: as JSON, in order; `duration_s`: of the call.

    Raises:
        OSError: A file that is there cannot be read.
    """
    inspection = Inspection(call, live)
    recorded = wav.is_file() and inputs.is_file()
    if recorded:
        inspection.cut = inputs.stat().st_size > MAX_BYTES
        with inputs.open("rb") as file:
            inspection.lines(_whole_lines(iter(lambda: file.read(_CHUNK), b"")))
        with wav.open("rb") as file:
            duration_s = _seconds(file.read(HEADER_BYTES), os.fstat(file.fileno()).st_size)
    inspection.events(events)
    return inspection.timeline(duration_s, recorded=recorded)


def _seconds(header: bytes, size: int) -> float:
    """As its header says, but no longer than the file is."""
    byte_rate = int.from_bytes(header[28:32], "little")
    return min(seconds_of(header), max(0, size - HEADER_BYTES) / byte_rate) if byte_rate else 0.0


def _whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest, total = b"", 0
    for chunk in chunks:
        total += len(chunk)
        if total > MAX_BYTES:
            return
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
