"""`Email`: an address of electronic mail, said or spelled. Pure: whether there is such a host is not looked up."""

from collections.abc import Mapping
from typing import Any

from email_validator import EmailNotValidError, validate_email

from media_server.dialplan.slots.arguments import check
from media_server.dialplan.slots.correction import span_of, stretches
from media_server.dialplan.slots.digit_words import Part, parts
from media_server.dialplan.slots.slot import BEGUN_S, NO_MATCH_S, NOTHING_S, Missing, Span, Value
from media_server.dialplan.slots.spelled import spelled
from media_server.dialplan.slots.words import FILLERS, Words, set_of, words_of

_SIGNS: Mapping[str, str] = {
    "dot": ".", "point": ".", "period": ".", "underscore": "_", "dash": "-", "hyphen": "-", "minus": "-", "plus": "+",
}  # fmt: skip
_WRITTEN = frozenset("@._-+")
_HOSTS = frozenset(("gmail", "hotmail", "yahoo", "outlook", "icloud", "aol"))
_TOP = set_of("com org net edu gov io co uk de fr eu us ca au app dev info biz me ai")
_STOPS = FILLERS | set_of(
    "is it it's its that's thats im email e-mail mail address my the use try to with a an and then you can reach me "
    "i'm i sure yes no under here name would be"
)
_LONGEST = 254
"""RFC 5321."""

_MOST_PIECES = 40
"""Of one side: an address is shorter."""

_Piece = tuple[str, int, int]
"""Characters of an address, and the words they were read from."""


class Email:
    """An address as a string in lower case, its form checked."""

    secret = False
    keyterms: tuple[str, ...] = ("gmail.com", "dot com")
    """What stands in most addresses."""
    keys_hint = ""

    def __init__(self, *, language: str = "en") -> None:
        """Nothing to choose.

        Raises:
            ConfigError: The language is not known.
        """
        check("Email", language=language)

    def feed(self, text: str, dtmf: str = "") -> Missing | Value[str]:  # noqa: ARG002 - keys are no use
        """The address of the words."""
        words = words_of(text)
        if not words:
            return Missing(NOTHING_S)
        pieces = _pieces(words)
        ats = [number for number, piece in enumerate(pieces) if piece[0] == "@"]
        for begin, end in stretches(words):
            for number in reversed(ats):
                if begin <= pieces[number][1] < end and (found := _address(pieces, number, begin, end)):
                    address, first, behind = found
                    span: Span = span_of(words, first, behind)
                    return Value(address, open_ended=behind == len(words), span=span)
        return (
            Missing(BEGUN_S, "too_short", begun=True)
            if ats or _SIGNS.keys() & {words[-1].text}
            else Missing(NO_MATCH_S, "no_match")
        )

    def spoken(self, value: Any) -> str:
        """As it is written: the voice reads addresses."""
        return str(value)


def _pieces(words: Words) -> list[_Piece]:
    """The words as they are written in an address; signs that the recogniser wrote between two words are kept."""
    numbers = {part.start: part for part in parts(words)}
    found: list[_Piece] = []
    at = 0
    while at < len(words):
        written = words[at].before if words[at].tight else ""
        sign = next((each for each in words[at].before if each == "@"), written if written in _WRITTEN else "")
        letters = spelled(words, at)
        if sign and not (sign == "-" and found and len(found[-1][0]) == 1):
            found.append((sign, at, at))
        if letters is not None:
            found.append((letters.text, at, letters.end))
            at = letters.end
            continue
        found.append(_piece(words, at, numbers.get(at)))
        at = found[-1][2]
    return found


def _piece(words: Words, at: int, number: Part | None) -> _Piece:
    text = words[at].text
    if text == "at":
        return "@", at, at + 1
    if text in _SIGNS:
        return _SIGNS[text], at, at + 1
    if text in ("g", "gee") and at + 1 < len(words) and words[at + 1].text == "mail":
        return "gmail", at, at + 2
    if number is not None and text != "o":
        return number.digits, at, number.end
    return text.replace("'", ""), at, at + 1


def _address(pieces: list[_Piece], middle: int, begin: int, end: int) -> tuple[str, int, int] | None:
    """The address around an "at", and the words that it takes."""
    first = middle
    while (
        first > 0 and middle - first < _MOST_PIECES and pieces[first - 1][1] >= begin and _of_name(pieces[first - 1][0])
    ):
        first -= 1
    last, domain = middle + 1, ""
    while last < len(pieces) and last - middle < _MOST_PIECES and pieces[last][1] < end:
        text = pieces[last][0]
        dotted = domain.endswith((".", "-"))
        ended = "." in domain and not dotted and domain.rpartition(".")[2] in _TOP
        if text == "@" or (ended and text != ".") or (not dotted and text in _STOPS and domain):
            break
        domain, last = domain + text, last + 1
    while domain.endswith("."):  # the end of a sentence
        domain, last = domain[:-1], last - 1
    if domain in _HOSTS:
        domain += ".com"
    local = "".join(text for text, _, _ in pieces[first:middle]).strip(".")
    if not local or "." not in domain or len(local) + len(domain) > _LONGEST:
        return None
    try:
        address = validate_email(f"{local}@{domain}", check_deliverability=False).normalized
    except EmailNotValidError:
        return None
    return address.lower(), pieces[first][1], pieces[last - 1][2]


def _of_name(text: str) -> bool:
    return text != "@" and text not in _STOPS
