"""The sections of the settings: each part of the server gets only the one that is its own.

Every leaf has a default; a description says what its name does not.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, IPvAnyAddress, SecretStr, model_validator

from media_server.protocol.destination import pattern
from media_server.telemetry.cors import origin

Patience = Literal["quick", "normal", "patient"]
Secret = Annotated[SecretStr, Field(min_length=1)]
Pattern = Annotated[str, AfterValidator(pattern)]
Origin = Annotated[str, AfterValidator(origin)]
Folder = Annotated[Path, AfterValidator(Path.expanduser)]
File = Folder


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


class WebRtcSettings(_Section):
    """Calls of browsers over UDP."""

    addresses: tuple[IPvAnyAddress, ...] = Field(
        (),
        max_length=8,
        description="of this machine, that browsers may reach; by default all, or the loopback's alone",
    )
    first_port: int = Field(0, ge=0, le=65535, description="with last_port: the UDP ports that are used; 0: any")
    last_port: int = Field(0, ge=0, le=65535)
    stun_url: str | None = Field(
        None, pattern=r"^stun:[^?/@ ]+$", description="stun:host:port, which tells us our public address"
    )
    turn_url: str | None = Field(
        None, pattern=r"^turns?:[^/@ ]+$", description="turn:host:port, a relay for those whom UDP does not reach"
    )
    turn_username: str = ""
    turn_password: Secret | None = None
    setup_s: float = Field(15.0, gt=0, le=60, description="how long a browser may take to connect")
    media_timeout_s: float = Field(15.0, gt=0)

    @model_validator(mode="after")
    def _whole(self) -> "WebRtcSettings":
        if (self.first_port == 0) != (self.last_port == 0) or self.first_port > self.last_port:
            raise ValueError("first_port and last_port belong together, the lower one first")
        if self.turn_url is not None and (not self.turn_username or self.turn_password is None):
            raise ValueError("turn_url wants turn_username and turn_password, too")
        return self


class WebSettings(_Section):
    """The page, and calls of browsers."""

    allowed_origins: tuple[Origin, ...] = Field(
        (), max_length=100, description="of pages elsewhere that may call: https://www.example.com; by default none"
    )


class InstancesSettings(_Section):
    """How many processes of an engine there are on this machine; they share its cores."""

    asr: int = Field(1, ge=1, le=32)
    tts: int = Field(1, ge=1, le=32)
