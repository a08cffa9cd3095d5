"""What the voice is given to read, character for character as long as what was written, so that offsets hold. Pure."""

import re
import unicodedata

from engines.tts.clauses import is_abbreviation

_SILENT_CATEGORIES = frozenset(("Cc", "Cf", "Cn", "Co", "Cs"))
"""Control and format characters (direction marks, joiners), unassigned, private use, lone surrogates."""

_PICTURES = ((0x2190, 0x2BFF), (0x1F000, 0x1FAFF), (0xFE00, 0xFE0F), (0xE0000, 0xE01EF))
"""Arrows, symbols, emoji and their selectors: nobody wants "slightly smiling face" read out on the phone."""

_WORD_AND_STOP = re.compile(r"(?<![^\s(\[\"'“‘])([^\s(\[\"'“‘]+)\.(?=\s)")  # noqa: RUF001 - typographic quotes
_SAID_AS_WORD = re.compile(r"[^\W\d_]+")


def speakable(text: str) -> str:
    """The text with what cannot be said replaced by spaces, one for one.

    Double brackets are Piper's notation for raw phonemes and are taken away. An abbreviation in the middle loses its
    full stop ("Dr. Smith"): the phonemizer would end the sentence there.
    """
    cleaned = "".join(" " if _silent(char) else char for char in text).replace("[[", "  ").replace("]]", "  ")
    return _WORD_AND_STOP.sub(_without_stop, cleaned)


def _silent(char: str) -> bool:
    if char.isascii():
        return not char.isprintable()
    code = ord(char)
    return any(low <= code <= high for low, high in _PICTURES) or unicodedata.category(char) in _SILENT_CATEGORIES


def _without_stop(match: re.Match[str]) -> str:
    word = match.group(1)
    return f"{word} " if _SAID_AS_WORD.fullmatch(word) and is_abbreviation(word) else match.group()
