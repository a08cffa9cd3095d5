"""`Choice`: one of a few things. Pure.

Words decide first, singular or plural, with or without articles; then parts of an option that no other one has
("billing" of "the billing department"); then what sounds nearly like one, by edit distance (rapidfuzz); then its place
("the second one", "option two").
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from rapidfuzz.distance import Levenshtein

from media_server.dialplan.slots.arguments import check, entry, typing
from media_server.dialplan.slots.correction import Found, choose, find
from media_server.dialplan.slots.numerals import below_hundred, digits_at, ordinal
from media_server.dialplan.slots.slot import NO_MATCH_S, Missing, Value
from media_server.dialplan.slots.words import FILLERS, MASK, Words, said, set_of, words_of

T = TypeVar("T")

MOST_OPTIONS = 100
_KEYS = 9
_MOST_KEYTERMS = 20
_LEAST_LETTERS = 4
"""Shorter words are like too many others."""

_ALIKE = 0.75
_CLOSELY = 60
"""Only so many words of an answer are looked at letter by letter, and for a place."""

_ARTICLES = set_of("a an the of some my your")
_NUMBERED = set_of("number option choice no")
_ANSWER = FILLERS | _ARTICLES | set_of("i i'd i'll want would like take have go with it's one that's me")


class Choice(Generic[T]):
    """One of the options: a list of names, or a mapping from what the dialplan gets to the names of each."""

    secret = False

    def __init__(self, options: Sequence[T] | Mapping[T, Sequence[str]], *, language: str = "en") -> None:
        """In the order of their keys.

        Raises:
            ConfigError: None or too many, an option without a name, a name of two, or the language is not known.
        """
        named = _named(options)
        check(
            "Choice",
            language=language,
            it_takes_from_1_up_to_100_options=1 <= len(named) <= MOST_OPTIONS,
            each_option_needs_a_name=all(names and all(map(_stems_of, names)) for _, names in named),
        )
        self._options = named
        self._stems = [[_stems_of(name) for name in names] for _, names in named]
        every = [stems for each in self._stems for stems in {tuple(stems) for stems in each}]
        check("Choice", language=language, two_options_have_the_same_name=len(every) == len(set(every)))
        self._longest = max(map(len, every))
        self._parts = self._telling_parts()

    @property
    def options(self) -> tuple[T, ...]:
        """What the dialplan may get, in the order of their keys."""
        return tuple(value for value, _ in self._options)

    @property
    def keyterms(self) -> tuple[str, ...]:
        """The names."""
        return tuple(names[0] for _, names in self._options)[:_MOST_KEYTERMS]

    @property
    def keys_hint(self) -> str:
        """Such as "Press 1 for ham or 2 for cheese."; none where there are more than nine."""
        if len(self._options) > _KEYS:
            return ""
        pairs = [f"{number} for {names[0]}" for number, (_, names) in enumerate(self._options, 1)]
        return f"Press {' or '.join((', '.join(pairs[:-1]), pairs[-1])) if len(pairs) > 1 else pairs[0]}."

    def feed(self, text: str, dtmf: str = "") -> Missing | Value[T]:
        """The option that the words, or the key, name."""
        if dtmf:
            return self._typed(*entry(dtmf))
        return self._heard(text, self._by_name, self._by_part, self._by_sound, self._by_place)

    def among(self, text: str) -> Missing | Value[T]:
        """In an answer to several questions: what has a name of one in it, or a telling part."""
        return self._heard(text, self._by_name, self._by_part)

    def spoken(self, value: Any) -> str:
        """Its first name."""
        return next((names[0] for option, names in self._options if option == value), str(value))

    def _heard(self, text: str, *readings: Callable[[Words, int], Found[int] | None]) -> Missing | Value[T]:
        words = words_of(text)
        for read in readings:
            found = find(words, read)
            chosen = choose(words, found, lambda _: "")
            if isinstance(chosen, Value):
                return Value(self._options[chosen.value][0], chosen.open_ended, chosen.span)
            if found:
                return chosen
        return choose(words, [], str)

    def _typed(self, digits: str, ended: bool) -> Missing | Value[T]:
        if not digits:
            return Missing(NO_MATCH_S, "nothing") if ended else typing("nothing")
        number = int(digits[-1])
        if len(self._options) <= _KEYS and 1 <= number <= len(self._options):
            return Value(self._options[number - 1][0])
        return Missing(NO_MATCH_S, "out_of_range")

    def _by_name(self, words: Words, at: int) -> Found[int] | None:
        best: Found[int] | None = None
        for number, every in enumerate(self._stems):
            for stems in every:
                end = _stands(words, at, stems)
                if end and (best is None or end > best.end):
                    best = Found(number, at, end)
        return best

    def _by_part(self, words: Words, at: int) -> Found[int] | None:
        number = self._parts.get(_stem(words[at].text))
        return None if number is None else Found(number, at, at + 1)

    def _by_sound(self, words: Words, at: int) -> Found[int] | None:
        """What is nearly the same, and nearer to it than to any other; equally near to two is both."""
        if at >= _CLOSELY:
            return None
        best, found = _ALIKE, None
        for number, every in enumerate(self._stems):
            for stems in every:
                name = "".join(stems)
                for length in range(max(1, len(stems) - 1), len(stems) + 2):
                    heard = "".join(_stem(word.text) for word in words[at : at + length])
                    if min(len(name), len(heard)) < _LEAST_LETTERS or at + length > len(words):
                        continue
                    alike = Levenshtein.normalized_similarity(name, heard, score_cutoff=best)
                    if alike > best or (alike == best and found is None and alike >= _ALIKE):
                        best, found = alike, Found(number, at, at + length)
        return found

    def _by_place(self, words: Words, at: int) -> Found[int] | None:
        if len(words) > _CLOSELY:
            return None
        if said(words, at, "last", "one") or said(words, at, "the", "last"):
            return Found(len(self._options) - 1, at, at + 2)
        place = ordinal(words, at)
        if place is None:
            place = below_hundred(words, at) or digits_at(words, at)
            if place is None:
                return None
            others = (*words[:at], *words[place.end :])
            numbered = at > 0 and words[at - 1].text in _NUMBERED
            article = at > 0 and words[at - 1].text in _ARTICLES  # "the one"
            if not numbered and (article or any(word.text not in _ANSWER for word in others)):
                return None
        return Found(place.value - 1, at, place.end) if 1 <= place.value <= len(self._options) else None

    def _telling_parts(self) -> dict[str, int]:
        """Words that only one option has."""
        holders: dict[str, set[int]] = {}
        for number, every in enumerate(self._stems):
            for stem in {stem for stems in every for stem in stems}:
                holders.setdefault(stem, set()).add(number)
        return {
            stem: next(iter(numbers))
            for stem, numbers in holders.items()
            if len(numbers) == 1 and len(stem) >= _LEAST_LETTERS - 1 and stem not in _ANSWER
        }


def _named(options: Sequence[Any] | Mapping[Any, Sequence[str]]) -> list[tuple[Any, tuple[str, ...]]]:
    if not isinstance(options, Mapping):
        return [(value, (str(value),)) for value in options]
    named = []
    for value, names in options.items():
        synonyms = (names,) if isinstance(names, str) else tuple(names)
        named.append((value, (value, *synonyms) if isinstance(value, str) else synonyms))
    return named


def _stems_of(name: str) -> tuple[str, ...]:
    stems = tuple(_stem(word.text) for word in words_of(name))
    return tuple(stem for stem in stems if stem not in _ARTICLES) or stems


def _stem(word: str) -> str:
    """Without the ending of a plural: "pizzas", "boxes", "berries"."""
    word = word.removesuffix("'s")
    if len(word) < _LEAST_LETTERS or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > _LEAST_LETTERS:
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("ches", "shes", "xes", "sses", "zes", "oes")) else word[:-1]


def _stands(words: Words, at: int, stems: Sequence[str]) -> int:
    """The index behind a name that begins at this word, articles in it aside; 0 where it does not."""
    position = at
    for number, stem in enumerate(stems):
        while number and position < len(words) and words[position].text in _ARTICLES and stem not in _ARTICLES:
            position += 1
        if position >= len(words) or _stem(words[position].text) != stem:
            return 0
        if number and MASK in words[position].before:
            return 0
        position += 1
    return position
