"""Settings in layers: later ones win, and every value remembers where it was said. Pure.

So that whoever mistyped a key is told the file, variable or option in which it stands, not a path in our tree.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, get_origin

from pydantic import BaseModel, ValidationError

KeyPath: TypeAlias = tuple[str, ...]
"""A setting's place in the tree: ("media", "max_calls")."""


@dataclass(slots=True)
class Layers:
    """What was said so far, and where."""

    values: dict[str, object] = field(default_factory=dict)
    places: dict[KeyPath, str] = field(default_factory=dict)

    def say(self, path: KeyPath, value: object, place: str) -> None:
        """Set one value; `place` is what an error about it will name."""
        section = self.values
        for depth, name in enumerate(path[:-1], start=1):
            inner = section.setdefault(name, {})
            if not isinstance(inner, dict):
                return  # a value stands where a section belongs, and that error comes first
            section = inner
            self.places.setdefault(path[:depth], place)
        section[path[-1]] = value
        self.places[path] = place

    def complaints(self, error: ValidationError, tree: type[BaseModel]) -> Iterator[str]:
        """A line for each thing that does not fit, without the value (it may be a secret)."""
        for detail in error.errors(include_url=False, include_input=False):
            # A check over several settings has no place of its own: it says in its context which one is to blame.
            blamed = detail.get("ctx", {}).get("setting")
            path = (blamed,) if isinstance(blamed, str) else tuple(str(part) for part in detail["loc"])
            message = detail["msg"]
            if detail["type"] == "extra_forbidden":
                message = "there is no such setting" + _suggestion(path, tree)
            yield f"{self._place(path)}: {message}"

    def _place(self, path: KeyPath) -> str:
        for length in range(len(path), 0, -1):
            if (place := self.places.get(path[:length])) is not None:
                return place
        return ".".join(path)


def leaves(tree: type[BaseModel], above: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    """Every setting of a tree of models, with its type."""
    for name, info in tree.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from leaves(kind, (*above, name))
        else:
            yield (*above, name), kind


def flatten(values: Mapping[str, object], above: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    """The values of nested tables, each with its path; an empty table is a value."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from flatten(value, (*above, name))
        else:
            yield (*above, name), value


def spoken(
    environ: Mapping[str, str], prefix: str, kinds: Mapping[KeyPath, object]
) -> Iterator[tuple[KeyPath, object, str]]:
    """The settings that variables with this prefix name, and the variables; an empty one says nothing."""
    for name, text in environ.items():
        if name.startswith(prefix) and text:
            path = tuple(name.removeprefix(prefix).lower().split("__"))
            yield (
                path,
                [part.strip() for part in text.split(",")] if get_origin(kinds.get(path)) is tuple else text,
                name,
            )


def option(path: KeyPath, kind: object) -> str:
    """The command line's option for a setting; one that may be repeated is named in the singular."""
    if path[0] == "instances":
        return "--instances"
    name = path[-1].removesuffix("s") if get_origin(kind) is tuple else path[-1]
    return f"--{name.replace('_', '-')}"


def _suggestion(path: KeyPath, tree: type[BaseModel]) -> str:
    known = [".".join(leaf) for leaf, _ in leaves(tree)]
    close = difflib.get_close_matches(".".join(path), known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""
