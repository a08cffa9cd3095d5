"""One utterance being made, over several streams of the tts role: what was asked, and what has arrived. Sans-IO.

When a stream is lost, the next one is asked for what follows the last word that has arrived whole. The sound of a word
that has arrived in part is thrown away (`Rewind`), so that no word is missing and none is said twice.
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

from media_server.audio.frame import BYTES_PER_SAMPLE
from media_server.protocol.tts_stream import Word, Words


@dataclass(frozen=True, slots=True)
class Rewind:
    """Throw away the sound from this sample of the utterance on: what follows takes its place."""

    sample: int


Chunk: TypeAlias = bytes | Words | Rewind


_HALVES = re.compile("[\ud800-\udfff]")


def speakable(text: str) -> str:
    """The text as an engine takes it: half a surrogate pair, which is no character, is a blank."""
    return _HALVES.sub(" ", text)


class Spoken:
    """The text of one utterance and the sound of it so far, linear PCM."""

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._text = ""
        self._asked = 0
        """The characters that this stream knows."""
        self._complete = False
        self._finish_asked = False
        self._samples = 0
        self._words: list[Word] = []
        self._base_character = 0
        self._base_s = 0.0

    def add(self, text: str, *, more: bool) -> None:
        """Text to be spoken; `more` follows."""
        self._text += text
        self._complete = not more

    def ask(self, most: int) -> tuple[str, bool] | None:
        """The next text for the stream, and whether more follows it; None where it knows everything."""
        if self._finish_asked or (self._asked == len(self._text) and not self._complete):
            return None
        text = self._text[self._asked : self._asked + most]
        self._asked += len(text)
        self._finish_asked = self._complete and self._asked == len(self._text)
        return text, not self._finish_asked

    @property
    def asked(self) -> bool:
        """Whether this stream knows any of it."""
        return self._asked > 0

    def receive(self, chunk: bytes | Words) -> Chunk:
        """What the stream made, in the places of the whole utterance."""
        if isinstance(chunk, bytes):
            self._samples += len(chunk) // BYTES_PER_SAMPLE
            return chunk
        words = [
            word.model_copy(
                update={
                    "offset": word.offset + self._base_character,
                    "start": word.start + self._base_s,
                    "end": word.end + self._base_s,
                }
            )
            for word in chunk.words
        ]
        self._words += words
        return chunk.model_copy(update={"words": words})

    def lose(self) -> Rewind:
        """The stream is lost: the next one is asked for what has not arrived."""
        arrived = [word for word in self._words if round(word.end * self._rate) <= self._samples]
        # The words of a sound are told before it comes.
        self._words = arrived
        last = arrived[-1] if arrived else None
        self._base_character = self._asked = last.offset + len(last.text) if last is not None else 0
        self._base_s = last.end if last is not None else 0.0
        self._samples = round(self._base_s * self._rate)
        self._finish_asked = False
        return Rewind(self._samples)
