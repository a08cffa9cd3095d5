"""What the caller of a test says, and when: a plan of voice and words in time, for a recogniser to hear. Pure.

Times are monotonic seconds. A recogniser writes a sentence as sentences are written, so what is said whole gets its
capital and its full stop; in the middle of one, and where words trail off, there is none.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

SECONDS_A_WORD = 0.3
SECONDS_A_LETTER = 0.06
"""Long words take longer: by this for each letter."""
_ENDINGS = (".", "!", "?", "…", ",", "-", ":", "。", "！", "？")  # noqa: RUF001 - full-width ones are meant


@dataclass(frozen=True, slots=True)
class Stretch:
    """A voice without a break.

    Attributes:
        words: Each with the time at which it is out; none where the voice has no words.
        whole: Nothing more of the sentence follows.
    """

    begins: float
    ends: float
    words: tuple[tuple[str, float], ...] = ()
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Hesitation:
    """A pause in the middle of a sentence."""

    begins: float
    ends: float


class Mouth:
    """Everything one caller says."""

    def __init__(self) -> None:
        self.stretches: list[Stretch] = []
        self.hesitations: list[Hesitation] = []

    def say(self, text: str, at: float, *, whole: bool = True) -> Stretch:
        """Say this from then on."""
        words: list[tuple[str, float]] = []
        ends = at
        for word in text.split():
            ends += max(SECONDS_A_WORD, SECONDS_A_LETTER * len(word))
            words.append((word, ends))
        return self._add(Stretch(at, ends, tuple(words), whole))

    def sound(self, at: float, seconds: float) -> Stretch:
        """Make a sound without words."""
        return self._add(Stretch(at, at + seconds))

    def hesitate(self, begins: float, ends: float) -> None:
        """The sentence goes on after that."""
        self.hesitations.append(Hesitation(begins, ends))

    def hesitates_at(self, at: float) -> bool:
        """Whether the caller has more to say."""
        return any(pause.begins <= at < pause.ends for pause in self.hesitations)

    def _add(self, stretch: Stretch) -> Stretch:
        self.stretches.append(stretch)
        return stretch

    # --- what a recogniser hears -------------------------------------------------------------------------------------

    def voiced(self, begin: float, end: float) -> bool:
        """Whether there is a voice between these times."""
        stretch = self._latest(end)
        return stretch is not None and stretch.ends > begin and stretch.begins < end

    def voice_until(self, at: float) -> float:
        """Until when the voice of that time goes on; that time where there is none."""
        stretch = self._latest(at)
        return max(at, stretch.ends) if stretch is not None else at

    def voice_from(self, at: float) -> float | None:
        """When the next voice begins, if that is known."""
        return next((each.begins for each in self.stretches if each.begins >= at), None)

    def is_whole(self, at: float) -> bool:
        """Whether the sentence was said to its end by then."""
        stretch = self._latest(at)
        return stretch is None or (stretch.whole and stretch.ends <= at)

    def text(self, begin: float, end: float) -> str:
        """What was said between these times, as a recogniser writes it."""
        parts = [
            _written([word for word, out in stretch.words if begin < out <= end], stretch, end)
            for stretch in self.stretches
            if stretch.words and stretch.begins < end and stretch.ends > begin
        ]
        text = " ".join(part for part in parts if part)
        return text[:1].upper() + text[1:]

    def _latest(self, at: float) -> Stretch | None:
        index = bisect_right(self.stretches, at, key=lambda stretch: stretch.begins)
        return self.stretches[index - 1] if index else None


def _written(words: Sequence[str], stretch: Stretch, end: float) -> str:
    text = " ".join(words)
    done = stretch.whole and stretch.ends <= end
    return f"{text}." if text and done and not text.endswith(_ENDINGS) else text
