"""TwiML as verbs, for receivers that answer with it. Pure.

Source: Twilio's "TwiML for Programmable Voice". Say, Play, Gather, Dial (one Number or Sip), Pause, Record, Redirect
and Hangup are taken. An element or attribute that is not known is refused by its name, since a document that is
performed in part is another one; those attributes that choose how Twilio does it (voices, speech models, methods) are
passed over. No document type, so no entities; nothing is fetched.
"""

from collections.abc import Callable
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from media_server.dialplan.verbs import MAX_BYTES, MAX_VERBS, Verbs, validate_verbs
from media_server.errors import InvalidVerbs

MAX_LOOP = 10
MAX_MARKS = 1000
"""Tags and attributes, ended ones counted twice: more would hold up the calls while they are parsed."""
_FINISH_ANY: Final = "1234567890*#"
_PASSED_OVER: Final = frozenset(
    {
        "voice",
        "language",
        "method",
        "enhanced",
        "speechModel",
        "speechTimeout",
        "hints",
        "profanityFilter",
        "partialResultCallback",
    }
)
_TAKEN: Final = {
    "Say": {"loop"},
    "Play": {"loop", "digits"},
    "Pause": {"length"},
    "Gather": {"action", "timeout", "numDigits", "finishOnKey", "input", "bargeIn"},
    "Record": {"action", "timeout", "maxLength", "finishOnKey", "playBeep", "transcribe", "trim"},
    "Dial": {"action", "timeout", "answerOnBridge"},
    "Redirect": set[str](),
    "Hangup": set[str](),
    "Number": set[str](),
    "Sip": set[str](),
}
_BOOLEANS: Final = {"true": True, "false": False}

Json = dict[str, Any]


