"""Tools that are HTTP requests, from a route's settings, without code.

::

    [[route.settings.tool]]
    name = "order_status"
    description = "Where an order is."
    url = "https://shop.example/orders/{order}"
    headers = { Authorization = "Bearer ${SHOP_KEY}" }     # ${...}: an environment variable
    [route.settings.tool.parameters.order]
    type = "string"
    description = "The six digits on the receipt."
    pattern = "^[0-9]{6}$"

An argument fills its `{placeholder}`, percent-encoded, so it can name one part of a path or a query and no more: the
host and the rest of the URL are the operator's. The others go into the query, or, with POST, PUT and PATCH, into a JSON
body. The answer must be text or JSON.
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote, urlencode, urlsplit

import re2
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from media_server.dialplan.agent.llm import checked_url
from media_server.errors import ConfigError, ToolError

if TYPE_CHECKING:
    from media_server.dialplan.agent.pool import AgentPool
    from media_server.dialplan.call import Call

MAX_TOOLS = 32
MAX_ARGUMENT = 2000
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_SECRET = re.compile(r"\$\{(\w+)\}")
_OK = range(200, 300)
_TEXT = ("text/", "application/json", "application/problem+json")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def _pattern(pattern: str) -> str:
    try:
        re2.compile(pattern)
    except re2.error as error:
        raise ValueError(f"no regular expression: {error}") from error
    return pattern


class Parameter(BaseModel):
    """What the model is to give: a part of JSON schema."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["string", "integer", "number", "boolean"] = "string"
    description: str = ""
    enum: tuple[str | int | float, ...] = ()
    pattern: Annotated[str, AfterValidator(_pattern)] = ""
    required: bool = True

    @property
    def told(self) -> dict[str, Any]:
        """For the model."""
        wanted = self.model_dump(exclude={"required"}, exclude_defaults=True)
        return {"type": self.type, **wanted}

    def check(self, name: str, value: object) -> None:
        """Whether a value is one.

        Raises:
            ToolError: It is none.
        """
        kinds: dict[str, tuple[type, ...]] = {
            "string": (str,),
            "integer": (int,),
            "number": (int, float),
            "boolean": (bool,),
        }
        fits = isinstance(value, kinds[self.type]) and isinstance(value, bool) == (self.type == "boolean")
        if not fits or len(str(value)) > MAX_ARGUMENT:
            raise ToolError(f"{name} must be a {self.type}")
        if self.enum and value not in self.enum:
            raise ToolError(f"{name} must be one of {', '.join(map(str, self.enum))}")
        if self.pattern and re2.search(self.pattern, str(value)) is None:
            raise ToolError(f"{name} does not fit {self.pattern}: ask the caller for it again")


def _flat(parameters: object) -> object:
    """A JSON schema of an object is taken too."""
    if not isinstance(parameters, dict) or not isinstance(properties := parameters.get("properties"), dict):
        return parameters
    required = parameters.get("required", ())
    return {
        name: {**each, "required": name in required} if isinstance(each, dict) else each
        for name, each in properties.items()
    }


