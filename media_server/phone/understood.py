"""Whether what was heard is what was said. Pure, and rough: letters and digits count, order counts."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

UNDERSTOOD = 0.6
"""The share of its words from which on a turn counts as understood."""
MOST_PARTS = 3
"""What was said with pauses may be taken for so many turns."""

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def share_right(said: str, heard: str) -> float:
    """The share of the words said that were heard in their order, 0 to 1."""
    words = _WORD.findall(said.lower())
    blocks = SequenceMatcher(None, words, _WORD.findall(heard.lower()), autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / max(1, len(words))


def understood(said: Sequence[str], turns: Sequence[str]) -> int:
    """How many of these, said one after the other, were understood: each as a turn of its own, or as up to three."""
    count = begin = 0
    for text in said:
        for first, last in _stretches(begin, len(turns)):
            if share_right(text, " ".join(turns[first:last])) >= UNDERSTOOD:
                count, begin = count + 1, last
                break
    return count


def _stretches(begin: int, end: int) -> Iterator[tuple[int, int]]:
    for first in range(begin, end):
        for last in range(first + 1, min(end, first + MOST_PARTS) + 1):
            yield first, last
