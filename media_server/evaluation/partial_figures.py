"""What somebody who reads along sees of a stream: how much of it is taken back, how soon each word is there. Pure.

The text that is seen is the joined finals and the partial behind them. Times are seconds of the stream's audio.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from engines.asr.events import Final, Partial, SessionEvent, TurnEnded
from engines.ports import HeardWord

_MARKS = ".,;:!?…\"'"

Told: TypeAlias = tuple[float, SessionEvent]
"""An event, and when it was told: so much audio had been received."""


@dataclass(frozen=True, slots=True)
class Shown:
    """All text that is there from `at` on; of it the first `promised` characters were called final or stable."""

    at: float
    text: str
    promised: int


def shown(told: Iterable[Told]) -> list[Shown]:
    """The text after each event that changed it."""
    seen: list[Shown] = []
    finals: list[str] = []
    for at, event in told:
        match event:
            case Final():
                finals.append(event.text)
                now = Shown(at, text := " ".join(finals), len(text))
            case Partial():
                before = len(" ".join([*finals, ""]))
                promised = before + event.stable if event.stable else max(0, before - 1)
                now = Shown(at, " ".join([*finals, event.text]), promised)
            case TurnEnded():  # of a partial that became no words nothing is left
                now = Shown(at, text := " ".join(finals), len(text))
            case _:
                continue
        if not seen or seen[-1].text != now.text:
            seen.append(now)
    return seen


def taken_back(seen: Sequence[Shown]) -> int:
    """The characters that were shown, and then were others or gone."""
    return sum(len(before.text) - _agreed(before, after) for before, after in pairwise(seen))


def broken_promises(seen: Sequence[Shown]) -> int:
    """… of those that had been called stable."""
    return sum(max(0, before.promised - _agreed(before, after)) for before, after in pairwise(seen))


@dataclass(frozen=True, slots=True)
class WordLag:
    """Seconds from the end of a word to when it was first shown in its place, and to when it was there for good."""

    first: float
    stayed: float


def word_lags(seen: Sequence[Shown], words: Sequence[HeardWord]) -> list[WordLag]:
    """One for each word of the transcript; case and punctuation do not count.

    `words` are those of the finals, with their times. None, where these are not the words of the last text.
    """
    texts = [[_plain(word) for word in each.text.split()] for each in seen]
    if not texts or len(texts[-1]) != len(words):
        return []
    lags: list[WordLag] = []
    for index, word in enumerate(words):
        there = [index < len(text) and text[index] == texts[-1][index] for text in texts]
        missing = [number for number, is_there in enumerate(there) if not is_there]
        stayed = seen[missing[-1] + 1 if missing else 0].at
        lags.append(WordLag(seen[there.index(True)].at - word.end, stayed - word.end))
    return lags


def _agreed(before: Shown, after: Shown) -> int:
    pairs = zip(before.text, after.text, strict=False)
    shorter = min(len(before.text), len(after.text))
    return next((index for index, (left, right) in enumerate(pairs) if left != right), shorter)


def _plain(word: str) -> str:
    return word.strip(_MARKS).casefold()
