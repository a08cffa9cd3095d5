"""The settings: one frozen tree, read once at start from defaults < TOML file < environment < command line.

Every leaf can be set by `MEDIA_SERVER_<NAME>` (sections joined by a double underscore, as
`MEDIA_SERVER_MEDIA__MAX_CALLS`; lists separated by commas; an empty variable counts as not set). Twilio's own names,
`TWILIO_AUTH_TOKEN` and `TWILIO_ACCOUNT_SID`, are understood too. Parts of the server get only the section that is
theirs.
"""

import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_core import PydanticCustomError, to_json

from media_server.errors import ConfigError
from media_server.instances import EngineName, port_of
from media_server.layered import KeyPath, Layers, flatten, leaves, option, spoken
from media_server.settings_sections import (
    AsrSettings,
    Folder,
    HooksSettings,
    InstancesSettings,
    LlmSettings,
    MediaSettings,
    RecordsSettings,
    Secret,
    TtsSettings,
    TwilioSettings,
    WebRtcSettings,
    WebSettings,
)
from media_server.telemetry.loopback import is_loopback

_PREFIX = "MEDIA_SERVER_"
_SECRETS: tuple[KeyPath, ...] = (
    ("api_key",),
    ("twilio", "auth_token"),
    ("twilio", "api_key_secret"),
    ("llm", "key"),
    ("webrtc", "turn_password"),
)
_TWILIO = {"TWILIO_AUTH_TOKEN": "auth_token", "TWILIO_ACCOUNT_SID": "account_sid"}
"""Variables by Twilio's own names."""
_LOOPBACK = "127.0.0.1"


def _xdg(variable: str, fallback: str) -> Path:
    """A folder of the XDG base directory specification, for this program."""
    return Path(os.environ.get(variable) or Path.home() / fallback) / "media-server"


class Settings(BaseModel):
    """Everything that can be set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = _LOOPBACK
    port: int = Field(8000, ge=0, le=65535)
    asr_port: int = Field(8001, ge=0, le=65535)
    tts_port: int = Field(8002, ge=0, le=65535)
    public_url: str | None = None
    api_key: Secret | None = None
    data_dir: Folder = Field(default_factory=lambda: _xdg("XDG_DATA_HOME", ".local/share"))
    models_dir: Folder = Field(default_factory=lambda: _xdg("XDG_CACHE_HOME", ".cache") / "models")
    dialplans: Folder | None = None
    dialplan: str | None = Field(
        None,
        pattern=r"^[a-z][a-z0-9_]{0,63}$",
        description="what answers where no route fits, instead of their default",
    )
    develop: bool = Field(False, description="show the messages of errors in dialplans on the terminal")
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    media: MediaSettings = MediaSettings()
    twilio: TwilioSettings = TwilioSettings()
    asr: AsrSettings = AsrSettings()
    tts: TtsSettings = TtsSettings()
    hooks: HooksSettings = HooksSettings()
    llm: LlmSettings = LlmSettings()
    instances: InstancesSettings = InstancesSettings()
    records: RecordsSettings = RecordsSettings()
    webrtc: WebRtcSettings = WebRtcSettings()
    web: WebSettings = WebSettings()

    @property
    def records_calls(self) -> bool:
        """Whether the sound of calls is kept."""
        return self.open_to_all if self.records.recording == "auto" else self.records.recording == "on"

    @property
    def open_to_all(self) -> bool:
        """Neither a Twilio token nor an API key guards this server, so it serves this machine only."""
        return self.twilio.auth_token is None and self.api_key is None

    @property
    def engine_host(self) -> str:
        """Where the asr and tts roles listen: only a key lets them be reached from elsewhere."""
        return self.host if self.api_key is not None else _LOOPBACK

    def engine_urls(self, role: EngineName) -> tuple[str, ...]:
        """The engines of a kind: those elsewhere that the settings name, or else those of this machine."""
        elsewhere = self.media.asr_urls if role == "asr" else self.media.tts_urls
        first = self.asr_port if role == "asr" else self.tts_port
        numbers = range(1, getattr(self.instances, role) + 1)
        return elsewhere or tuple(f"http://{authority(self.engine_host, port_of(first, n))}" for n in numbers)

    @property
    def base_url(self) -> str:
        """The address that callers reach us by, without a trailing slash."""
        return (self.public_url or f"http://{authority(self.host, self.port)}").rstrip("/")

    @model_validator(mode="after")
    def _guarded(self) -> "Settings":
        hosts = {"host": self.host}
        if self.public_url is not None:
            hosts["public_url"] = _host_of(self.public_url)
        for setting, host in hosts.items():
            if self.open_to_all and not is_loopback(host):
                raise PydanticCustomError(
                    "unguarded",
                    "{host} can be reached from elsewhere, but neither twilio.auth_token nor api_key is set",
                    {"setting": setting, "host": host},
                )
        return self


def authority(host: str, port: int) -> str:
    """`host:port` for an address; a host that stands for all of this machine's is reached by its loopback."""
    if host in ("", "0.0.0.0"):  # noqa: S104 - read, not bound
        host = _LOOPBACK
    elif host == "::":
        host = "::1"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def load(config: Path | None = None, environ: Mapping[str, str] = os.environ, /, **overrides: object) -> Settings:
    """Read the settings; `overrides` are the command line's, in the tree's own shape.

    Raises:
        ConfigError: A file cannot be read, a key is unknown or a value does not fit; a line for each, with its place.
    """
    layers = Layers()
    kinds = dict(leaves(Settings))
    if config is not None:
        for path, value in flatten(_read_toml(config)):
            layers.say(path, value, f"{config}: {'.'.join(path)}")
    for variable, name in _TWILIO.items():
        if environ.get(variable):
            layers.say(("twilio", name), environ[variable], variable)
    for path, value, name in spoken(environ, _PREFIX, kinds):
        layers.say(path, value, name)
    for path, value in flatten(overrides):
        layers.say(path, value, option(path, kinds.get(path)))
    try:
        return Settings.model_validate(layers.values)
    except ValidationError as error:
        raise ConfigError("\n".join(layers.complaints(error, Settings))) from None


def exposed_secrets(config: Path) -> str | None:
    """A warning, if the file holds secrets and everybody on this machine may read it.

    Raises:
        ConfigError: It cannot be read.
    """
    said = {path for path, _ in flatten(_read_toml(config))}
    if said.isdisjoint(_SECRETS) or not config.stat().st_mode & stat.S_IROTH:
        return None
    return f"{config}: it holds secrets, and everybody on this machine may read it (chmod o-r)"


def serialize(settings: Settings) -> str:
    """All settings as JSON, secrets readable: for the control pipe of a role, never for a log or an argument."""
    return to_json(_revealed(settings.model_dump())).decode()


def parse(text: str) -> Settings:
    """What `serialize` made.

    Raises:
        ConfigError: It is none.
    """
    try:
        return Settings.model_validate_json(text)
    except ValidationError as error:
        raise ConfigError("\n".join(Layers().complaints(error, Settings))) from None


def _revealed(value: object) -> object:
    if isinstance(value, dict):
        return {name: _revealed(inner) for name, inner in value.items()}
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _read_toml(config: Path) -> dict[str, object]:
    try:
        return tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{config}: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError(f"{config}: {error}") from error


def _host_of(public_url: str) -> str:
    try:
        parts = urlsplit(public_url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment:
        raise PydanticCustomError("public_url", "it must be an http:// or https:// address", {"setting": "public_url"})
    return parts.hostname or ""
