"""Cloned voices on disk: a folder with one `<id>.safetensors` a voice.

Only plain files of this folder are read (no link, whatever it leads to), of bounded size. Files are written whole or
not at all, and are readable by this user only: a voice belongs to a person. Blocks; for worker threads.
"""

import os
import stat
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import time
from typing import ClassVar

from engines.errors import EnginesError
from engines.ports import VoiceTensors
from engines.tts.voice_file import MOST_BYTES, BrokenVoice, ClonedVoice, is_id, parse, serialize

_SUFFIX = ".safetensors"
_WRITING = ".writing-"
_WRITTEN_S = 60.0  # no write takes as long


class TooManyVoices(EnginesError):
    """The store is full."""

    code: ClassVar[str] = "too_many_voices"


class VoiceStore:
    """The voices of one engine in a folder, which other processes may change meanwhile."""

    def __init__(self, folder: Path, engine: str, *, most: int) -> None:
        """Make the folder, and remove what writes that were cut off have left in it.

        `engine`: of other ones' voices none is loaded. `most`: so many may be kept.

        Raises:
            OSError: The folder cannot be had.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._root = folder.resolve()
        self.engine = engine
        self.most = most
        for left in self._root.glob(f"{_WRITING}*"):
            with suppress(FileNotFoundError):  # another process may write now
                if left.lstat().st_mtime < time() - _WRITTEN_S:
                    left.unlink()

    def ids(self) -> Sequence[str]:
        """All that are there, in order, whatever is in their files."""
        names = (path.stem for path in self._root.iterdir() if path.suffix == _SUFFIX)
        return sorted(filter(is_id, names))

    def load(self, voice: str) -> tuple[ClonedVoice, VoiceTensors]:
        """A voice from its file.

        Raises:
            KeyError: That is no id.
            BrokenVoice: It is not there, no voice, or not of this engine.
        """
        about, tensors = parse(voice, self._read(self._path(voice)))
        if about.engine != self.engine:
            raise BrokenVoice(f"it was made by {about.engine!r}, not by {self.engine!r}")
        return about, tensors

    def save(self, voice: ClonedVoice, tensors: VoiceTensors) -> None:
        """Keep a voice.

        Raises:
            TooManyVoices: There is no place.
            BrokenVoice: The tensors cannot be kept.
            OSError: They cannot be written.
        """
        self.check_room()
        self._write(self._path(voice.id), serialize(voice, tensors))

    def check_room(self) -> None:
        """See whether there is a place for another voice.

        Raises:
            TooManyVoices: There is none.
        """
        if len(self.ids()) >= self.most:
            raise TooManyVoices(f"There are {self.most} voices, the most there may be; delete one first")

    def delete(self, voice: str) -> None:
        """Remove a voice's file, whatever is in it.

        Raises:
            KeyError: There is none.
        """
        try:
            self._path(voice).unlink()
        except (FileNotFoundError, IsADirectoryError):
            raise KeyError(voice) from None
        self._settle()

    def _path(self, voice: str) -> Path:
        path = self._root / f"{voice}{_SUFFIX}"
        if not is_id(voice) or not path.is_relative_to(self._root):
            raise KeyError(voice)
        return path

    def _read(self, path: Path) -> bytes:
        try:
            # Neither a link nor a pipe: the one leads elsewhere, the other would be waited for.
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                status = os.fstat(handle)
                if not stat.S_ISREG(status.st_mode):
                    raise BrokenVoice("no plain file")
                if status.st_size > MOST_BYTES:
                    raise BrokenVoice(f"{status.st_size} bytes; {MOST_BYTES} at most")
                with os.fdopen(handle, "rb", closefd=False) as file:
                    return file.read(MOST_BYTES)
            finally:
                os.close(handle)
        except OSError as error:
            raise BrokenVoice(f"cannot be read: {error.strerror}") from error

    def _write(self, path: Path, data: bytes) -> None:
        handle, name = tempfile.mkstemp(prefix=_WRITING, dir=self._root)  # mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(handle)
            Path(name).replace(path)
            self._settle()
        except BaseException:
            for left in (Path(name), path):
                left.unlink(missing_ok=True)
            raise

    def _settle(self) -> None:
        """What was made or removed stays so, also when the power fails now."""
        handle = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
