"""Which call gets which dialplan: the routes of the first folder that has any, loaded with all that they name.

A `Router` never changes. Another state of the files is another router, made whole or not at all (`reload.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from media_server.dialplan.loader import LoadedPlan, load_plan
from media_server.dialplan.modules import Generation, new_generation
from media_server.dialplan.route_settings import Misfit, settings_of
from media_server.dialplan.routes import ROUTES, Incoming, RouteFile, read_routes
from media_server.dialplan.toml_lines import Place
from media_server.errors import ConfigError, NotFound

DEFAULT = "default"
"""What answers where no route fits; it counts as a route of this name."""


@dataclass(frozen=True, slots=True)
class LoadedRoute:
    """How a call is answered.

    Attributes:
        name: Of the route; where it has none, of the dialplan.
        settings: What the dialplan finds in `call.settings`.
        language: What is spoken; empty: the server's.
        voice: Which voice speaks; empty: the server's.
        place: FILE:LINE of the route.
    """

    plan: LoadedPlan
    name: str = DEFAULT
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    language: str = ""
    voice: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """A route that was looked at for a call; `mismatch`: why it was passed over, empty where it fits."""

    route: LoadedRoute
    mismatch: str


class Router:
    """The routes and the dialplans that they name. Immutable."""

    def __init__(self, file: RouteFile, routes: Sequence[LoadedRoute], default: LoadedRoute) -> None:
        self._file = file
        self._routes = tuple(routes)
        self._default = default

    @classmethod
    def load(cls, folders: Sequence[Path], default: str | None = None) -> "Router":
        """Load everything, in a generation of modules of its own. Imports dialplans: not for a loop with calls on it.

        Args:
            folders: Where dialplans and routes are looked for, in this order.
            default: The dialplan that answers where no route fits, instead of the one that the routes name.

        Raises:
            ConfigError: A route or a dialplan is broken; the message names file and line.
        """
        file = _find(folders)
        with new_generation(folders) as generation:
            return cls(file, *_Loading(file, folders, generation).routes(default))

    def route(self, incoming: Incoming) -> LoadedRoute:
        """How a call is answered: by the first route that fits, or the default."""
        for tried in self.tried(incoming):
            if not tried.mismatch:
                return tried.route
        raise AssertionError("the default fits")

    def tried(self, incoming: Incoming) -> Iterator[Tried]:
        """The routes that are looked at for a call, the one that answers last."""
        for loaded, route in zip(self._routes, self._file.routes.route, strict=True):
            mismatch = route.mismatch(incoming, self._file.routes.timezone)
            yield Tried(loaded, mismatch)
            if not mismatch:
                return
        yield Tried(self._default, "")

    def named(self, name: str) -> LoadedRoute:
        """The route of this name, or else the first one with this dialplan: for a call of ours.

        Raises:
            NotFound: There is none.
        """
        routes = [*self._routes, self._default]
        for found in (*(each for each in routes if each.name == name), *(r for r in routes if r.plan.name == name)):
            return found
        raise NotFound(f"no route leads to a dialplan {name!r}")

    @property
    def routes(self) -> tuple[LoadedRoute, ...]:
        """All of them, the default last."""
        return (*self._routes, self._default)

    @property
    def phrases(self) -> Mapping[str, tuple[str, ...]]:
        """Every constant text of every dialplan, by the voice that will say it (empty: the server's)."""
        by_voice: dict[str, dict[str, None]] = {}
        for route in self.routes:
            by_voice.setdefault(route.voice, {}).update(dict.fromkeys(route.plan.phrases))
        return {voice: tuple(texts) for voice, texts in by_voice.items()}


class _Loading:
    def __init__(self, file: RouteFile, folders: Sequence[Path], generation: Generation) -> None:
        self._file = file
        self._folders = folders
        self._generation = generation
        self._plans: dict[str, LoadedPlan] = {}

    def routes(self, default: str | None) -> tuple[list[LoadedRoute], LoadedRoute]:
        written = self._file.routes
        loaded = [self._route(number) for number in range(len(written.route))]
        plan = self._plan(default or written.default, () if default else ("default",))
        return loaded, LoadedRoute(
            plan,
            settings=self._settings(plan, {}, ()),
            language=written.language,
            voice=written.voice,
            place=self._place(("default",)),
        )

    def _route(self, number: int) -> LoadedRoute:
        routes, place = self._file.routes, ("route", number)
        route = routes.route[number]
        plan = self._plan(route.dialplan, (*place, "dialplan"))
        return LoadedRoute(
            plan,
            route.name or route.dialplan,
            self._settings(plan, route.settings, place),
            route.language or routes.language,
            route.voice or routes.voice,
            self._place(place),
        )

    def _plan(self, name: str, place: Place) -> LoadedPlan:
        if name not in self._plans:
            if place and not any((folder / f"{name}.py").is_file() for folder in self._folders):
                folders = ", ".join(map(str, self._folders))
                raise self._file.error(place, f"there is no dialplan {name!r} in {folders}")
            self._plans[name] = load_plan(name, self._folders, self._generation)
        return self._plans[name]

    def _settings(self, plan: LoadedPlan, own: Mapping[str, Any], place: Place) -> Mapping[str, Any]:
        try:
            return settings_of(plan.settings, own, self._file.routes.settings)
        except Misfit as misfit:
            above = () if misfit.inherited else place
            raise self._file.error((*above, "settings", *misfit.place), misfit.message) from misfit

    def _place(self, place: Place) -> str:
        return f"{self._file.path}:{self._file.lines.get(place, 1)}"


def _find(folders: Sequence[Path]) -> RouteFile:
    for folder in folders:
        if (folder / ROUTES).is_file():
            return read_routes(folder / ROUTES)
    raise ConfigError(f"there is no {ROUTES} in {', '.join(str(folder) for folder in folders)}")
