"""What a caller heard, searched and shown. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from typing_extensions import override

from media_server.testing.ear import Word

_TOKEN = re.compile(r"\w+(?:['’]\w+)*")  # noqa: RUF001 - a typographic apostrophe is meant
_NEW_LINE_S = 0.3
"""A silence of ours that begins a new line."""


class Heard(str):
    """What the caller heard from the last `hears` up to this one; a string, and always true.

    Attributes:
        at: When, in seconds of the call.
        match: What a regular expression matched, for its groups; None for a text.
    """

    __slots__ = ("at", "match")
    at: float
    match: re.Match[str] | None

    def __new__(cls, text: str, at: float, match: re.Match[str] | None = None) -> Self:
        """The words as they were said."""
        heard = super().__new__(cls, text)
        heard.at, heard.match = at, match
        return heard

    def __bool__(self) -> bool:
        """It was heard."""
        return True


@dataclass(frozen=True, slots=True)
class Found:
    """Where something was found: the index behind its last word, and when that is heard."""

    end: int
    at: float
    match: re.Match[str] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the transcript; `at` in seconds of the call, `who`: caller, agent, or keys."""

    at: float
    who: str
    text: str

    @override
    def __str__(self) -> str:
        """As it is shown."""
        return f"{self.at:7.2f} s  {self.who:<6}  {self.text}"


def find(what: str | re.Pattern[str], words: Sequence[Word], begin: int) -> Found | None:
    """Where in the words from `begin` on it stands; of a text case and punctuation do not count."""
    if isinstance(what, re.Pattern):
        return _find_pattern(what, words, begin)
    wanted = _tokens(what)
    if not wanted:
        raise ValueError(f"there is no word in {what!r}")
    tokens = [(token, index) for index in range(begin, len(words)) for token in _tokens(words[index].text)]
    for first in range(len(tokens) - len(wanted) + 1):
        if [token for token, _ in tokens[first : first + len(wanted)]] == wanted:
            last = tokens[first + len(wanted) - 1][1]
            return Found(last + 1, words[last].at)
    return None


def _find_pattern(what: re.Pattern[str], words: Sequence[Word], begin: int) -> Found | None:
    match = what.search(" ".join(word.text for word in words[begin:]))
    if match is None:
        return None
    position = -1
    for index in range(begin, len(words)):
        position += 1 + len(words[index].text)
        if position >= match.end():
            return Found(index + 1, words[index].at, match)
    return None


def _tokens(text: str) -> list[str]:
    return [token.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'") for token in _TOKEN.findall(text)]


def agent_lines(words: Sequence[Word], breaks: Iterable[float], began_at: float, until: float) -> list[Line]:
    """The words heard until then, a line where the agent paused or, at one of the `breaks`, the caller spoke."""
    heard = [word for word in words if word.at <= until]
    if not heard:
        return []
    edges = sorted(breaks)
    lines: list[list[Word]] = [[heard[0]]]
    for before, word in pairwise(heard):
        if word.begins - before.at > _NEW_LINE_S or any(before.begins < edge <= word.begins for edge in edges):
            lines.append([])
        lines[-1].append(word)
    return [Line(line[0].begins - began_at, "agent", " ".join(word.text for word in line)) for line in lines]


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody spoke for so long, from `at` on (seconds of the call)."""

    at: float
    seconds: float


def silences(sounds: Iterable[tuple[float, float]], began_at: float, ended_at: float) -> list[Silence]:
    """The pauses between sounds (each from when to when), the longest first; under a tenth of a second is none."""
    found: list[Silence] = []
    quiet_from = began_at
    for begins, ends in sorted(sounds):
        if begins >= ended_at:
            break
        if begins - quiet_from >= 0.1:  # noqa: PLR2004 - see above
            found.append(Silence(round(quiet_from - began_at, 3), round(begins - quiet_from, 3)))
        quiet_from = max(quiet_from, ends)
    if ended_at - quiet_from >= 0.1:  # noqa: PLR2004 - see above
        found.append(Silence(round(quiet_from - began_at, 3), round(ended_at - quiet_from, 3)))
    return sorted(found, key=lambda silence: -silence.seconds)
