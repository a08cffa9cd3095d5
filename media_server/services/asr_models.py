"""The models that the settings name, from where they are kept."""

from pathlib import Path

from engines import cores
from engines.asr.faster_whisper import MEASURED_CONTEXTS_S, WhisperEngine
from engines.asr.models import AsrModels
from engines.models import locate
from engines.ports import Listening
from engines.turn.silero import SileroVad
from engines.turn.smart_turn import SmartTurn
from media_server.config import Settings
from media_server.errors import PeerError


def workers(settings: Settings) -> int:
    """How many decodes may run at once: a GPU has one owner, which takes several segments in one go."""
    return settings.asr.workers or (1 if settings.asr.device == "cuda" else cores.share(settings.instances.asr))


def load_asr_models(settings: Settings, contexts_s: tuple[float, ...] | None = None) -> AsrModels:
    """Load them; takes seconds. `contexts_s`: the recogniser's, in place of those of the settings.

    Raises:
        engines.errors.ModelError: One is missing or corrupt.
    """

    def at(model: str) -> Path:
        return locate(model, settings.models_dir)

    whisper = at(settings.asr.model)
    recogniser = WhisperEngine(
        whisper,
        workers=workers(settings),
        contexts_s=_contexts_s(settings, whisper) if contexts_s is None else contexts_s,
        device=settings.asr.device,
        compute_type=settings.asr.compute_type or ("float16" if settings.asr.device == "cuda" else "int8"),
    )
    return AsrModels(
        recogniser,
        SileroVad(at("silero-vad") / "silero_vad.onnx"),
        SmartTurn(at("smart-turn") / "smart-turn-v3.2-cpu.onnx"),
    )


def listening_for(models: AsrModels, language: str | None, *, words: bool, keyterms: tuple[str, ...]) -> Listening:
    """What to listen for; without a language it is found.

    Raises:
        PeerError: The model does not know the language.
    """
    if language is not None and language not in models.recogniser.languages:
        raise PeerError(f"language: this model does not know {language!r}")
    return Listening(language, words, keyterms)


def _contexts_s(settings: Settings, model: Path) -> tuple[float, ...]:
    return settings.asr.contexts_s or MEASURED_CONTEXTS_S.get(model.name, ())
