"""How a route names numbers. Pure.

=================  ===================================================================================================
`+15550100`        this number; also `client:alice` and `sip:alice@example.org`
`+1555*`           all that begin so
`*9196`            all that end so
`*`                all
`_+1NXXNXXXXXX`    a pattern, as telephone exchanges have them: `N` is 2 to 9, `Z` 1 to 9, `X` 0 to 9, `[13-5]` one of
                   these; at the end `.` is one key or more, `!` any number of them, none too
`anonymous`        of a caller: the number is withheld
=================  ===================================================================================================

A number is compared as the network gives it (E.164, mostly). Every form is matched in one pass over the number, and a
regular expression by RE2, which takes linear time whatever the expression is.
"""

import re
import string
from dataclasses import dataclass
from typing import Protocol

import re2
from typing_extensions import override

MAX_FORMS = 200
MAX_REGEX = 500
"""Characters of a regular expression."""
_REGEX_MEMORY = 1 << 20

ANONYMOUS = "anonymous"
WITHHELD = frozenset({"", "anonymous", "restricted", "unavailable", "unknown", "+266696687", "+7378742833"})
"""What networks say instead of a number that is withheld; the last two spell ANONYMOUS and RESTRICTED."""

_EXACT = re.compile(r"\+?[0-9]{1,32}|(?:client|sip):[^\s*]{1,100}", re.ASCII)
_CLASSES = {"N": frozenset("23456789"), "Z": frozenset("123456789"), "X": frozenset(string.digits)}
_KEYS = frozenset(string.digits + "+*#")


class NumberForm(Protocol):
    """One way to name numbers; as text it is what was written."""

    def fits(self, number: str) -> bool:
        """Whether this number is meant."""
        ...


@dataclass(frozen=True, slots=True)
class Written:
    """A number as it is written, and what may stand around it."""

    text: str
    before: bool = False
    after: bool = False

    def fits(self, number: str) -> bool:
        """Whether this number is meant."""
        if self.before:
            return number.endswith(self.text)
        return number.startswith(self.text) if self.after else number == self.text

    @override
    def __str__(self) -> str:
        return f"{'*' * self.before}{self.text}{'*' * self.after}"


@dataclass(frozen=True, slots=True)
class Withheld:
    """No number at all."""

    def fits(self, number: str) -> bool:
        """Whether it is withheld."""
        return number.lower() in WITHHELD

    @override
    def __str__(self) -> str:
        return ANONYMOUS


@dataclass(frozen=True, slots=True)
class Pattern:
    """A number key by key; `more`: how many may follow at least, None where none may."""

    text: str
    keys: tuple[frozenset[str], ...]
    more: int | None = None

    def fits(self, number: str) -> bool:
        """Whether this number is meant."""
        extra = len(number) - len(self.keys)
        if extra < (self.more or 0) or (extra > 0 and self.more is None):
            return False
        return all(key in among for key, among in zip(number, self.keys, strict=False))

    @override
    def __str__(self) -> str:
        return self.text


class Regex:
    """A regular expression that is to match the whole number."""

    def __init__(self, text: str) -> None:
        if not 0 < len(text) <= MAX_REGEX:
            raise ValueError(f"a regular expression has 1 to {MAX_REGEX} characters")
        options = re2.Options()
        options.max_mem = _REGEX_MEMORY
        options.log_errors = False
        try:
            self._compiled = re2.compile(text, options)
        except re2.error as error:
            reason = error.args[0] if error.args else "no regular expression"
            raise ValueError(reason.decode() if isinstance(reason, bytes) else str(reason)) from error
        self._text = text

    def fits(self, number: str) -> bool:
        """Whether this number is meant."""
        return self._compiled.fullmatch(number) is not None

    @override
    def __str__(self) -> str:
        return self._text


def parse_form(text: str, *, anonymous: bool = False) -> NumberForm:
    """One form; `anonymous`: may it be that word.

    Raises:
        ValueError: It is none.
    """
    if anonymous and text.lower() == ANONYMOUS:
        return Withheld()
    if text.startswith("_"):
        return _parse_pattern(text)
    before, after = text.startswith("*"), text.endswith("*") and text != "*"
    inner = text[before : len(text) - after]
    if (before and after) or not (_EXACT.fullmatch(inner) or (before and not inner)):
        raise ValueError(f"{text!r}: a number such as +15550100, +1555*, *9196 or _+1NXXNXXXXXX is wanted")
    return Written(inner, before, after)


def _parse_pattern(text: str) -> Pattern:
    keys: list[frozenset[str]] = []
    rest = text[1:]
    more = {".": 1, "!": 0}.get(rest[-1:])
    if more is not None:
        rest = rest[:-1]
    at = 0
    while at < len(rest):
        if rest[at] == "[":
            end = rest.find("]", at)
            keys.append(_one_of(rest[at + 1 : end]) if end > at else frozenset())
            at = end if end > at else len(rest)
        else:
            keys.append(_CLASSES.get(rest[at].upper(), frozenset({rest[at]}) & _KEYS))
        at += 1
    if not all(keys) or not (keys or more is not None) or len(keys) > 64:  # noqa: PLR2004 - longer than any number
        raise ValueError(f"{text!r}: no pattern; it has digits, N, X, Z, [13-5], and at its end . or !")
    return Pattern(text, tuple(keys), more)


def _one_of(text: str) -> frozenset[str]:
    """`13-5`: 1, 3, 4, 5."""
    found: set[str] = set()
    for match in re.finditer(r"([0-9])-([0-9])|(.)", text, re.DOTALL):
        first, last, single = match.groups()
        if single is None:
            found.update(str(digit) for digit in range(int(first), int(last) + 1))
        elif single in _KEYS:
            found.add(single)
        else:
            return frozenset()
    return frozenset(found)
