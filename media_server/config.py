"""The settings: one frozen tree, read once at start from defaults < TOML file < environment < command line.

Every leaf can be set by `MEDIA_SERVER_<NAME>` (sections joined by a double underscore, as
`MEDIA_SERVER_MEDIA__MAX_CALLS`). Parts of the server get only the section that is theirs.
"""

import ipaddress
import os
import tomllib
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from media_server.errors import ConfigError

Patience = Literal["quick", "normal", "patient"]


def _xdg(variable: str, fallback: str) -> Path:
    """A folder of the XDG base directory specification, for this program."""
    return Path(os.environ.get(variable) or Path.home() / fallback) / "media-server"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TwilioSettings(_Section):
    """The account that calls us."""

    auth_token: SecretStr | None = None
    media_timeout_initial_s: float = Field(30.0, gt=0)
    media_timeout_s: float = Field(15.0, gt=0)
    token_ttl_s: float = Field(60.0, gt=0, le=600)
    lead_ms: int = Field(200, ge=0, le=1000, description="how far ahead of real time audio is sent")


class MediaSettings(_Section):
    """Calls."""

    max_calls: int = Field(30, ge=1)
    max_call_s: float = Field(7200.0, gt=0)
    no_input_s: float = Field(8.0, ge=8)
    asr_urls: tuple[str, ...] = ()
    tts_urls: tuple[str, ...] = ()
    patience: Patience = "normal"
    language: str = "en"


class AsrSettings(_Section):
    """The recogniser."""

    max_sessions: int = Field(64, ge=1)
    model: str = "whisper-base"
    max_buffered_s: float = Field(30.0, gt=0)
    idle_timeout_s: float = Field(60.0, gt=0)
    workers: int | None = Field(None, ge=1, description="decodes at once; as many as there are cores by default")


class TtsSettings(_Section):
    """The voice."""

    max_sessions: int = Field(64, ge=1)
    voice: str = "piper-joe"
    idle_timeout_s: float = Field(3600.0, gt=0)
    workers: int | None = Field(None, ge=1, description="clauses made at once; as many as there are cores by default")


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix="MEDIA_SERVER_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    asr_port: int = Field(8001, ge=0, le=65535)
    tts_port: int = Field(8002, ge=0, le=65535)
    public_url: str | None = None
    api_key: SecretStr | None = None
    data_dir: Path = Field(default_factory=lambda: _xdg("XDG_DATA_HOME", ".local/share"))
    models_dir: Path = Field(default_factory=lambda: _xdg("XDG_CACHE_HOME", ".cache") / "models")
    dialplans: Path | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    media: MediaSettings = MediaSettings()
    twilio: TwilioSettings = TwilioSettings()
    asr: AsrSettings = AsrSettings()
    tts: TtsSettings = TtsSettings()

    @property
    def open_to_all(self) -> bool:
        """Neither a Twilio token nor an API key guards this server, so it serves this machine only."""
        return self.twilio.auth_token is None and self.api_key is None

    @property
    def base_url(self) -> str:
        """The address that callers reach us by, without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @model_validator(mode="after")
    def _guarded(self) -> "Settings":
        public_host = urlsplit(self.public_url).hostname if self.public_url else self.host
        if self.public_url and (public_host is None or urlsplit(self.public_url).scheme not in ("http", "https")):
            raise ValueError(f"public_url: {self.public_url!r} is no http:// or https:// address")
        for name, host in (("host", self.host), ("public_url", public_host)):
            if self.open_to_all and not is_loopback(host or ""):
                raise ValueError(
                    f"{name}: {host} can be reached from elsewhere, but neither twilio.auth_token nor api_key is set"
                )
        return self


def is_loopback(host: str) -> bool:
    """Whether a host (no port; IPv6 with or without brackets) is this machine."""
    host = host.strip("[]").lower()
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def load(config: Path | None = None, **overrides: object) -> Settings:
    """Read the settings; `overrides` are the command line's, in the tree's own shape.

    Raises:
        ConfigError: A file cannot be read, a key is unknown or a value does not fit; the message names its place.
    """
    values: dict[str, object] = {}
    if config is not None:
        try:
            values = tomllib.loads(config.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{config}: {error}") from error
    raise ConfigError("not yet")
