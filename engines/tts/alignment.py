"""Which phonemes of a clause belong to which written word. Pure.

A synthesiser knows how long each phoneme lasts, but spoken words are not the written ones: "3.50" is four of them, "in
the" comes out as one. So each written word is phonemised alone, and the clause's phonemes are matched to these in
order; what does not match (a word sounds a little different in its sentence) is shared out in proportion between the
matches around it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from engines.tts.clauses import pronounceable

TRUSTED_SHARE = 0.5
"""Of a clause's sounds that must have matched for its word times to count as measured."""


_STRESS = ("\N{MODIFIER LETTER VERTICAL LINE}", "\N{MODIFIER LETTER LOW VERTICAL LINE}")
_LENGTH = ("\N{MODIFIER LETTER TRIANGULAR COLON}", "\N{MODIFIER LETTER HALF TRIANGULAR COLON}", "ʲ")


@dataclass(frozen=True, slots=True)
class WrittenWord:
    """A word of a text and the index of its first character."""

    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class Alignment:
    """`spans[i]` are the first phoneme of word i and the one behind its last; None for a word without sound.

    `share` is how many of the sounds matched, 0 to 1.
    """

    spans: tuple[tuple[int, int] | None, ...]
    share: float


def written_words(text: str) -> tuple[WrittenWord, ...]:
    """The words of a text: what stands between white space and has a letter or a digit."""
    words: list[WrittenWord] = []
    end = 0
    for piece in text.split():
        start = text.index(piece, end)
        end = start + len(piece)
        if pronounceable(piece):
            words.append(WrittenWord(piece, start))
    return tuple(words)


def align(words: Sequence[Sequence[str]], clause: Sequence[str]) -> Alignment:
    """Match `words`, the phonemes of each word alone, to the phonemes of the whole clause."""
    owners: list[int] = []
    alone: list[str] = []
    for number, phonemes in enumerate(words):
        sounds = [phoneme for phoneme in phonemes if _is_sound(phoneme)]
        alone += sounds
        owners += [number] * len(sounds)
    places = [index for index, phoneme in enumerate(clause) if _is_sound(phoneme)]
    if not owners or not places:
        return Alignment((None,) * len(words), 0.0)
    matcher = SequenceMatcher(None, alone, [clause[place] for place in places], autojunk=False)
    spans: list[tuple[int, int] | None] = [None] * len(words)
    matched = own = heard = 0
    for block in matcher.get_matching_blocks():
        _share_out(owners[own : block.a] or owners[max(own - 1, 0) :][:1], places[heard : block.b], spans)
        for step in range(block.size):
            _extend(spans, owners[block.a + step], places[block.b + step])
        matched += block.size
        own, heard = block.a + block.size, block.b + block.size
    return Alignment(tuple(_with_marks(span, clause) for span in spans), matched / max(len(owners), len(places)))


def _is_sound(phoneme: str) -> bool:
    """Not a space, a stress or length mark, or punctuation."""
    return phoneme.isalpha() and phoneme not in _LENGTH


def _share_out(owners: Sequence[int], places: Sequence[int], spans: list[tuple[int, int] | None]) -> None:
    for index, place in enumerate(places):
        _extend(spans, owners[index * len(owners) // len(places)], place)


def _extend(spans: list[tuple[int, int] | None], word: int, place: int) -> None:
    span = spans[word]
    spans[word] = (place, place + 1) if span is None else (span[0], place + 1)


def _with_marks(span: tuple[int, int] | None, clause: Sequence[str]) -> tuple[int, int] | None:
    """Take in the stress mark in front and the length mark behind."""
    if span is None:
        return None
    start, end = span
    while start > 0 and clause[start - 1] in _STRESS:
        start -= 1
    while end < len(clause) and clause[end] in _LENGTH:
        end += 1
    return start, end
