"""What of a written text is not said in any language: marks of markdown, tags, addresses, pictures. Pure.

There is no parser of a document behind it: a clause is a piece of one that is still being written, and the place of
each mark is wanted, which markdown-it-py does not tell inside a line. Nothing is fetched and nothing expanded; tags of
SSML or HTML, entities and templates are text like any other. All patterns are bounded: the time is linear in the text.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import TypeAlias

Replacement: TypeAlias = tuple[int, int, str]
"""Instead of the characters from here to there, say this; with nothing to say, a space that parts words is one."""

MAX_ADDRESS = 2000
"""Characters of a URL; more of it is text."""

_SCHEME = "(?:https?|ftp|wss?)://|mailto:"
_REST = rf"[^\s<>]{{0,{MAX_ADDRESS}}}[^\s<>.,;:!?)\]}}'\"*_~`]"
_TARGET = rf"(?:[^()\s]|\([^()\s]{{0,200}}\)){{0,{MAX_ADDRESS}}}"
_ADDRESS = re.compile(
    rf"\s{{0,8}}[*_~`(\"'<!]{{0,4}}(?:(?:{_SCHEME}|www\.){_REST}|\[[^\]\n]{{1,200}}(?:\](?:\((?:{_TARGET}\)?)?)?)?)[*_~`)\"'>]{{0,4}}"
)
LINK = re.compile(rf"\[[^\[\]\n]{{0,200}}(?:\]\({_TARGET}\)|(?:\](?:\({_TARGET})?)?\Z)")
"""A link, also one of which the end is still to come."""

_MARKUP = re.compile(
    rf"""
    (?P<parted>
        ^[^\S\n]{{0,100}}(?:\#{{1,6}}|>{{1,9}}|[-*+•](?:\s\[[ xX]\])?)(?=\s)    # headings, quotations, lists
      | ^[^\S\n]{{0,100}}(?:`{{3,9}}|~{{3,9}})[\w+-]{{0,30}}         # fences of code
      | </?[A-Za-z][\w:-]{{0,30}}(?:\s{{1,8}}[\w:.-]{{1,40}}\s?=[^<>]{{0,1000}})?\s?/?>    # tags
      | <[!?][A-Za-z-][^<>]{{0,1000}}>                             # comments and declarations
      | (?:{_SCHEME}){_REST}
      | \]\({_TARGET}(?:\s"[^"]{{0,100}}")?\)     # the address of a link
    )
  | (?P<entity>&(?:amp|lt|gt|quot|apos|nbsp|\#39);)
  | (?P<joined>\*{{2,}}|(?<![0-9])(?<![0-9]\s)\*|\*(?!\s?[0-9])|(?<!\w)_+|_+(?!\w)|~~|`+|(?<!\w)!(?=\[)
      | (?<![\w.@/-])www\.(?=\w))
  | (?P<bracket>[\[\]{{}}|\\<>^~])
  | (?P<other>[\x00-\x1f\x7f-\x9f]|[^\x00-\x9f])
    """,
    re.VERBOSE | re.MULTILINE,
)
_ENTITIES = {"&amp;": " & ", "&apos;": "'", "&#39;": "'"}

_SILENT_CATEGORIES = frozenset(("Cc", "Cf", "Cn", "Co", "Cs", "Me"))
"""Control and format characters (direction marks, joiners), unassigned, private use, lone surrogates, keycaps."""

_WITHIN_WORDS = ("Cf", "Me", "Mn")

_PICTURES = ((0x2190, 0x21FF), (0x2300, 0x2BFF), (0x1F000, 0x1FAFF), (0xFE00, 0xFE0F), (0xE0000, 0xE01EF))
"""Arrows, symbols, emoji and their selectors: nobody wants "slightly smiling face" read out on the phone. The signs of
mathematics between them are said."""

MAX_MARKS = 2
"""On one letter, as languages have them; a pile of them is decoration."""


def unsaid(text: str) -> Iterator[Replacement]:
    """What is not said, in order. What parts words (an address, a tag, a picture) leaves a space."""
    marks = 0
    for match in _MARKUP.finditer(text):
        start, end = match.span()
        if match.lastgroup == "entity":
            yield start, end, _ENTITIES.get(match.group(), " ")
        elif match.lastgroup == "joined":
            yield start, end, ""
        elif match.lastgroup != "other":
            yield start, end, " "
        elif _silent(char := match.group()) and not char.isspace():
            yield start, end, "" if unicodedata.category(char) in _WITHIN_WORDS else " "
        elif _is_mark(char):
            marks = marks + 1 if start and _is_mark(text[start - 1]) else 1
            if marks > MAX_MARKS:
                yield start, end, ""


def without_marks(text: str) -> str:
    """The text with what is not said taken out; only to see whether anything is left."""
    kept: list[str] = []
    position = 0
    for start, end, instead in unsaid(text):
        kept += text[position:start], instead
        position = end
    return "".join(kept) + text[position:]


def address_end(text: str, position: int) -> int | None:
    """The index behind the address or the link that begins at `position`; None where none begins there."""
    match = _ADDRESS.match(text, position)
    return None if match is None else match.end()


def _is_mark(char: str) -> bool:
    return unicodedata.category(char) == "Mn"


def _silent(char: str) -> bool:
    code = ord(char)
    return any(low <= code <= high for low, high in _PICTURES) or unicodedata.category(char) in _SILENT_CATEGORIES
