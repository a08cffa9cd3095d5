"""What a caller types in place of saying it, made fit for a turn. Pure."""

import unicodedata

MAX_CHARACTERS = 2000
"""Of one text; what is beyond them is left out."""

_JOINERS = "\u200c\u200d"
"""They belong to words of some languages, and to pictures of several characters."""
_FORBIDDEN = {"Cc": " ", "Cf": "", "Cs": ""}
"""Control characters part words; what only steers how text is shown, and halves of characters, are nothing."""


def typed_text(text: str) -> str:
    """The words of a typed text on one line; empty where there are none."""
    shown = (
        char if char in _JOINERS else _FORBIDDEN.get(unicodedata.category(char), char) for char in text[:MAX_CHARACTERS]
    )
    return " ".join("".join(shown).split()).strip(_JOINERS)
