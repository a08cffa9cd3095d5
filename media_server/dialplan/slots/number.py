"""`Number`: how many. Pure."""

from typing import Any

from media_server.dialplan.slots.arguments import check, entry, typing
from media_server.dialplan.slots.clock_words import half_of_day
from media_server.dialplan.slots.correction import Found, choose, find
from media_server.dialplan.slots.date_words import MONTHS
from media_server.dialplan.slots.numerals import TENS, Numeral, cardinal, ordinal
from media_server.dialplan.slots.slot import NO_MATCH_S, Missing, Value
from media_server.dialplan.slots.words import Words, said, set_of, words_of

MOST = 10**12
_COUNTED = set_of(
    "people persons person guests guest of adults kids children tickets nights pieces items times pax seats"
)
_FOR = set_of("for with of")
_NO_NUMBER_BEFORE_ONE = set_of("no that this which any the every some")
_TEN = 10


class Number:
    """A whole number from `least` to `most`, as an int."""

    keyterms: tuple[str, ...] = ()
    """None: every recogniser knows numbers."""

    def __init__(self, least: int, most: int, *, secret: bool = False, language: str = "en") -> None:
        """Both ends are taken.

        Raises:
            ConfigError: They do not fit, or the language is not known.
        """
        check("Number", language=language, least_and_most_do_not_fit=-MOST <= least <= most <= MOST)
        self.least, self.most = least, most
        self.secret = secret

    @property
    def keys_hint(self) -> str:
        """With the pound key, unless one key says it."""
        if self.most < 0:
            return ""
        return "Please type the number." if self.most < _TEN else "Please type the number, and then the pound key."

    def feed(self, text: str, dtmf: str = "") -> Missing | Value[int]:
        """The number of the words, or of the keys."""
        if dtmf:
            return self._typed(*entry(dtmf))
        words = words_of(text)
        return choose(words, find(words, self._read), self._reason)

    def among(self, text: str) -> Missing | Value[int]:
        """In an answer to several questions: what can be nothing but how many ("for four", "five people")."""
        words = words_of(text)
        return choose(words, [one for one in find(words, self._read) if one.sure], self._reason)

    def spoken(self, value: Any) -> str:
        """In figures, which the voice reads."""
        return str(value)

    def _reason(self, value: int) -> str:
        return "" if self.least <= value <= self.most else "out_of_range"

    def _typed(self, digits: str, ended: bool) -> Missing | Value[int]:
        if not digits:
            return Missing(NO_MATCH_S, "nothing") if ended else typing("nothing")
        value = int(digits)
        if value > self.most:
            return Missing(NO_MATCH_S, "out_of_range")
        more = not ended and (value or 1) * _TEN <= self.most
        if value < self.least:
            return typing() if more else Missing(NO_MATCH_S, "out_of_range")
        return Value(value, open_ended=more)

    def _read(self, words: Words, at: int) -> Found[int] | None:
        number = cardinal(words, at)
        if number is None:
            return None
        signed = words[at].before in ("-", "\N{MINUS SIGN}") and not words[at].tight
        minus = self.least < 0 and (signed or (at > 0 and words[at - 1].text == "minus"))
        if _no_count(words, at, number):
            return None
        value = -number.value if minus else number.value
        counted = number.end < len(words) and words[number.end].text in _COUNTED
        sure = counted or (at > 0 and words[at - 1].text in _FOR)
        last = words[number.end - 1].text
        more = number.end == len(words) and last in TENS and self.most > value
        return Found(value, at, number.end, sure, open_ended=more)


def _no_count(words: Words, at: int, number: Numeral) -> bool:
    """Whether it is part of a time, a date, a decimal or an order, or "no one" and "that one"."""
    if ordinal(words, at) is not None or half_of_day(words, number.end) is not None:
        return True
    if _split(words, at) or _split(words, number.end) or said(words, number.end, "o'clock"):
        return True
    if at == 0:
        return False
    before = words[at - 1].text
    return before in MONTHS or (words[at].text == "one" and before in _NO_NUMBER_BEFORE_ONE)


def _split(words: Words, at: int) -> bool:
    """Whether figures go on there behind a point, a colon or a slash."""
    if not 0 < at < len(words) or not words[at].tight:
        return False
    return words[at].number and words[at - 1].number and words[at].before in (":", ".", "/")
