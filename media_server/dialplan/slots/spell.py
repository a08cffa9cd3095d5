"""`spell`: letters and digits so that the voice says them one by one, in groups as people say them. Pure."""

import re

_PIECE = re.compile(r"[0-9]+|[^\W\d_]+")
_THREE, _FOUR = 3, 4
_IN_FOURS = (8, 12, 16)
_MOST = 200


def spell(text: object) -> str:
    """Something to be read out letter by letter: "AB-5551212" as "A B, 5 5 5, 1 2 1 2". Other signs make a group."""
    pieces = _PIECE.findall(str(text)[:_MOST])
    return ", ".join(" ".join(group) for piece in pieces for group in groups(piece.upper()))


def groups(piece: str) -> list[str]:
    """Threes, and a last one of two to four, as telephone numbers are said: 3-3-4; cards in fours."""
    if len(piece) in _IN_FOURS:
        return [piece[start : start + _FOUR] for start in range(0, len(piece), _FOUR)]
    cuts = list(range(_THREE, len(piece) - 1, _THREE))
    return [piece[start:end] for start, end in zip([0, *cuts], [*cuts, len(piece)], strict=True)]
