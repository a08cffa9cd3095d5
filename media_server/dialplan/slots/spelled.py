"""Words that are spelled: "J O H N", "J-O-H-N", "M as in Mary", "double S". Pure."""

from dataclasses import dataclass

from media_server.dialplan.slots.words import MASK, Words, said

_TIMES = {"double": 2, "triple": 3}
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Spelled:
    """What the letters make, and the index of the word behind them."""

    text: str
    end: int


def letter(words: Words, at: int) -> Spelled | None:
    """One letter, or some of the same."""
    if at >= len(words):
        return None
    times = _TIMES.get(words[at].text, 1)
    begin = at + 1 if times > 1 else at
    if begin >= len(words) or len(words[begin].text) != 1 or words[begin].number or MASK in words[at].before:
        return None
    end = begin + 1
    if said(words, end, "as", "in") or said(words, end, "like", "in"):
        end = min(end + 3, len(words))
    return Spelled(words[begin].text * times, end)


def spelled(words: Words, at: int) -> Spelled | None:
    """Two letters in a row at least."""
    text, end = "", at
    while (one := letter(words, end)) is not None:
        text, end = text + one.text, one.end
    return Spelled(text, end) if len(text) >= _FEWEST else None
