"""Slots as data, for those who write verbs in JSON: `{"type": "digits", "min": 4}`. The one place that maps them."""

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from media_server.dialplan.slots.choice import Choice
from media_server.dialplan.slots.date import Date
from media_server.dialplan.slots.digits import Digits
from media_server.dialplan.slots.email import Email
from media_server.dialplan.slots.name import Name
from media_server.dialplan.slots.number import Number
from media_server.dialplan.slots.slot import Slot
from media_server.dialplan.slots.text import Text
from media_server.dialplan.slots.time import Time
from media_server.dialplan.slots.yes_no import YesNo
from media_server.errors import ConfigError, InvalidVerbs

MAX_OPTIONS = 50


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DigitsSpec(_Spec):
    """Digits: from `min` to `max` (without it: exactly `min`)."""

    type: Literal["digits"]
    min: int = Field(ge=1, le=32)
    max: int | None = Field(None, ge=1, le=32)
    secret: bool = False


class NumberSpec(_Spec):
    """A whole number in a range, both ends included."""

    type: Literal["number"]
    least: int = Field(ge=-1_000_000_000, le=1_000_000_000)
    most: int = Field(ge=-1_000_000_000, le=1_000_000_000)


class YesNoSpec(_Spec):
    """Yes or no."""

    type: Literal["yes_no"]


class ChoiceSpec(_Spec):
    """One of some options."""

    type: Literal["choice"]
    options: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(min_length=1, max_length=MAX_OPTIONS)


class DateSpec(_Spec):
    """A date."""

    type: Literal["date"]
    future: bool = False
    past: bool = False


class TimeSpec(_Spec):
    """A time of day, within `after` and `before` ("17:00")."""

    type: Literal["time"]
    after: str | None = Field(None, pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
    before: str | None = Field(None, pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")


class EmailSpec(_Spec):
    """An address of electronic mail."""

    type: Literal["email"]


class TextSpec(_Spec):
    """Whatever is said."""

    type: Literal["text"]


class NameSpec(_Spec):
    """A person's name."""

    type: Literal["name"]


SlotSpec: TypeAlias = Annotated[
    DigitsSpec | NumberSpec | YesNoSpec | ChoiceSpec | DateSpec | TimeSpec | EmailSpec | TextSpec | NameSpec,
    Field(discriminator="type"),
]

_CLASSES: Final[dict[str, Any]] = {
    "digits": Digits,
    "number": Number,
    "yes_no": YesNo,
    "choice": Choice,
    "date": Date,
    "time": Time,
    "email": Email,
    "text": Text,
    "name": Name,
}


def slot_of(spec: SlotSpec) -> Slot[Any]:
    """The slot that is meant.

    Raises:
        InvalidVerbs: What is said of it does not fit together.
    """
    arguments = spec.model_dump(exclude={"type"})
    if isinstance(spec, DigitsSpec):
        arguments = {"least": spec.min, "most": spec.max, "secret": spec.secret}
    try:
        made: Slot[Any] = _CLASSES[spec.type](**arguments)
    except ConfigError as error:
        raise InvalidVerbs(f"slot: {error.message}") from None
    return made
