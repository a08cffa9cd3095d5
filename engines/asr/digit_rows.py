"""Rows of digits, where a recogniser is told how many there will be. Pure.

Whisper counts badly: of "two two two" it writes two or four. What it writes is otherwise right, so the count tells.
"""

import re
from collections.abc import Mapping

_WORDS = re.compile(r"[^\W\d_]")
_DIGIT = re.compile("[0-9]")
_ROW = re.compile("[0-9]{2}|[0-9][-.,][0-9]")
_HYPHENS = re.compile(r"\u0120?[-.]*-[-.]*")
"""In a vocabulary of bytes a blank is written so."""

_MARK = "<|"
"""So begin the marks that are no text."""


def miscounted(text: str, digits: tuple[int, int]) -> bool:
    """Whether a text is nothing but digits, and more than there are, or just one less.

    Where more are missing, the speaker is in the middle of them.
    """
    if _WORDS.search(text):
        return False
    count, (least, most) = len(_DIGIT.findall(text)), digits
    return count > most or (count > 0 and count == least - 1)


def tokens_of_rows(vocabulary: Mapping[str, int]) -> tuple[int, ...]:
    """Tokens of more than one digit: without them each digit is decided on by itself."""
    return tuple(number for token, number in vocabulary.items() if _ROW.search(token) and not token.startswith(_MARK))


def tokens_of_hyphens(vocabulary: Mapping[str, int]) -> tuple[int, ...]:
    """Tokens that are hyphens: without them digits are written with commas or blanks between them."""
    return tuple(number for token, number in vocabulary.items() if _HYPHENS.fullmatch(token))
