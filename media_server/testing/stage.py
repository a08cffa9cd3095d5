"""What a dialplan needs to run without a phone and without models."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from media_server.call.authors_line import place_of
from media_server.call.conversation import Conversation, Plan, Speech
from media_server.call.phrases import OWN_PHRASES, Phrases
from media_server.call.record import CallRecord
from media_server.dialplan.call import Call
from media_server.dialplan.loader import LoadedPlan, load_plan
from media_server.errors import ConfigError
from media_server.hooks.http import HookHttp
from media_server.protocol.asr_stream import AsrQuery, Patience
from media_server.protocol.tts_stream import TtsQuery
from media_server.speech.engine_stream import EngineStreams
from media_server.testing.guard import TestersGuard

Dialplan = Callable[[Call], Awaitable[None]]
CALL_ID = "0" * 32


def load(dialplan: str | Path | Dialplan, folders: Sequence[Path]) -> LoadedPlan:
    """A dialplan by its file, looked for in these folders, or a function that is one.

    Raises:
        ConfigError: There is no such file, or it is broken (with file and line).
    """
    if not isinstance(dialplan, str | Path):
        return LoadedPlan(getattr(dialplan, "__name__", "dialplan"), dialplan, ())
    for folder in folders:
        path = (folder / dialplan).resolve()
        if path.is_file():
            return load_plan(path.stem, [path.parent])
    raise ConfigError(f"there is no {dialplan} in {', '.join(str(folder) for folder in folders)}")


@dataclass(slots=True)
class Performance:
    """One run of a dialplan.

    Attributes:
        http: What `call.http` and webhooks ask with: the public internet, and servers on this machine.
        error: What the dialplan raised, if anything.
    """

    loaded: LoadedPlan
    http: HookHttp = field(default_factory=lambda: HookHttp(TestersGuard()))
    error: Exception | None = None

    @property
    def plan(self) -> Plan:
        """What a conversation runs."""

        async def perform(conversation: Conversation) -> None:
            try:
                await self.loaded.plan(Call(conversation, self.http))
            except Exception as error:
                self.error = error
                raise

        return perform

    def failure(self, record: CallRecord) -> str:
        """What went wrong on the call, with the file and line of the dialplan's own; empty where nothing did."""
        if record.error is None or self.error is None:
            return record.error or ""
        path = self.loaded.path or Path(self.loaded.plan.__code__.co_filename)
        place = place_of(self.error, [path.parent]) or str(path)
        return f"{place}: {type(self.error).__name__}: {self.error}"


async def speech_of(
    asr: EngineStreams,
    tts: EngineStreams,
    *,
    making: EngineStreams,
    phrases: Sequence[str],
    language: str = "",
    patience: Patience = "normal",
    no_input_s: float = 8.0,
    allowed_destinations: tuple[str, ...] = (),
) -> Speech:
    """Engines and limits as the media role's defaults are, with the phrases made (by `making`)."""
    made = Phrases(TtsQuery(sample_rate=8000))
    await made.make(making, [*OWN_PHRASES, *phrases])
    query = AsrQuery(sample_rate=8000, language=language or "en", patience=patience, turn_detection="smart_turn")
    return Speech(
        asr,
        tts,
        made,
        query,
        no_input_s=no_input_s,
        max_call_s=7200.0,
        engine_gone_s=5.0,
        allowed_destinations=allowed_destinations,
    )
