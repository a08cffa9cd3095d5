"""The lines that `call/inputs.py` writes, parsed strictly. Pure.

They may come from anywhere (an exported call is a file like any other), so every number and text has its bounds.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from media_server.protocol.asr_stream import AsrEvent, AsrQuery, Configure
from media_server.turn.barge_in import BargeIn

MAX_S = 4 * 3600


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    at: float = Field(ge=0, le=MAX_S)
    line_s: float = Field(ge=0, le=MAX_S)


class CallLine(_Line):
    """The first line."""

    type: Literal["call"]
    version: Literal[1]
    sample_rate: int = Field(ge=8000, le=48000)


class Listening(_Line):
    """The recogniser's stream begins."""

    type: Literal["listening"]
    query: AsrQuery
    sample: int = Field(ge=0)


class Cleaned(_Line):
    """Our own voice was taken out."""

    type: Literal["cleaned"]
    sample: int = Field(ge=0)
    pcm: str = Field("", max_length=8000)
    samples: int = Field(0, ge=0, le=8000)


class Configured(_Line):
    """What the recogniser expects has changed."""

    type: Literal["configure"]
    changes: Configure
    sample: int = Field(ge=0)


class Heard(_Line):
    """The recogniser said something. `turn`: the turn's number on the call, which typed ones count in."""

    type: Literal["asr"]
    event: AsrEvent
    turn: int | None = Field(None, ge=0)


class Key(_Line):
    """A key was pressed."""

    type: Literal["digit"]
    digit: str


class Read(_Line):
    """Something was typed in place of being said."""

    type: Literal["typed"]
    text: str = Field(max_length=2000)


class Begins(_Line):
    """Something of ours begins to sound."""

    type: Literal["begins"]
    utterance: str
    barge_in: BargeIn
    audible_line_s: float | None
    seconds: float = Field(ge=0, le=MAX_S)


class HeardOut(_Line):
    """Something of ours was heard to its end."""

    type: Literal["heard"]
    utterance: str
    seconds: float = Field(0.0, ge=0, le=MAX_S)


class FloorLine(_Line):
    """Something moved the floor, or our voice."""

    type: Literal["floor"]
    change: str = ""
    move: str = ""


Line = Annotated[
    CallLine | Listening | Cleaned | Configured | Heard | Key | Read | Begins | HeardOut | FloorLine,
    Field(discriminator="type"),
]
_line: TypeAdapter[Line] = TypeAdapter(Line)


def parse_line(line: bytes | str) -> Line:
    """A line.

    Raises:
        pydantic.ValidationError: It is none.
    """
    return _line.validate_json(line)
