"""`Name`: what somebody is called, said or spelled. Pure."""

from typing import Any

from rapidfuzz.distance import Levenshtein

from media_server.dialplan.slots.arguments import check
from media_server.dialplan.slots.correction import span_of, stretches, unfinished
from media_server.dialplan.slots.numerals import TEENS, TENS, UNITS
from media_server.dialplan.slots.slot import BEGUN_S, NO_MATCH_S, NOTHING_S, Missing, Value
from media_server.dialplan.slots.spelled import spelled
from media_server.dialplan.slots.words import FILLERS, MASK, Words, phrase_at, phrases_of, set_of, words_of

_OWN = """
my name is, my name's, the name is, the name's, name is, my first name is, my last name is, my surname is
"""
_OTHERS = """
this is, i am, i'm, it's, it is, call me, you can call me, that's, that is, it would be, under, for, mister, mr, mrs,
ms, miss, doctor, dr, spelled, spelt
"""
_SURELY = phrases_of(tuple(phrase.split()) for phrase in _OWN.split(","))
_INTRODUCED = phrases_of(tuple(phrase.split()) for phrase in f"{_OWN},{_OTHERS}".split(","))
_BEFORE = FILLERS | set_of("yes yeah yep sure hi hello hey good morning afternoon evening and the a")
_BEHIND = FILLERS | set_of("speaking here calling and spelled spelt that's thank you sir madam")
_NO_NAME = set_of(
    "i you he she we they it what who why how when where which yes no not don't can't know want need have is are was "
    "do does did the a an and or but if please sorry repeat again idea pardon excuse hello help of to in on at with "
    "for my your name people table o'clock am pm dot thanks thank booking me say said wait"
)
_NUMBERS = frozenset((*UNITS, *TEENS, *TENS))
_MOST_WORDS = 5
_ALIKE = 0.4


class Name:
    """A name as a string, each part with a capital: "Mary O'Brien", "Smith"."""

    secret = False
    keyterms: tuple[str, ...] = ()
    keys_hint = ""

    def __init__(self, *, language: str = "en") -> None:
        """Nothing to choose.

        Raises:
            ConfigError: The language is not known.
        """
        check("Name", language=language)

    def feed(self, text: str, dtmf: str = "") -> Missing | Value[str]:  # noqa: ARG002 - keys are no use
        """The name in the words."""
        words = words_of(text)
        if not words:
            return Missing(NOTHING_S)
        for begin, end in stretches(words):
            first, last, introduced = _trimmed(words, begin, end)
            if first < last and (name := _name(words[first:last])):
                more = unfinished(words) or last - first == 1
                return Value(name, more, span_of(words, first, last))
            if introduced and first >= last:
                return Missing(BEGUN_S, "too_short", begun=True)
        return Missing(NO_MATCH_S, "no_match")

    def among(self, text: str) -> Missing | Value[str]:
        """In an answer to several questions: what is introduced as a name ("my name is Mary")."""
        words = words_of(text)
        for at in range(len(words)):
            phrase = phrase_at(words, at, _SURELY)
            if phrase is None:
                continue
            begin = at + len(phrase)
            end = begin
            while end < len(words) and end - begin < _MOST_WORDS and _is_name(words, end, begin):
                end += 1
            if end > begin and (name := _name(words[begin:end])):
                return Value(name, open_ended=True, span=span_of(words, begin, end))
        return Missing(NO_MATCH_S, "no_match")

    def spoken(self, value: Any) -> str:
        """As it is."""
        return str(value)


def _is_name(words: Words, at: int, begin: int) -> bool:
    word = words[at]
    apart = at > begin and (MASK in word.before or "," in word.before or "." in word.before)
    return not (apart or word.number or word.text in _NO_NAME or word.text in _NUMBERS)


def _trimmed(words: Words, begin: int, end: int) -> tuple[int, int, bool]:
    """Without what introduces a name and what follows one."""
    introduced = False
    while begin < end:
        phrase = phrase_at(words, begin, _INTRODUCED)
        if phrase is not None and begin + len(phrase) <= end:
            begin, introduced = begin + len(phrase), True
        elif words[begin].text in _BEFORE:
            begin += 1
        else:
            break
    while end > begin and words[end - 1].text in _BEHIND:
        end -= 1
    return begin, end, introduced


def _name(words: Words) -> str:
    """The parts of it; one that is spelled stands for the word before it, if they are alike."""
    found: list[str] = []
    at = 0
    while at < len(words):
        letters = spelled(words, at)
        if letters is None and words[at].text in _BEHIND:
            at += 1
            continue
        if letters is not None:
            if found and _same(found[-1], letters.text):
                found.pop()
            elif found and _same("".join(found), letters.text):
                found.clear()
            found.append(letters.text)
            at = letters.end
        elif words[at].number or words[at].text in _NO_NAME or words[at].text in _NUMBERS or MASK in words[at].before:
            return ""
        else:
            if words[at].before == "-" and words[at].tight and found:
                found[-1] += f"-{words[at].text}"
            else:
                found.append(words[at].text)
            at += 1
    return " ".join(map(_titled, found)) if 1 <= len(found) <= _MOST_WORDS else ""


def _same(heard: str, letters: str) -> bool:
    return heard[0] == letters[0] and Levenshtein.normalized_similarity(heard, letters) >= _ALIKE


def _titled(part: str) -> str:
    """Such as "o'brien" as "O'Brien", "mcdonald" as "McDonald", "smith-jones" as "Smith-Jones"."""
    if "-" in part:
        return "-".join(map(_titled, part.split("-")))
    for prefix in ("o'", "d'", "mc"):
        if part.startswith(prefix) and len(part) > len(prefix) + 2:
            return prefix.capitalize() + part[len(prefix) :].capitalize()
    return part.capitalize()
