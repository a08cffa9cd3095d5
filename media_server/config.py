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
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_core import PydanticCustomError, to_json

from media_server.errors import ConfigError
from media_server.instances import EngineName, port_of
from media_server.layered import KeyPath, Layers, flatten, leaves, option, spoken
from media_server.protocol.destination import pattern
from media_server.telemetry.loopback import is_loopback

Patience = Literal["quick", "normal", "patient"]
Secret = Annotated[SecretStr, Field(min_length=1)]
Pattern = Annotated[str, AfterValidator(pattern)]
Folder = Annotated[Path, AfterValidator(Path.expanduser)]
File = Folder

_PREFIX = "MEDIA_SERVER_"
_SECRETS: tuple[KeyPath, ...] = (
    ("api_key",),
    ("twilio", "auth_token"),
    ("twilio", "api_key_secret"),
    ("llm", "key"),
)
_TWILIO = {"TWILIO_AUTH_TOKEN": "auth_token", "TWILIO_ACCOUNT_SID": "account_sid"}
"""Variables by Twilio's own names."""
_LOOPBACK = "127.0.0.1"


def _xdg(variable: str, fallback: str) -> Path:
    """A folder of the XDG base directory specification, for this program."""
    return Path(os.environ.get(variable) or Path.home() / fallback) / "media-server"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TwilioSettings(_Section):
    """The account that calls us, and by which we call."""

    auth_token: Secret | None = None
    account_sid: str | None = Field(None, pattern=r"^AC[0-9a-fA-F]{32}$")
    api_key_sid: str | None = Field(None, pattern=r"^SK[0-9a-fA-F]{32}$", description="instead of the token, for REST")
    api_key_secret: Secret | None = None
    api_url: str = Field("https://api.twilio.com", pattern=r"^https?://[^/?#]+$")
    from_number: str | None = Field(None, pattern=r"^\+[1-9][0-9]{6,14}$", description="the number that we call from")
    allowed_destinations: tuple[Pattern, ...] = Field(
        (),
        description="where calls may go: +15550100, +1555*, sip:desk@example.com, sip:*@example.com; by default none",
    )
    calls_per_s: float = Field(1.0, gt=0, le=100, description="calls of ours that are begun in a second")

    @property
    def login(self) -> tuple[str, str, str] | None:
        """Account, user and password of the REST API: a key and its secret, or the account and its token."""
        secret = self.api_key_secret if self.api_key_sid else self.auth_token
        if self.account_sid is None or secret is None:
            return None
        return self.account_sid, self.api_key_sid or self.account_sid, secret.get_secret_value()

    media_timeout_initial_s: float = Field(30.0, gt=0)
    media_timeout_s: float = Field(15.0, gt=0)
    token_ttl_s: float = Field(60.0, gt=0, le=600)
    lead_ms: int = Field(200, ge=0, le=1000, description="how far ahead of real time audio is sent")


class MediaSettings(_Section):
    """Calls."""

    max_calls: int = Field(30, ge=1)
    max_call_s: float = Field(7200.0, gt=0)
    no_input_s: float = Field(8.0, ge=8)
    engine_gone_s: float = Field(8.0, gt=0, description="without an engine for so long, a call ends with an apology")
    drain_timeout_s: float = Field(30.0, ge=0, description="how long live calls may go on when the server is to end")
    max_queue_wait_ms: float = Field(250.0, gt=0, description="engines whose jobs wait longer get no new calls")
    asr_urls: tuple[str, ...] = Field((), description="ws://host:port of recognisers elsewhere")
    tts_urls: tuple[str, ...] = Field((), description="ws://host:port of synthesisers elsewhere")
    patience: Patience = "normal"
    language: str = "en"


class AsrSettings(_Section):
    """The recogniser."""

    max_sessions: int | None = Field(None, ge=1, description="by default, what the machine is measured to carry")
    model: str = Field("whisper-base", description="a model's id, or the path of a folder with one")
    max_buffered_s: float = Field(30.0, gt=0)
    idle_timeout_s: float = Field(60.0, gt=0)
    device: Literal["cpu", "cuda"] = "cpu"
    contexts_s: tuple[float, ...] = Field(
        (), description="the least audio contexts to try, as `eval` advises; by default those measured for the model"
    )
    compute_type: str | None = Field(None, description="CTranslate2's; int8 on a CPU, float16 on a GPU by default")
    workers: int | None = Field(
        None, ge=1, description="decodes at once; by default one a core that is ours, one on a GPU"
    )
    together: int | None = Field(None, ge=1, description="segments decoded in one go; by default 4, on a GPU 8")
    max_queue_wait_ms: float = Field(1000.0, gt=0, description="new sessions are refused while jobs wait longer")
    max_files: int = Field(4, ge=1, description="recordings that are transcribed at once")
    max_file_bytes: int = Field(1 << 30, ge=1)
    max_file_s: float = Field(4 * 3600.0, gt=0, description="the longest recording")


class TtsSettings(_Section):
    """The voice."""

    max_sessions: int = Field(64, ge=1)
    voice: str = Field("piper-joe", description="a voice's id, or the path of a folder with one")
    idle_timeout_s: float = Field(3600.0, gt=0)
    max_queue_wait_ms: float = Field(1000.0, gt=0, description="new sessions are refused while jobs wait longer")
    workers: int | None = Field(
        None, ge=1, description="clauses made at once; by default one a core that is ours, with Chatterbox one in all"
    )
    cache_bytes: int = Field(256 << 20, ge=0, description="of clauses kept on disk, in data_dir; 0: none are kept")
    max_voices: int = Field(100, ge=0, description="cloned voices that are kept")
    pronounce: File | None = Field(None, description="a TOML file: how voices are to say words")
    device: Literal["cpu", "cuda"] = Field("cpu", description="where Chatterbox computes; Piper needs no GPU")
    python: Folder | None = Field(
        None, description="the interpreter of another environment for the tts role, as Chatterbox needs one"
    )


class RecordsSettings(_Section):
    """What is kept of calls."""

    keep_days: int = Field(30, ge=1, le=36500, description="after so long a call's record and recording are deleted")
    recording: Literal["auto", "on", "off"] = Field(
        "auto", description="whether calls are recorded; auto: where this server serves its own machine only"
    )
    consent: str = Field("", max_length=1000, description="what a caller is told before a recording begins")


class HooksSettings(_Section):
    """HTTP to elsewhere on behalf of calls."""

    allow_hosts: tuple[str, ...] = Field(
        (),
        description="what may be asked beside the public internet's web ports: name[:port], address or network[:port]",
    )


class LlmSettings(_Section):
    """The language model of agents whose route names none."""

    url: str | None = Field(None, description="the base of an OpenAI-compatible chat API, as http://127.0.0.1:11434/v1")
    model: str = Field("", description="its name there; by default the first that the API lists")
    key: Secret | None = None
    connect_s: float = Field(3.0, gt=0, le=30)
    first_token_s: float = Field(6.0, gt=0, le=60, description="how long it may think before its first word")
    between_tokens_s: float = Field(4.0, gt=0, le=60)
    total_s: float = Field(60.0, gt=0, le=300)


class InstancesSettings(_Section):
    """How many processes of an engine there are on this machine; they share its cores."""

    asr: int = Field(1, ge=1, le=32)
    tts: int = Field(1, ge=1, le=32)


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
