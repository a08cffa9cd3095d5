"""Recorded telephone speech with transcripts: Debian's `asterisk-core-sounds-en-wav` (8 kHz, one speaker).

Constants are tuned on prompts whose name's SHA-1 is even and reported on those where it is odd, so that no test shows
what was fitted to it.
"""

import gzip
import re
import wave
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path

import jiwer

from media_server.evaluation.word_errors import normalized

SOUNDS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
TRANSCRIPTS = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")
PACKAGES = "asterisk-core-sounds-en-wav"

_LINE = re.compile(r"^(?P<name>[a-z][\w/.-]*): (?P<text>.+)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A recorded prompt: 16-bit mono PCM and the words in it."""

    name: str
    text: str
    pcm: bytes
    sample_rate: int

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / self.sample_rate

    @property
    def reported(self) -> bool:
        """Whether figures may be reported on it (else constants are tuned on it)."""
        return sha1(self.name.encode(), usedforsecurity=False).digest()[-1] % 2 == 1

    @property
    def single_sentence(self) -> bool:
        """At least three words, one sentence, at least a second, nothing but words (no spelled letters)."""
        words = self.text.split()
        if any(re.fullmatch(r"[b-hj-z]", word, re.IGNORECASE) for word in words):
            return False
        inner = re.search(r"[.!?;:]\s", self.text.rstrip()) or "..." in self.text
        return len(words) >= 3 and not inner and not re.search(r"[\[(<]", self.text) and self.seconds >= 1.0


def available() -> bool:
    """Whether the Debian packages are installed."""
    return SOUNDS.is_dir() and TRANSCRIPTS.is_file()


def load_prompts() -> list[Prompt]:
    """Every prompt that has a recording and a transcript, by name."""
    prompts = []
    with gzip.open(TRANSCRIPTS, "rt", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            match = _LINE.match(line.strip())
            path = SOUNDS / f"{match['name']}.wav" if match else None
            if match and path and path.is_file():
                prompts.append(_read(match["name"], match["text"], path))
    return sorted(prompts, key=lambda prompt: prompt.name)


def words_right(said: str, heard: str) -> float:
    """The share of the words said that were heard, 0 to 1."""
    measures = jiwer.process_words(normalized(said, "en"), normalized(heard, "en"))
    return measures.hits / max(1, measures.hits + measures.substitutions + measures.deletions)


def _read(name: str, text: str, path: Path) -> Prompt:
    with wave.open(str(path), "rb") as reader:
        return Prompt(name, text, reader.readframes(reader.getnframes()), reader.getframerate())