class HttpToolTable(BaseModel):
    """One such tool, as it is written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    description: str = Field(min_length=1, max_length=2000)
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    url: str
    parameters: Annotated[dict[str, Parameter], BeforeValidator(_flat)] = {}
    headers: dict[str, str] = {}
    filler: str = ""
    timeout_s: float = Field(6.0, gt=0, le=30)

    @model_validator(mode="after")
    def _fits(self) -> "HttpToolTable":
        checked_url(_PLACEHOLDER.sub("x", self.url))
        if "{" in urlsplit(self.url).netloc:
            raise ValueError("the host of a tool's URL stands fast: no {placeholder} there")
        placed = _PLACEHOLDER.findall(self.url)
        if unknown := set(placed) - set(self.parameters):
            raise ValueError(f"the URL has {{{unknown.pop()}}}, which is no parameter")
        if any(not self.parameters[name].required for name in placed):
            raise ValueError("what stands in the URL is required")
        return self


@dataclass(frozen=True, slots=True)
class HttpTool:
    """One such tool. `headers` holds secrets, so it is not shown."""

    table: HttpToolTable
    headers: Mapping[str, str] = field(repr=False)

    @property
    def name(self) -> str:
        """From the settings."""
        return self.table.name

    @property
    def description(self) -> str:
        """From the settings."""
        return self.table.description

    @property
    def parameters(self) -> Mapping[str, Any]:
        """As a JSON schema."""
        parameters = self.table.parameters
        return {
            "type": "object",
            "properties": {name: each.told for name, each in parameters.items()},
            "required": [name for name, each in parameters.items() if each.required],
        }

    @property
    def filler(self) -> str:
        """From the settings."""
        return self.table.filler

    @property
    def timeout_s(self) -> float:
        """From the settings."""
        return self.table.timeout_s

    @property
    def effect(self) -> bool:
        """All but GET change something."""
        return self.table.method != "GET"

    async def run(self, call: "Call", arguments: Mapping[str, Any], pool: "AgentPool") -> object:  # noqa: ARG002
        """Send the request; returns the text of the answer.

        Raises:
            ToolError: The arguments do not fit, or the answer is of no use.
        """
        url, body = self._request(self._values(arguments))
        headers = dict(self.headers)
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        answer = await pool.fetch(self.table.method, url, headers=headers, body=body, timeout_s=self.timeout_s)
        if answer.status not in _OK:
            raise ToolError(f"the service answered with status {answer.status}")
        if answer.body and not answer.content_type.startswith(_TEXT):
            raise ToolError("the service answered with something that is no text")
        return answer.body.decode("utf-8", "replace")

    def _values(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        parameters = self.table.parameters
        if unknown := set(arguments) - set(parameters):
            raise ToolError(f"there is no argument {min(unknown)[:64]}")
        values = {name: value for name, value in arguments.items() if value is not None}
        for name, parameter in parameters.items():
            if name in values:
                parameter.check(name, values[name])
            elif parameter.required:
                raise ToolError(f"{name} is missing")
        return values

    def _request(self, values: Mapping[str, Any]) -> tuple[str, bytes | None]:
        placed = set(_PLACEHOLDER.findall(self.table.url))
        url = _PLACEHOLDER.sub(lambda found: _part(found[1], values[found[1]]), self.table.url)
        others = {name: value for name, value in values.items() if name not in placed}
        if self.table.method in _WITH_BODY:
            return url, json.dumps(others).encode()
        if others:
            query = urlencode({name: _plain(value) for name, value in others.items()})
            url += ("&" if urlsplit(url).query else "?") + query
        return url, None


def _part(name: str, value: object) -> str:
    text = _plain(value)
    if not text.strip(".") or any(ord(character) < ord(" ") for character in text):
        raise ToolError(f"{name} is nothing that can be asked for")
    return quote(text, safe="")


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _with_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers, with what stands in the environment.

    Raises:
        ConfigError: It does not.
    """

    def value(found: re.Match[str]) -> str:
        if (secret := os.environ.get(found[1])) is None:
            raise ConfigError(f"tool: the variable {found[1]} is not set")
        return secret

    return {name: _SECRET.sub(value, text) for name, text in headers.items()}


def http_tools(settings: object) -> Sequence[HttpTool]:
    """The tools that a route's settings describe.

    Raises:
        ConfigError: One is described wrongly; the message shows the place.
    """
    if not isinstance(settings, Sequence) or isinstance(settings, str) or len(settings) > MAX_TOOLS:
        raise ConfigError(f"tool: it must be a list of at most {MAX_TOOLS} tables")
    tools = []
    for number, each in enumerate(settings):
        try:
            table = HttpToolTable.model_validate(each)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join([f"tool[{number}]", *(str(part) for part in first["loc"])])
            raise ConfigError(f"{place}: {first['msg']}") from None
        tools.append(HttpTool(table, _with_secrets(table.headers)))
    return tools
