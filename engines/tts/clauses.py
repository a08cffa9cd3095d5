"""Text to clauses: the first as soon and as short as it sounds natural, then sentences. Pure.

Rules:
- Joined, the clauses are the text, to the character: offsets of words stay true.
- A clause ends behind ``. ! ? ; : …`` or a line break; the first one also behind a comma, so that the voice can begin.
- A mark is an end only when white space follows it: "3.50", "10:30" and addresses stay whole. The full stop of an
  abbreviation or an initial is none, nor that of "No. 5", nor a comma between numbers ("March 3, 2026"), nor a mark
  inside a link.
- Text may come in pieces, even as tokens. A mark that a piece ends with is an end at once when a whole word stands
  before it in the same piece ("Hello there."); behind "3", in an address or at a lone "." the next piece is waited for.
- Nothing is longer than `MAX_CLAUSE` (the first: `MAX_FIRST_CLAUSE`): what has no marks is cut between words, but not
  next to a number if there is another place. A word that long is cut anywhere; only a link or a URL may be longer,
  since it says little or nothing.
"""

import re

from engines.tts.markup import LINK, address_end

MAX_CLAUSE = 200
MAX_FIRST_CLAUSE = 64
"""Characters; about 4 s of speech, of which the synthesis takes a third of a second."""

_MIN_FIRST_WORDS = 2
_MIN_BEFORE_CONJUNCTION = 20

_CLOSERS = "\"')\\]}»”’"  # noqa: RUF001 - typographic quotes are meant
_END = re.compile(rf"[.!?;:,…]+[{_CLOSERS}]*(?=\s|\Z)|[。！？]+[{_CLOSERS}」』]*|\n")  # noqa: RUF001 - as above
_WORD_BEFORE_END = re.compile(rf"(?<!\d)[^\W\d_]{{2}}[.!?;:,…]+[{_CLOSERS}]*\Z")
_PAUSE = re.compile(r"[,;:–—](?=\s)")  # noqa: RUF001 - a dash is meant
_CONJUNCTION = re.compile(r"\s(?=(?:and|but|or|so|because|which|that|when|if|while|then|to|for|with)\s)", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_NUMBER_GOES_ON = re.compile(r"(?<=\d,)\s*(?:\Z|\d)|(?<=\d(?:st|nd|rd|th),)\s*(?:\Z|\d)")
_OF_ADDRESS = ("://", "@", "www.", "](")
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘]+\Z")  # noqa: RUF001 - typographic quotes are meant

_NUMBERED = {"no", "nr", "ext", "apt", "ref", "tel", "fig", "p"}
_NUMBER_COMES = re.compile(r"[^\S\n]{0,8}#?(?:[0-9]|\Z)")
"""Behind such a word, also where it may still come."""
_UNIT = re.compile(r"[0-9][\s-]?(?:oz|lbs?|ft|mi|hrs?|mins?|secs?|kg|km|cm|mm|ml)\Z")
_WORD_COMES = re.compile(r"[^\S\n]{0,8}(?:[a-z]|\Z)")

_TITLES = {"dr", "mr", "mrs", "ms", "mx", "prof", "st", "jr", "sr", "gen", "sen", "gov", "capt", "lt", "col", "sgt"}
_SHORTENED = {
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
    "corp",
    "dept",
    "approx",
    "ave",
    "blvd",
}
_MONTHS = {"jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec"}
ABBREVIATIONS = frozenset(_TITLES | _SHORTENED | _MONTHS)


class ClauseSplitter:
    """The clauses of one text, which comes in pieces."""

    def __init__(self) -> None:
        self._rest = ""
        self._first = True

    def feed(self, piece: str) -> list[str]:
        """More text; returns the clauses that are complete now."""
        self._rest += piece
        return self._take(final=False, settled=_WORD_BEFORE_END.search(piece) is not None)

    @property
    def rest(self) -> str:
        """What waits for more text."""
        return self._rest

    def flush(self) -> list[str]:
        """Nothing follows, or nothing is waited for; returns what is left of the text."""
        clauses = self._take(final=True, settled=True)
        if self._rest:
            clauses.append(self._rest)
            self._rest = ""
        return clauses

    def _take(self, *, final: bool, settled: bool) -> list[str]:
        clauses: list[str] = []
        position = 0
        while (end := _clause_end(self._rest, position, first=self._first, settled=settled, final=final)) is not None:
            clauses.append(self._rest[position:end])
            position = end
            self._first = False
        self._rest = self._rest[position:]
        return clauses


