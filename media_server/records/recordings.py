"""The folder of recordings. Blocks; for a thread.

In it are `ID.wav` (left caller, right agent), `ID.jsonl` (what came in, see `call/inputs.py`), and what a dialplan
recorded by itself (`ID-1.wav`, ...). The folder is its owner's only (0700), so are the files (0600). Ids are the
server's own, 32 hexadecimal digits; no other name is ever looked for.
"""

import os
import re
import shutil
from collections.abc import Collection
from pathlib import Path

import structlog

from media_server.audio.wav_header import HEADER_BYTES, mended, seconds_of
from media_server.call.record import RecordingRecord

ID_DIGITS = 32
CALL_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_OURS = re.compile(r"([0-9a-f]{32})(-\d+)?\.(wav|jsonl)", re.ASCII)

log = structlog.get_logger(__name__)


class Recordings:
    """What is kept of calls' sound."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def wav(self, call: str) -> Path:
        """Where a call's sound is, if it is kept."""
        assert CALL_ID.fullmatch(call)
        return self.folder / f"{call}.wav"

    def inputs(self, call: str) -> Path:
        """Where what came in on a call is, if it is kept."""
        return self.wav(call).with_suffix(".jsonl")

    def open(self) -> None:
        """Make the folder, and mend what a crash has left.

        Raises:
            OSError: It cannot be had.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        for path in self._ours():
            if path.suffix == ".wav":
                _mend(path)
        shutil.rmtree(self._making, ignore_errors=True)

    @property
    def _making(self) -> Path:
        return self.folder / "making"

    def scratch(self) -> Path:
        """A folder for files that are made to be sent; what a crash leaves in it goes at the next start."""
        self._making.mkdir(mode=0o700, exist_ok=True)
        return self._making

    def left_by_crash(self, call: str) -> RecordingRecord | None:
        """What is there of a call that the server died under."""
        try:
            with self.wav(call).open("rb") as file:
                header = file.read(HEADER_BYTES)
                size = os.fstat(file.fileno()).st_size
        except OSError:
            return None
        return RecordingRecord(seconds=round(seconds_of(header), 3), size=size, complete=False, problem="crash")

    def delete(self, calls: Collection[str]) -> None:
        """Forget the sound of these calls; not being there is fine."""
        for path in self._ours():
            if path.name[:ID_DIGITS] in calls:
                path.unlink(missing_ok=True)

    def prune(self, before: float) -> int:
        """Forget all that was last written before this time (seconds since 1970); how many files that were."""
        old = [path for path in self._ours() if path.stat().st_mtime < before]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def _ours(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return [path for path in self.folder.iterdir() if _OURS.fullmatch(path.name) and path.is_file()]


def _mend(path: Path) -> None:
    """Have the header say how much sound there is."""
    try:
        with path.open("r+b") as file:
            right = mended(file.read(HEADER_BYTES), os.fstat(file.fileno()).st_size)
            if right is not None:
                file.seek(0)
                file.write(right)
                log.info("recording_mended", file=path.name)
    except OSError as error:
        log.warning("recording_not_mended", file=path.name, error=error.strerror or str(error))
