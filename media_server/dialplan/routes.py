"""`routes.toml`: which call gets which dialplan, as it is written. Pure but for the reading of the file.

::

    default = "parrot"              # answers what no route fits
    timezone = "Europe/Berlin"      # of all hours
    [settings]                      # of all routes
    shop = "https://shop.example.org"

    [[route]]
    name = "office"
    called = "+1555*"               # or several: ["+15550100", "*9196"]; the forms are in `numbers.py`
    hours = ["Mon-Fri 09:00-17:30", "Sat 10:00-14:00"]
    dialplan = "booking"
    language = "en"
    voice = "piper-joe"
    settings = { bar = "+15550123" }

The first route that fits wins; all conditions of a route must hold. An error names the file, the line and the key.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, model_validator
from pydantic_core import ErrorDetails

from media_server.dialplan.hours import DAYS, Window, parse_window
from media_server.dialplan.numbers import MAX_FORMS, NumberForm, Regex, parse_form
from media_server.dialplan.sources import read_capped
from media_server.dialplan.toml_lines import Place, key_lines
from media_server.errors import ConfigError

ROUTES = "routes.toml"
MAX_ROUTES = 1000
MAX_WINDOWS = 50

Direction: TypeAlias = Literal["inbound", "outbound"]


def _texts(value: object, most: int) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not 0 < len(texts) <= most or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"a text, or a list of 1 to {most} texts, is wanted")
    return texts


def _called(value: object) -> tuple[NumberForm, ...]:
    return tuple(parse_form(text) for text in _texts(value, MAX_FORMS))


def _caller(value: object) -> tuple[NumberForm, ...]:
    return tuple(parse_form(text, anonymous=True) for text in _texts(value, MAX_FORMS))


def _regex(value: object) -> tuple[NumberForm, ...]:
    return tuple(Regex(text) for text in _texts(value, 1))


def _hours(value: object) -> tuple[Window, ...]:
    return tuple(parse_window(text) for text in _texts(value, MAX_WINDOWS))


def _zone(value: object) -> ZoneInfo:
    try:
        return ZoneInfo(*_texts(value, 1))
    except (OSError, KeyError, ValueError) as error:  # KeyError: not found; OSError: a folder of that name
        raise ValueError(f"{value!r} is no time zone; one such as Europe/Berlin is wanted") from error


Called = Annotated[tuple[NumberForm, ...], PlainValidator(_called)]
Caller = Annotated[tuple[NumberForm, ...], PlainValidator(_caller)]
Expression = Annotated[tuple[NumberForm, ...], PlainValidator(_regex)]
Hours = Annotated[tuple[Window, ...], PlainValidator(_hours)]
Zone = Annotated[ZoneInfo, PlainValidator(_zone)]
PlanName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A call for which a route is wanted. `at`: with its time zone."""

    called: str
    caller: str = ""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    direction: Direction = "inbound"


class Route(BaseModel):
    """One route of the table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("", max_length=100)
    called: Called = ()
    called_regex: Expression = ()
    caller: Caller = ()
    caller_regex: Expression = ()
    hours: Hours = ()
    timezone: Zone | None = None
    direction: Direction | None = None
    dialplan: PlanName
    language: str = Field("", pattern=r"^(auto|[a-z]{2,3})?$")
    voice: str = Field("", pattern=r"^[A-Za-z0-9_-]{0,64}$")
    settings: dict[str, Any] = {}

    @model_validator(mode="after")
    def _has_a_condition(self) -> Self:
        if not (self.called or self.called_regex or self.caller or self.caller_regex or self.hours or self.direction):
            raise ValueError("it fits every call; that is what `default` is for")
        return self

    def mismatch(self, incoming: Incoming, timezone: ZoneInfo | None = None) -> str:
        """Why this route is not for that call; empty when it is. `timezone`: of its hours, where it has none itself."""
        for key, forms, number in (
            ("called", self.called, incoming.called),
            ("called_regex", self.called_regex, incoming.called),
            ("caller", self.caller, incoming.caller),
            ("caller_regex", self.caller_regex, incoming.caller),
        ):
            if forms and not any(form.fits(number) for form in forms):
                return f"{key}: {number or 'no number'} is not {' or '.join(map(str, forms))}"
        if self.direction is not None and self.direction != incoming.direction:
            return f"direction: {incoming.direction}, not {self.direction}"
        zone = self.timezone or timezone
        if self.hours and zone is not None:
            here = incoming.at.astimezone(zone)
            if not any(window.open_at(here) for window in self.hours):
                now = f"{DAYS[here.weekday()]} {here:%H:%M} in {zone.key}"
                return f"hours: it is {now}, not {' or '.join(map(str, self.hours))}"
        return ""


class Routes(BaseModel):
    """The file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    default: PlanName
    timezone: Zone | None = None
    language: str = Field("", pattern=r"^(auto|[a-z]{2,3})?$")
    voice: str = Field("", pattern=r"^[A-Za-z0-9_-]{0,64}$")
    settings: dict[str, Any] = {}
    route: tuple[Route, ...] = Field((), max_length=MAX_ROUTES)


@dataclass(frozen=True, slots=True)
class RouteFile:
    """The file, and where its keys stand."""

    path: Path
    routes: Routes
    lines: Mapping[Place, int]

    def error(self, place: Place, message: str) -> ConfigError:
        """Something that does not fit, with the file and the line."""
        return complaint(self.path, self.lines, place, message)


def complaint(path: Path, lines: Mapping[Place, int], place: Place, message: str) -> ConfigError:
    """An error that names the file, the line, the key."""
    line = next((lines[place[:length]] for length in range(len(place), 0, -1) if place[:length] in lines), 1)
    keys = [str(part) for part in place if isinstance(part, str) and part != "route"]
    return ConfigError(f"{path}:{line}: {'.'.join(keys)}{': ' if keys else ''}{message}")


def read_routes(path: Path) -> RouteFile:
    """Read a file of routes.

    Raises:
        ConfigError: It does not fit; the message names its line.
    """
    try:
        text = read_capped(path).decode()
        document = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: it is not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax(path, str(error), text.count("\n") + 1)) from error
    except RecursionError as error:
        raise ConfigError(f"{path}: it is nested too deeply") from error
    lines = key_lines(text)
    try:
        file = RouteFile(path, Routes.model_validate(document), lines)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise complaint(path, lines, first["loc"], _message(first)) from error
    _check(file)
    return file


def _check(file: RouteFile) -> None:
    names: dict[str, int] = {}
    for number, route in enumerate(file.routes.route):
        if route.name and names.setdefault(route.name, number) != number:
            raise file.error(("route", number, "name"), f"{route.name!r} is another route's name already")
        if route.hours and (route.timezone or file.routes.timezone) is None:
            raise file.error(("route", number, "hours"), 'they want a timezone, such as timezone = "Europe/Berlin"')


def _syntax(path: Path, message: str, last: int) -> str:
    """`tomllib` ends its messages with the place, as "(at line 3, column 5)" or "(at end of document)"."""
    reason, _, place = message.rpartition(" (at ")
    words = place.replace(",", " ").split()
    line = int(words[1]) if len(words) > 1 and words[0] == "line" and words[1].isdecimal() else last
    return f"{path}:{line}: {reason or message}"


def _message(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        known = [*Route.model_fields] if error["loc"][0] == "route" else [*Routes.model_fields]
        close = get_close_matches(str(error["loc"][-1]), known, n=1)
        return "there is no such key" + (f" (did you mean {close[0]}?)" if close else "")
    if error["type"] == "missing":
        return "it is missing"
    return error["msg"].removeprefix("Value error, ")