def pronounceable(text: str) -> bool:
    """Whether there is a letter or a digit in it."""
    return any(char.isalnum() for char in text)


def is_abbreviation(word: str) -> bool:
    """Whether a word in front of a full stop keeps it: "Dr", "e.g", or an initial."""
    return word.lower() in ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word not in "Ii")


def _clause_end(text: str, position: int, *, first: bool, settled: bool, final: bool) -> int | None:
    """The index behind the clause that begins at `position`; None when that needs more text."""
    limit = MAX_FIRST_CLAUSE if first else MAX_CLAUSE
    for match in _END.finditer(text, position, position + limit + 1):
        end = match.end()
        if end > position + limit or not pronounceable(text[position : match.start()]):
            continue
        if end == len(text) and not final and (not settled or _in_address(text, position)):
            break
        before = text[position : match.start()]
        if _ends_here(before, match, first=first, final=final) and not _in_link(text, position, end, final):
            return end
    if len(text) - position > limit:
        return _cut(text, position, limit, first=first, final=final)
    if final and position < len(text):
        return len(text)
    return None


def _ends_here(before: str, match: re.Match[str], *, first: bool, final: bool) -> bool:
    mark = match.group()
    if mark[0] == ",":
        return (
            first and len(before.split()) >= _MIN_FIRST_WORDS and not _NUMBER_GOES_ON.match(match.string, match.end())
        )
    if mark[0] == "." and not mark.startswith(".."):
        if before.strip().isdigit():
            return False
        word = _LAST_WORD.search(before)
        return word is None or not (is_abbreviation(word.group()) or _goes_on(before, word.group(), match, final=final))
    return True


def _goes_on(before: str, word: str, match: re.Match[str], *, final: bool) -> bool:
    """Whether what follows belongs to the word: "No. 5", "8 oz. of"; it may still come where the text is not final."""
    if word.lower() in _NUMBERED:
        follows = _NUMBER_COMES.match(match.string, match.end())
    else:
        follows = _WORD_COMES.match(match.string, match.end()) if _UNIT.search(before[-12:]) else None
    return follows is not None and (not final or follows.group()[-1:].isalnum())


def _in_address(text: str, position: int) -> bool:
    """Whether the last word may be an address that goes on in the next piece."""
    word = text[position:].rsplit(maxsplit=1)[-1]
    return any(mark in word for mark in _OF_ADDRESS)


def _in_link(text: str, position: int, at: int, final: bool) -> bool:
    """Whether `at` is inside of a link, or may be one day."""
    start = text.rfind("[", position, at)
    link = LINK.match(text, start) if start >= 0 else None
    if link is None:
        return False
    return link.end() > at if link.group().endswith(")") else not final


def _cut(text: str, position: int, limit: int, *, first: bool, final: bool) -> int | None:
    """Where to cut a run of text that has no end within `limit`: at a pause, before a conjunction, between words."""
    window = text[position : position + limit]
    earliest = _MIN_BEFORE_CONJUNCTION if first else limit // 2
    spaces: list[int] = []
    for pattern in (_PAUSE, _CONJUNCTION, _SPACE):
        ends = [match.end() if pattern is _PAUSE else match.start() for match in pattern.finditer(window)]
        spaces = [position + end for end in ends if end >= (earliest if pattern is not _SPACE else 1)]
        for end in reversed(spaces):
            if not _at_number(text, end) and not _in_link(text, position, end, final):
                return end
    address = address_end(text, position)
    if address is not None and address > position + limit:
        return address if final or address < len(text) else None
    return spaces[-1] if spaces else position + limit


def _at_number(text: str, space: int) -> bool:
    """Whether a number stands before or behind: "3 March", "555 0100", "5 pm"."""
    return text[space - 1].isdigit() or text[space + 1 : space + 2].isdigit()
