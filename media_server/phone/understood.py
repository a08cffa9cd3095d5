"""Whether what was heard is what was said. Pure, and rough: letters and digits count, order counts."""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

UNDERSTOOD = 0.6
"""The share of its words from which on a turn counts as understood."""

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def share_right(said: str, heard: str) -> float:
    """The share of the words said that were heard in their order, 0 to 1."""
    words = _WORD.findall(said.lower())
    blocks = SequenceMatcher(None, words, _WORD.findall(heard.lower()), autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / max(1, len(words))


def is_understood(said: str, turns: Iterable[str]) -> bool:
    """Whether one of the turns is what was said."""
    return any(share_right(said, turn) >= UNDERSTOOD for turn in turns)
