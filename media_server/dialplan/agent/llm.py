"""Which language model to ask, and how long to wait for it: from a route's settings, or the server's.

A URL alone will do (`llm = "http://127.0.0.1:11434/v1"`), or a table::

    [route.settings.llm]
    url = "https://api.anthropic.com/v1"
    model = "claude-haiku-4-5"
    key_env = "ANTHROPIC_API_KEY"     # the variable that holds the key; or `key`
    temperature = 0.3
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from media_server.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Llm:
    """A model behind an OpenAI-compatible chat API.

    Attributes:
        url: The API's base, to which `/chat/completions` is added.
        model: Its name there; empty: the first that the API lists.
        key: Sent as a bearer token; a secret, so it is not shown.
        temperature: How free it is; None leaves that to the API.
        max_tokens: The longest answer; None leaves that to the agent.
        connect_s: How long a connection may take.
        first_token_s: How long it may think before the first word, counted from the request.
        between_tokens_s: How long it may stop in the middle.
        total_s: How long one answer may take.
        extra: More fields of the request, as an API may want them.
    """

    url: str
    model: str = ""
    key: str = field(default="", repr=False)
    temperature: float | None = None
    max_tokens: int | None = None
    connect_s: float = 3.0
    first_token_s: float = 6.0
    between_tokens_s: float = 4.0
    total_s: float = 60.0
    extra: Mapping[str, Any] = field(default_factory=dict)


def checked_url(url: str) -> str:
    """An address that a request may go to, without a slash at its end.

    Raises:
        ValueError: It is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError("it must be an http:// or https:// address, without a password in it")
    _ = parts.port  # raises when it is none
    return url.rstrip("/").removesuffix("/chat/completions")


class LlmTable(BaseModel):
    """The table, as it is written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, AfterValidator(checked_url)]
    model: str = Field("", max_length=200)
    key: SecretStr | None = None
    key_env: str = Field("", description="the environment variable that holds the key")
    temperature: float | None = Field(None, ge=0, le=2)
    max_tokens: int | None = Field(None, ge=1, le=8192)
    connect_s: float = Field(3.0, gt=0, le=30)
    first_token_s: float = Field(6.0, gt=0, le=60)
    between_tokens_s: float = Field(4.0, gt=0, le=60)
    total_s: float = Field(60.0, gt=0, le=300)
    extra: dict[str, Any] = {}


def llm_of(setting: object) -> Llm:
    """The model that a setting names: a URL, a table, or an `Llm`.

    Raises:
        ConfigError: It names none; the message shows the place, and never a key.
    """
    if isinstance(setting, Llm):
        return setting
    try:
        table = LlmTable.model_validate({"url": setting} if isinstance(setting, str) else setting)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(["llm", *(str(part) for part in first["loc"])])
        raise ConfigError(f"{place}: {first['msg']}") from None
    key = table.key.get_secret_value() if table.key is not None else ""
    if table.key_env and not key:
        key = os.environ.get(table.key_env, "")
        if not key:
            raise ConfigError(f"llm.key_env: the variable {table.key_env} is not set")
    values = table.model_dump(exclude={"key", "key_env"})
    return Llm(**values, key=key)
