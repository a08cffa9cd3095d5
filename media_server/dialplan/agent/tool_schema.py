"""A function's signature and docstring as a JSON schema, and what a model gave as its arguments.

The docstring says what the tool is for, then what each argument is: "Where an order is. `order`: the six digits". An
argument whose annotation has a slot (`Annotated[str, Digits(6)]`) is what the slot makes of it.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema, create_model
from pydantic.errors import PydanticSchemaGenerationError

from media_server.dialplan.slots.slot import Missing, Slot, Value
from media_server.errors import ConfigError, ToolError

_NAMED = re.compile(r"`(\w+)`:\s*")
_JSON_TYPES = {int: "integer", float: "number", bool: "boolean"}
MAX_SPOKEN = 500
"""Characters of an argument that a slot is to read."""


@dataclass(frozen=True)
class Signature:
    """What a model is told of a function, and how its arguments are read."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    takes_call: bool
    model: type[BaseModel]
    slots: Mapping[str, Slot[Any]]

    def read(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The function's arguments.

        Raises:
            ToolError: They do not fit; the message is for the model.
        """
        try:
            read = self.model.model_validate(dict(arguments))
        except ValidationError as error:
            faults = error.errors(include_url=False, include_input=False)[:5]
            said = "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'arguments'}: {fault['msg']}" for fault in faults)
            raise ToolError(f"the arguments do not fit: {said}") from None
        values = {name: getattr(read, name) for name in self.model.model_fields}
        for name, slot in self.slots.items():
            if values[name] is not None:
                values[name] = _fill(name, slot, values[name])
        return values


def _fill(name: str, slot: Slot[Any], text: str) -> object:
    match slot.feed(text[:MAX_SPOKEN]):
        case Value(value=value):
            return value
        case Missing(reason=reason):
            raise ToolError(f"{name} does not fit ({reason.replace('_', ' ')}): ask the caller for it again")


def signature_of(function: Callable[..., Any]) -> Signature:
    """What a model is told of a function.

    Raises:
        ConfigError: An argument has no type, or one that no model can give.
    """
    name = getattr(function, "__name__", "tool")
    hints = get_type_hints(function, include_extras=True)
    parameters = list(inspect.signature(function).parameters.values())
    takes_call = bool(parameters) and (parameters[0].name == "call" or _is_call(hints.get(parameters[0].name)))
    parameters = parameters[1:] if takes_call else parameters
    description, told = _docstring(inspect.getdoc(function) or "", {each.name for each in parameters})
    fields: dict[str, Any] = {}
    slots: dict[str, Slot[Any]] = {}
    for each in parameters:
        if each.name not in hints or each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD, each.POSITIONAL_ONLY):
            raise ConfigError(f"tool {name}: {each.name} needs a type, and a name by which it can be given")
        kind, slot = _kind(hints[each.name])
        if slot is not None:
            slots[each.name] = slot
        default = ... if each.default is each.empty else each.default
        fields[each.name] = (kind, Field(default, description=told.get(each.name)))
    try:
        model = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
        schema = model.model_json_schema()
    except (PydanticSchemaGenerationError, ValueError) as error:
        raise ConfigError(f"tool {name}: {str(error).splitlines()[0]}") from error
    schema.pop("title", None)
    return Signature(name, description, schema, takes_call, model, slots)


def _is_call(hint: object) -> bool:
    return getattr(hint, "__name__", "") == "Call"


def _kind(hint: Any) -> tuple[Any, Slot[Any] | None]:
    """How an argument is read, and the slot that reads the rest."""
    if get_origin(hint) is not Annotated:
        return hint, None
    base, *metadata = get_args(hint)
    slot = next((each for each in metadata if hasattr(each, "feed") and hasattr(each, "spoken")), None)
    if slot is None:
        return hint, None
    optional = type(None) in get_args(base)
    schema = {"type": _JSON_TYPES.get(base, "string")}
    words = Annotated[str, BeforeValidator(_as_spoken), WithJsonSchema(schema)]
    return (words | None if optional else words), cast("Slot[Any]", slot)


def _as_spoken(value: object) -> object:
    """What a slot reads is text: as the caller would say it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, int | float) else value


def _docstring(text: str, names: set[str]) -> tuple[str, dict[str, str]]:
    """What it is for, and what is said of each argument."""
    parts = _NAMED.split(text)
    description, told, current = parts[0], dict[str, str](), None
    for name, what in zip(parts[1::2], parts[2::2], strict=True):
        if name in names:
            current = name
            told[name] = what
        elif current is None:
            description += f"`{name}`: {what}"
        else:
            told[current] += f"`{name}`: {what}"
    return " ".join(description.split()), {name: " ".join(what.split()) for name, what in told.items()}
