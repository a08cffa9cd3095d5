"""What happened on a call, on the time line of its recording: the schema of `GET /v1/calls/{id}/timeline`.

All times are seconds of the recording; without one, of the call. What is not known is None.
"""

import json
from dataclasses import asdict, dataclass
from typing import Literal

from pydantic import BaseModel

from media_server.call.receipt import Receipt
from media_server.call.record import Happening
from media_server.records.rows import dumped


class Span(BaseModel):
    """The recogniser hears speech of this turn; `end` is None while it goes on."""

    turn: int
    start: float
    end: float | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """Words of the caller's.

    Attributes:
        at: When they were known.
        text: Of a partial: what follows the turn's last final so far. Of an eager end: all that was said since then.
        stable: How many characters of it no longer change; of a final all.
        start: Where they begin to sound.
        end: Where they end.
        probability: Of an eager end: that the turn is over.
    """

    at: float
    text: str
    stable: int
    start: float
    end: float
    probability: float | None = None


class CallerTurn(BaseModel):
    """A turn of the caller's.

    Attributes:
        turn: Its number on this call.
        start: Where its speech begins.
        end: Where its speech ends.
        decided: Where it was decided that it is over.
        at: When the call knew.
        reason: Why it is over: complete, slot, silence, limit, finalize, close; typed; aside ("mhm", into our words).
        text: Its words, as the dialplan was given them; empty for a noise.
        partials: What was known of it on the way.
        eager: Where it might have been over.
        finals: Its words for good.
        receipt: How its answer came about, if it got one that could be heard.
    """

    turn: int
    start: float | None = None
    end: float | None = None
    decided: float | None = None
    at: float | None = None
    reason: str = ""
    text: str = ""
    partials: list[Words] = []
    eager: list[Words] = []
    finals: list[Words] = []
    receipt: Receipt | None = None


class Utterance(BaseModel):
    """Something of ours that sounded.

    Attributes:
        start: Where its first audible sample sounds.
        end: Where it was over: heard to its end, or cut.
        text: What was meant; empty for what is no text (a tone, a recording).
        heard: What of it was heard.
        complete: It was heard to its end.
        turn: The turn that it answers.
        barge_in: Who may interrupt it.
    """

    start: float | None = None
    end: float | None = None
    text: str = ""
    heard: str = ""
    complete: bool = False
    turn: int | None = None
    barge_in: str = ""


@dataclass(frozen=True, slots=True)
class FloorMove:
    """The caller spoke into our words: we hold (`pause`, `clear`), go on, or give up."""

    at: float
    move: Literal["pause", "clear", "resume", "yield"]


@dataclass(frozen=True, slots=True)
class Key:
    """A key that the caller pressed."""

    at: float
    digit: str


class Timeline(BaseModel):
    """A call as the inspector draws it.

    Attributes:
        seconds: How long the recording is so far; without one, the call.
        recorded: There is a recording, and `line_s` of it is what times are.
        skipped: Lines that could not be understood.
        cut: There was more than is read, or given out, at once.
    """

    call: str
    live: bool
    seconds: float
    recorded: bool
    speech: list[Span] = []
    turns: list[CallerTurn] = []
    utterances: list[Utterance] = []
    floor: list[FloorMove] = []
    digits: list[Key] = []
    happenings: list[Happening] = []
    skipped: int = 0
    cut: bool = False


_LISTS = ("speech", "turns", "utterances", "floor", "digits", "happenings")


def timeline_json(line: Timeline) -> str:
    """As JSON, each part of it by itself: made in one go, a long call would keep other threads from their turns."""
    small = dumped(line, without=set(_LISTS))
    lists = [f'"{name}":[{",".join(_part(each) for each in getattr(line, name))}]' for name in _LISTS]
    return f"{small[:-1]},{','.join(lists)}}}"


def _part(each: BaseModel | FloorMove | Key) -> str:
    return dumped(each) if isinstance(each, BaseModel) else json.dumps(asdict(each))
