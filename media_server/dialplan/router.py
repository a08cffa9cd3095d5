"""Which called number gets which dialplan: `routes.toml`.

::

    default = "parrot"

    [[route]]
    called = "*9196"       # a number, or a star and how it ends
    dialplan = "echo"

The first route that fits wins.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from media_server.dialplan.loader import LoadedPlan, load_plan
from media_server.errors import ConfigError

ROUTES = "routes.toml"


class Route(BaseModel):
    """One line of the table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    called: str = Field(pattern=r"^(\*?\+?[0-9]+|\*)$")
    dialplan: str = Field(pattern=r"^[a-z][a-z0-9_]*$")

    def fits(self, called: str) -> bool:
        """Whether this route is for that number."""
        return called.endswith(self.called[1:]) if self.called.startswith("*") else called == self.called


class Routes(BaseModel):
    """The file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    default: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    route: tuple[Route, ...] = ()


class Router:
    """The routes of the first folder that has any, and the dialplans that they name."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._routes = _read(folders)
        names = dict.fromkeys([*(route.dialplan for route in self._routes.route), self._routes.default])
        self._plans = {name: load_plan(name, folders) for name in names}

    def route(self, called: str) -> LoadedPlan:
        """The dialplan for a number."""
        for route in self._routes.route:
            if route.fits(called):
                return self._plans[route.dialplan]
        return self._plans[self._routes.default]

    @property
    def phrases(self) -> list[str]:
        """Every constant text of every dialplan."""
        return [phrase for plan in self._plans.values() for phrase in plan.phrases]


def _read(folders: Sequence[Path]) -> Routes:
    for folder in folders:
        path = folder / ROUTES
        if not path.is_file():
            continue
        try:
            return Routes.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise ConfigError(f"{path}: {place}: {first['msg']}") from error
        except ValueError as error:
            raise ConfigError(f"{path}: {error}") from error
    raise ConfigError(f"there is no {ROUTES} in {', '.join(str(folder) for folder in folders)}")
