"""How a voice is to say words that it gets wrong: names, brands, terms. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from engines.tts.markup import Replacement

MAX_WRITTEN = 64
MAX_SPOKEN = 200
"""Characters of an entry."""

_WORD = re.compile(r"\w+")


class Lexicon:
    """Written words and how they are said. An entry with a capital stands for this spelling only, another for any."""

    def __init__(self, entries: Mapping[str, str] | None = None) -> None:
        """Entries begin with a letter or a digit; they may go on with anything ("C++", "St. Ives")."""
        self._by_first: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for written in sorted(entries or {}, key=len, reverse=True):
            first = _WORD.match(written)
            assert first is not None, written
            self._by_first[first.group().lower()].append((written, (entries or {})[written]))

    def replacements(self, text: str) -> Iterator[Replacement]:
        """What is said otherwise than it is written, in order."""
        position = 0
        for word in _WORD.finditer(text) if self._by_first else ():
            start = word.start()
            if start < position:
                continue
            for written, spoken in self._by_first.get(word.group().lower(), ()):
                position = start + len(written)
                if _is(written, text[start:position]) and not _goes_on(text, position):
                    yield start, position, spoken
                    break
            else:
                position = start


def _is(written: str, found: str) -> bool:
    return found == written or (written.islower() and found.lower() == written)


def _goes_on(text: str, position: int) -> bool:
    """Whether a word goes on over `position`."""
    return bool(_WORD.match(text[position - 1 : position]) and _WORD.match(text[position : position + 1]))
