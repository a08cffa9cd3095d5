"""`Digits`: a telephone number, a code, a card. Pure."""

from typing import Any

from media_server.dialplan.slots.arguments import check, entry, typing
from media_server.dialplan.slots.correction import span_of, stretches, unfinished
from media_server.dialplan.slots.digit_words import Part, parts
from media_server.dialplan.slots.slot import BEGUN_S, NO_MATCH_S, NOTHING_S, Missing, Value
from media_server.dialplan.slots.spell import spell
from media_server.dialplan.slots.words import Words, words_of

MOST_DIGITS = 32

_STRAY = 4
"""So few digits apart from the number are of something else: "I have 2 of them", "at seven thirty"."""

_REPEATED = 4
"""Who corrects the end of a number says at most so many digits again."""


class Digits:
    """A row of digits as a string: `Digits(6)` takes exactly six, `Digits(7, 15)` seven to fifteen."""

    keyterms: tuple[str, ...] = ()
    """None: what a recogniser is told of digits makes it repeat them."""

    def __init__(self, least: int, most: int | None = None, *, secret: bool = False, language: str = "en") -> None:
        """`least` and `most` digits.

        Raises:
            ConfigError: They do not fit, or the language is not known.
        """
        most = least if most is None else most
        check("Digits", language=language, it_takes_from_1_up_to_32_digits=1 <= least <= most <= MOST_DIGITS)
        self.least, self.most = least, most
        self.secret = secret

    @property
    def keys_hint(self) -> str:
        """How many, and the pound key where that is not known."""
        if self.least == self.most:
            return f"Please type the {self.least} digits." if self.least > 1 else "Please type the digit."
        return "Please type the digits, and then the pound key."

    def feed(self, text: str, dtmf: str = "") -> Missing | Value[str]:
        """The digits of the words, or of the keys."""
        if dtmf:
            return self._typed(*entry(dtmf))
        words = words_of(text)
        if not words:
            return Missing(NOTHING_S)
        heard = self._heard(words, parts(words))
        if isinstance(heard, Missing) and heard.begun:
            like = self._heard(words, parts(words, homophones=True))
            return like if isinstance(like, Value) else heard
        return heard

    def spoken(self, value: Any) -> str:
        """Digit by digit, in groups."""
        return spell(value)

    def _typed(self, digits: str, ended: bool) -> Missing | Value[str]:
        if len(digits) > self.most:
            return Missing(NO_MATCH_S, "too_long")
        if len(digits) >= self.least:
            return Value(digits, open_ended=not ended and len(digits) < self.most)
        if ended:
            return Missing(NO_MATCH_S, "too_short" if digits else "nothing")
        return typing("too_short" if digits else "nothing")

    def _heard(self, words: Words, found: list[Part]) -> Missing | Value[str]:
        """The last stretch that has digits; where it is too short, the end of a number that was begun before it."""
        told = [[part for part in found if begin <= part.start < end] for begin, end in stretches(words)]
        told = [each for each in told if each]
        if not told:
            return Missing(NO_MATCH_S, "no_match")
        last = self._fitting(words, told[0])
        if isinstance(last, Value) or len(told) == 1:
            return last
        repaired = self._repaired(words, told[1], told[0])
        return repaired or last

    def _fitting(self, words: Words, found: list[Part]) -> Missing | Value[str]:
        runs = _runs(found)
        fits = [run for run in runs if self.least <= len(_digits(run)) <= self.most]
        whole = len(_digits(found))
        stray = len(fits) == 1 and all(
            run is fits[0] or len(_digits(run)) <= min(_STRAY, self.least - 1) for run in runs
        )
        if whole > self.most or stray:
            return self._value(words, fits[-1]) if fits else Missing(NO_MATCH_S, "too_long")
        if whole < self.least:
            return Missing(BEGUN_S, "too_short", begun=True)
        return self._value(words, found)

    def _repaired(self, words: Words, before: list[Part], after: list[Part]) -> Value[str] | None:
        """Such as "415 555, sorry, 556 1212": where the length is known, it says how many digits were said again."""
        head, tail = _digits(before), _digits(after)
        again = len(head) + len(tail) - self.least
        if self.least != self.most or not 0 <= again <= min(_REPEATED, len(head)):
            return None
        span = span_of(words, before[0].start, after[-1].end)
        return Value(head[: len(head) - again] + tail, unfinished(words), span)

    def _value(self, words: Words, found: list[Part]) -> Value[str]:
        digits = _digits(found)
        open_ended = len(digits) < self.most or unfinished(words)
        return Value(digits, open_ended, span_of(words, found[0].start, found[-1].end))


def _digits(found: list[Part]) -> str:
    return "".join(part.digits for part in found)


def _runs(found: list[Part]) -> list[list[Part]]:
    runs: list[list[Part]] = []
    for part in found:
        if part.apart or not runs:
            runs.append([])
        runs[-1].append(part)
    return runs
