"""Numbers in English words, by num2words (LGPL, imported as it is). Pure.

num2words is loaded with the first number, on the worker thread that reads it: 32 ms and 5 MB, measured. A number takes
0.05 ms.
"""

from collections.abc import Callable
from functools import cache

MAX_DIGITS = 15
"""A longer number is read digit by digit: nobody follows it otherwise."""

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def digits(text: str) -> str:
    """The digits of a text, one by one; what else is in it is left out."""
    return " ".join(DIGITS[int(char)] for char in text if "0" <= char <= "9")


def cardinal(text: str) -> str:
    """A number as it is written: "1,250", "3.50". A leading zero, as codes have it, is said, and so is a last one."""
    whole, point, decimals = text.replace(",", "").partition(".")
    if len(whole) > MAX_DIGITS or (len(whole) > 1 and whole.startswith("0")):
        words = digits(whole)
    else:
        words = _words(int(whole or 0), "cardinal")
    return f"{words} point {digits(decimals)}" if point else words


def ordinal(text: str) -> str:
    """A place in an order: "21" as "twenty-first"."""
    number = text.replace(",", "")
    return _words(int(number), "ordinal") if len(number) <= MAX_DIGITS else digits(number)


def year(text: str) -> str:
    """A year: "2026" as "twenty twenty-six"."""
    return _words(int(text), "year")


def plural(word: str) -> str:
    """Of a number's word: "nineties", "thirds"."""
    return word[:-1] + "ies" if word.endswith("y") else word + "s"


def _words(number: int, kind: str) -> str:
    return str(_num2words()(number, lang="en", to=kind)).replace(",", "")


@cache
def _num2words() -> Callable[..., str]:
    from num2words import num2words  # noqa: PLC0415 - see above

    loaded: Callable[..., str] = num2words
    return loaded
