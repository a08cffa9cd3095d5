"""Written text to the words that a voice is to say, and from these back to the written ones. Pure.

Every engine gets the same words. Three passes, each over what the one before left: what nobody says (`markup`), how
this voice says names (`lexicon`), and, for English, numbers and what is like them (`english`). Other languages are left
to the engine: num2words knows their numbers, but not in which gender or case, nor their money, dates and times.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from engines.ports import SpokenWord
from engines.tts import english
from engines.tts.clauses import is_abbreviation, pronounceable
from engines.tts.lexicon import Lexicon
from engines.tts.markup import Replacement, unsaid

MAX_SPOKEN = 900
"""Characters. What would make a clause longer is left as it is written; a voice takes 1,000."""

_WORD = re.compile(r"\S+")
_ENDING = re.compile(r"[.,;:!?]+")
_SAID_AS_WORD = re.compile(r"[^\W\d_]+")
_WORD_AND_STOP = re.compile(r"(?<![^\s(\[\"'“‘])(?!(?<=[AP] )M\.)([^\s(\[\"'“‘]{1,16})\.(?=\s)")  # noqa: RUF001 - typographic quotes

NO_LEXICON = Lexicon()


@dataclass(frozen=True, slots=True)
class Said:
    """A written word and which of the spoken text stands for it: characters `start` to `end`.

    A date, an amount or a telephone number is one, also when it was written with spaces.
    """

    written: str
    offset: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SpokenText:
    """What is to be said, empty where there is nothing; `words` are in order."""

    text: str
    words: tuple[Said, ...]


def speakable(written: str, lexicon: Lexicon = NO_LEXICON, language: str = "en") -> SpokenText:
    """What a voice of `language` says for a clause. In time linear in the text, whatever is in it."""
    text = _Rewritten.of(written).replace(unsaid(written))
    text = text.replace(lexicon.replacements(text.text))
    if language.lower().startswith("en"):
        text = text.replace(english.readings(text.text))
    text = text.replace(_stops(text.text))
    return text.spoken(written) if pronounceable(text.text) else SpokenText("", ())


class WayBack:
    """Turns the spoken words of a clause, as they come, into the written ones.

    A written word is told once, when the last word said for it has ended, or at the end of a run of the model.
    """

    def __init__(self, spoken: SpokenText) -> None:
        self._words = spoken.words
        self._starts = [word.start for word in spoken.words]
        self._next = 0
        self._begun: SpokenWord | None = None

    def written(self, words: Iterable[SpokenWord], *, more: bool) -> tuple[SpokenWord, ...]:
        """The written words that have ended, of which `words` are the next spoken ones; `more` of this run follow."""
        ended: list[SpokenWord] = []
        for word in words:
            index = max(0, bisect_right(self._starts, word.offset) - 1)
            if index < self._next:
                continue  # told already
            if index > self._next:
                ended += self._take()
                self._next = index
            said = self._words[index]
            start = word.start if self._begun is None else self._begun.start
            self._begun = SpokenWord(said.written, said.offset, start, word.end)
            if word.offset + len(word.text) >= said.end:
                ended += self._take()
        return (*ended, *(() if more else self._take()))

    def _take(self) -> tuple[SpokenWord, ...]:
        """The word that has begun, which is told by that."""
        if self._begun is None:
            return ()
        begun, self._begun = self._begun, None
        self._next += 1
        return (begun,)


@dataclass(frozen=True, slots=True)
class _Rewritten:
    """A text, and for each character from where to where in the written text it stands for."""

    text: str
    starts: list[int]
    ends: list[int]

    @classmethod
    def of(cls, written: str) -> "_Rewritten":
        return cls(written, list(range(len(written))), list(range(1, len(written) + 1)))

    def replace(self, replacements: Iterable[Replacement]) -> "_Rewritten":
        pieces: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        position = 0
        room = MAX_SPOKEN - len(self.text)
        for start, end, instead in replacements:
            growth = len(instead) - (end - start)
            if growth > max(room, 0):
                continue
            room -= growth
            pieces += self.text[position:start], instead
            starts += self.starts[position:start] + [self.starts[start]] * len(instead)
            ends += self.ends[position:start] + [self.ends[end - 1]] * len(instead)
            position = end
        pieces.append(self.text[position:])
        return _Rewritten("".join(pieces), starts + self.starts[position:], ends + self.ends[position:])

    def spoken(self, written: str) -> SpokenText:
        """The words, white space between them made one space; each with the written words it touches."""
        places = [match.span() for match in _WORD.finditer(written)]
        begins = [start for start, _ in places]
        pieces: list[str] = []
        words: list[Said] = []
        length = 0
        for match in _WORD.finditer(self.text):
            first = max(0, bisect_right(begins, self.starts[match.start()]) - 1)
            last = max(0, bisect_right(begins, self.ends[match.end() - 1] - 1) - 1)
            parted = "" if not pieces or _ENDING.fullmatch(match.group()) else " "
            start = length + len(parted)
            end = length = start + len(match.group())
            pieces += parted, match.group()
            if not pronounceable(match.group()):
                continue
            offset, until = places[first][0], places[last][1]
            if words and offset < words[-1].offset + len(words[-1].written):
                before = words.pop()
                offset, until = before.offset, max(until, before.offset + len(before.written))
                start = before.start
            words.append(Said(written[offset:until], offset, start, end))
        return SpokenText("".join(pieces), tuple(words))


def _stops(text: str) -> Iterable[Replacement]:
    """An abbreviation in the middle loses its full stop ("Ms. Smith"): a phonemizer would end the sentence there.

    Not so the M of "five P M.", which `english` has written.
    """
    for match in _WORD_AND_STOP.finditer(text):
        word = match.group(1)
        if _SAID_AS_WORD.fullmatch(word) and is_abbreviation(word):
            yield match.end() - 1, match.end(), ""