def parse_twiml_verbs(document: bytes) -> Verbs:
    """Read a TwiML document.

    Raises:
        InvalidVerbs: It is none, or holds what is not taken; `reason`: too_large, twiml, verb or shape.
    """
    if len(document) > MAX_BYTES or document.count(b"<") > MAX_MARKS or document.count(b"=") > MAX_MARKS:
        raise InvalidVerbs(f"TwiML: more than {MAX_BYTES} bytes or {MAX_MARKS} tags", reason="too_large")
    try:
        response = fromstring(document, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise InvalidVerbs("TwiML: no XML without a document type", reason="twiml") from None
    if response.tag != "Response" or response.attrib or _text(response, mixed=True):
        raise InvalidVerbs("TwiML: no bare <Response>", reason="twiml")
    if len(response) > MAX_VERBS:
        raise InvalidVerbs(f"TwiML: more than {MAX_VERBS} verbs", reason="too_large")
    verbs = [verb for element in response for verb in _verbs(element)]
    return validate_verbs(verbs)


def _verbs(element: Element) -> list[Json]:
    read = _READ.get(element.tag)
    if read is None:
        raise InvalidVerbs(f"TwiML: <{element.tag[:40]}> is not taken", reason="verb")
    _check(element)
    return read(element)


def _check(element: Element) -> None:
    for name in element.attrib:
        if name not in _TAKEN[element.tag] and name not in _PASSED_OVER:
            raise InvalidVerbs(f"TwiML: <{element.tag} {name[:40]}> is not taken", reason="verb")


def _say(element: Element) -> list[Json]:
    return [{"verb": "say", "text": _text(element)}] * _loop(element)


def _play(element: Element) -> list[Json]:
    digits = element.get("digits")
    if digits is not None:
        return [{"verb": "send_dtmf", "digits": digits}]
    return [{"verb": "play", "source": _text(element)}] * _loop(element)


def _pause(element: Element) -> list[Json]:
    return [{"verb": "pause", "seconds": float(_number(element, "length", 1))}]


def _gather(element: Element) -> list[Json]:
    questions = []
    for inner in element:
        if inner.tag != "Say":
            raise InvalidVerbs(f"TwiML: <{inner.tag[:40]}> in <Gather> is not taken", reason="verb")
        _check(inner)
        questions.append(_text(inner))
    kinds = set(element.get("input", "dtmf").split())
    if not kinds <= {"dtmf", "speech"}:
        raise InvalidVerbs("TwiML: <Gather input> is dtmf, speech or both", reason="shape")
    if "numDigits" in element.attrib:
        slot: Json = {"type": "digits", "min": _number(element, "numDigits", 1)}
    elif kinds == {"dtmf"}:
        slot = {"type": "digits", "min": 1, "max": 32}
    else:
        slot = {"type": "text"}
    if element.get("finishOnKey", "#") != "#":
        raise InvalidVerbs("TwiML: <Gather finishOnKey> is #", reason="shape")
    gather = {
        "verb": "gather",
        "slot": slot,
        "question": " ".join(questions),
        "timeout_s": float(_number(element, "timeout", 5)),
        "barge_in": _boolean(element, "bargeIn", default=True),
        "as": "gather",
    }
    return [gather | _action(element)]


def _record(element: Element) -> list[Json]:
    finish = element.get("finishOnKey", _FINISH_ANY)
    record = {
        "verb": "record",
        "max_s": float(min(600, _number(element, "maxLength", 600))),
        "silence_s": float(_number(element, "timeout", 5)),
        "finish_on": finish,
        "beep": _boolean(element, "playBeep", default=True),
        "transcribe": _boolean(element, "transcribe", default=False),
        "as": "record",
    }
    return [record | _action(element)]


def _dial(element: Element) -> list[Json]:
    inner = list(element)
    if len(inner) > 1 or (inner and inner[0].tag not in ("Number", "Sip")):
        raise InvalidVerbs("TwiML: <Dial> holds one number, <Number> or <Sip>", reason="verb")
    for noun in inner:
        _check(noun)
    transfer = {
        "verb": "transfer",
        "to": _text(inner[0]) if inner else _text(element),
        "timeout_s": float(min(120, max(5, _number(element, "timeout", 30)))),
        "as": "dial",
    }
    return [transfer | _action(element)]


def _redirect(element: Element) -> list[Json]:
    return [{"verb": "redirect", "url": _text(element)}]


def _hangup(_element: Element) -> list[Json]:
    return [{"verb": "hangup"}]


_READ: Final[dict[str, Callable[[Element], list[Json]]]] = {
    "Say": _say,
    "Play": _play,
    "Pause": _pause,
    "Gather": _gather,
    "Record": _record,
    "Dial": _dial,
    "Redirect": _redirect,
    "Hangup": _hangup,
}


def _text(element: Element, *, mixed: bool = False) -> str:
    """The text of an element; `mixed`: also that behind its children, else it must have no children."""
    if mixed:
        parts = [element.text or "", *(inner.tail or "" for inner in element)]
        return " ".join(" ".join(parts).split())
    if len(element):
        raise InvalidVerbs(f"TwiML: <{element[0].tag[:40]}> in <{element.tag}> is not taken", reason="verb")
    return " ".join((element.text or "").split())


def _action(element: Element) -> Json:
    action = element.get("action")
    return {"action": action} if action else {}


def _number(element: Element, name: str, default: int) -> int:
    text = element.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 6):  # noqa: PLR2004
        raise InvalidVerbs(f"TwiML: <{element.tag} {name}> is no number", reason="shape")
    return int(text)


def _boolean(element: Element, name: str, *, default: bool) -> bool:
    value = _BOOLEANS.get(element.get(name, str(default)).lower())
    if value is None:
        raise InvalidVerbs(f"TwiML: <{element.tag} {name}> is true or false", reason="shape")
    return value


def _loop(element: Element) -> int:
    times = _number(element, "loop", 1)
    if not 1 <= times <= MAX_LOOP:
        raise InvalidVerbs(f"TwiML: <{element.tag} loop> is from 1 to {MAX_LOOP}", reason="shape")
    return times
