"""Streamed text to speakable pieces, without ever waiting for the next sentence. Pure.

A piece ends at ``. ! ? ; :`` or a line break, and the first one already at a comma, so that the voice can begin.
A full stop is an end as soon as the character behind it shows that it is not inside a number, an abbreviation or an
address; whoever has no more text calls `flush`.
"""

_ENDS = ".!?;:。！？"  # noqa: RUF001 - full-width stops are meant
_CLOSERS = "\"')]}»”’"  # noqa: RUF001 - typographic quotes are meant
_ABBREVIATIONS = frozenset(
    (
        "dr",
        "mr",
        "mrs",
        "ms",
        "prof",
        "st",
        "jr",
        "sr",
        "vs",
        "etc",
        "e.g",
        "i.e",
        "a.m",
        "p.m",
        "nr",
        "inc",
        "ltd",
        "co",
    )
)
FIRST_CLAUSE_WORDS = 3
MAX_PIECE = 240


class SentenceSplitter:
    """Feed it text as it comes; it returns what can be spoken already."""

    def __init__(self) -> None:
        self._text = ""
        self._first = True

    def feed(self, text: str) -> list[str]:
        """More text. Returns the pieces that are complete; joined with what `flush` gives they are the text."""
        self._text += text
        pieces: list[str] = []
        while (end := self._end()) is not None:
            pieces.append(self._text[:end])
            self._text = self._text[end:]
            self._first = False
        return pieces

    def flush(self) -> str:
        """What is left, at the end of the text."""
        rest, self._text = self._text, ""
        return rest

    def _end(self) -> int | None:
        """The index behind the first complete piece."""
        text = self._text
        for index, char in enumerate(text):
            if char == "\n" and text[:index].strip():
                return index + 1
            behind = index + 1
            while behind < len(text) and text[behind] in _CLOSERS:
                behind += 1
            if behind == len(text) or not text[:index].strip():
                continue
            if char in _ENDS and text[behind].isspace() and not self._abbreviated(index):
                return behind
            if self._first and char == "," and text[behind].isspace() and self._words(index) >= FIRST_CLAUSE_WORDS:
                return behind
        if len(text) > MAX_PIECE:
            space = text.rfind(" ", 0, MAX_PIECE)
            return space if space > 0 else MAX_PIECE
        return None

    def _words(self, index: int) -> int:
        return len(self._text[:index].split())

    def _abbreviated(self, index: int) -> bool:
        if self._text[index] != ".":
            return False
        words = self._text[:index].split()
        word = words[-1].lower().lstrip("(\"'") if words else ""
        return word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word != "i")
