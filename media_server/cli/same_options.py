"""A command that takes the options of another one and hands them on: what is added there is here too, listed once."""

import inspect
from collections.abc import Callable, Collection
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def with_options_of(command: Callable[..., Any], *, but: Collection[str]) -> Callable[[F], F]:
    """Give a function with `**options` the options of `command`, except for those that it sets itself (`but`)."""

    def give(function: F) -> F:
        own = [each for each in inspect.signature(function).parameters.values() if each.kind is not each.VAR_KEYWORD]
        theirs = [each for name, each in inspect.signature(command).parameters.items() if name not in but]
        parameters = [*own, *theirs]
        function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        function.__annotations__ = {each.name: each.annotation for each in parameters}
        return function

    return give
