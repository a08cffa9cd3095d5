"""Clauses that were made, kept on disk, so that a prompt costs nothing twice.

Rules:
- A phrase is the engine with the files of its model, the voice, the speed and the text. What is kept is what the engine
  made, at its own rate, so that one entry serves every format.
- It is kept when it is asked for the second time. A prompt is soon asked for again; a reply with a caller's name in it
  never is, would drive the prompts out, and does not come to lie on a disk. What was asked for once is remembered as a
  hash, in memory only.
- The folder takes `most_bytes` at most, of all processes that share it: the longest unused goes first.
- It holds what was said to people: nobody but the owner may read it.
- Nothing that goes wrong here is an error of whoever wants to hear something: a file that cannot be read, or is none of
  ours, is removed and made again; one that cannot be written is not kept.
"""

import logging
import os
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engines.ports import Speech
from engines.tts.phrase_file import name_of, parse, serialize

REMEMBERED = 10_000
"""Phrases that were asked for once, of which we know."""

MAX_WRITES = 32
"""Clauses that may wait to be written; with a disk that is slower than that, others are not kept."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A clause in a voice. `folder`: of its voice, `age`: how often that one's had been forgotten then."""

    folder: str
    name: str
    age: int


class PhraseCache:
    """The phrases of one engine. `has`, `is_asked_again` and `keep` do not block; the rest does, and is thread-safe."""

    def __init__(
        self, folder: Path, *, most_bytes: int, revision: str, on_lookup: Callable[[bool], None] = lambda _hit: None
    ) -> None:
        """Make the folder, and see what is in it.

        `revision` tells the engine and its model's files from all others. `on_lookup` is told of each phrase that is
        wanted whether it was there.

        Raises:
            OSError: The folder cannot be had.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self.on_lookup = on_lookup
        self.bytes = 0
        """In the folder, when it was looked at last."""
        self._folder = folder
        self._most_bytes = most_bytes
        self._revision = revision
        self._known: set[Path] = set()
        self._asked: OrderedDict[str, None] = OrderedDict()
        self._ages: dict[str, int] = {}
        self._lock = threading.Lock()
        self._room = threading.Semaphore(MAX_WRITES)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="phrases")
        self._trim()

    def phrase(self, text: str, voice: str, speed: float) -> Phrase:
        """What a clause is kept under."""
        folder = name_of(voice)
        return Phrase(folder, name_of(self._revision, voice, speed, text), self._ages.get(folder, 0))

    def has(self, phrase: Phrase) -> bool:
        """Whether it is likely to be there."""
        return self._path(phrase) in self._known

    def is_asked_again(self, phrase: Phrase) -> bool:
        """Whether it was wanted before; from now on it was."""
        again = phrase.name in self._asked
        self._asked[phrase.name] = None
        self._asked.move_to_end(phrase.name)
        if len(self._asked) > REMEMBERED:
            self._asked.popitem(last=False)
        return again

    def load(self, phrase: Phrase) -> tuple[Speech, ...] | None:
        """The pieces of a clause; None where it is not there."""
        path = self._path(phrase)
        try:
            pieces = parse(phrase.name, path.read_bytes())
            if pieces is not None:
                os.utime(path)  # what is used stays
                return pieces
        except OSError:
            pass  # another process has removed it
        self._known.discard(path)
        with suppress(OSError):
            path.unlink()
        return None

    def keep(self, phrase: Phrase, pieces: Sequence[Speech]) -> None:
        """Write a clause that was made to its end, some time soon."""
        if self._room.acquire(blocking=False):
            self._writer.submit(self._write, phrase, pieces)

    def forget_voice(self, voice: str) -> None:
        """Remove all that was said in a voice; what is being made in it now is not kept either."""
        folder = name_of(voice)
        with self._lock:
            self._ages[folder] = self._ages.get(folder, 0) + 1
            shutil.rmtree(self._folder / folder, ignore_errors=True)
            self._trim()

    def forget_all_but(self, voices: Iterable[str]) -> None:
        """Remove all that was said in other voices: of one that was deleted when the process ended, say."""
        known = {name_of(voice) for voice in voices}
        with self._lock:
            for folder in self._folder.iterdir():
                if folder.name not in known:
                    shutil.rmtree(folder, ignore_errors=True)
            self._trim()

    def close(self) -> None:
        """Write what waits, and end."""
        self._writer.shutdown()

    def _path(self, phrase: Phrase) -> Path:
        return self._folder / phrase.folder / phrase.name

    def _write(self, phrase: Phrase, pieces: Sequence[Speech]) -> None:
        try:
            data = serialize(phrase.name, pieces)
            with self._lock:
                if len(data) <= self._most_bytes and phrase.age == self._ages.get(phrase.folder, 0):
                    _replace(self._path(phrase), data)
                    self._trim()
        except OSError as error:
            _log.warning("a phrase cannot be kept: %s", error.strerror)
        finally:
            self._room.release()

    def _trim(self) -> None:
        """Look at the folder, and remove from it what is too much, the longest unused first."""
        files = sorted(self._files())
        total = sum(size for _, size, _ in files)
        while files and total > self._most_bytes:
            _, size, path = files.pop(0)
            total -= size
            with suppress(OSError):
                path.unlink()
        self.bytes = total
        self._known = {path for _, _, path in files}

    def _files(self) -> Iterator[tuple[int, int, Path]]:
        """When each was used last, its size, itself."""
        for path in self._folder.glob("*/*"):
            with suppress(FileNotFoundError):  # by another process, meanwhile
                status = path.lstat()
                yield status.st_mtime_ns, status.st_size, path


def _replace(path: Path, data: bytes) -> None:
    """Write a file that is there whole or not at all, for its owner alone."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123 - its mode
            file.write(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
