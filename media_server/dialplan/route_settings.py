"""The settings of a route, against the model that its dialplan declares. Pure.

A dialplan may have a class `Settings`, of pydantic's or a dataclass. Then each route to it must give what the class
wants: values come as its types, what is left out has its defaults, and a key that it does not know is an error where
the route gives it. What all routes inherit (`[settings]` at the top of the file) may be for another dialplan.
"""

import dataclasses
from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from media_server.dialplan.toml_lines import Place
from media_server.errors import ConfigError


class Misfit(ConfigError):
    """`place`: which key of the route's (empty: the route lacks one); without it, of those that it inherits."""

    def __init__(self, message: str, place: Place, *, inherited: bool) -> None:
        super().__init__(message)
        self.place = place
        self.inherited = inherited


def settings_of(
    model: type | None, own: Mapping[str, Any], inherited: Mapping[str, Any] = MappingProxyType({})
) -> Mapping[str, Any]:
    """What `call.settings` is.

    Raises:
        Misfit: They are not what the model wants.
    """
    if model is None:
        return MappingProxyType({**inherited, **own})
    known, any_key = _keys(model)
    if not any_key:
        for key in own:
            if key not in known:
                close = get_close_matches(key, known, n=1)
                hint = f" (did you mean {close[0]}?)" if close else ""
                raise Misfit(f"there is no such setting{hint}", (key,), inherited=False)
    given = {key: value for key, value in inherited.items() if any_key or key in known} | dict(own)
    try:
        made: Any = TypeAdapter(model).validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = first["loc"]
        message = "it is missing" if first["type"] == "missing" else first["msg"].removeprefix("Value error, ")
        is_inherited = bool(place) and str(place[0]) in inherited and str(place[0]) not in own
        raise Misfit(message, place, inherited=is_inherited) from None
    if isinstance(made, BaseModel):
        return MappingProxyType({**dict(made), **(made.model_extra or {})})
    return MappingProxyType({each.name: getattr(made, each.name) for each in dataclasses.fields(made)})


def _keys(model: type) -> tuple[set[str], bool]:
    """The keys that a model knows, and whether it takes any other."""
    if issubclass(model, BaseModel):
        aliases = {field.alias for field in model.model_fields.values() if field.alias}
        return {*model.model_fields, *aliases}, model.model_config.get("extra") == "allow"
    fields: Mapping[str, dataclasses.Field[Any]] = getattr(model, "__dataclass_fields__", {})
    return {name for name, field in fields.items() if field.init}, False
