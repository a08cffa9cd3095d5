"""The models that the settings name, from where they are kept."""

from pathlib import Path

from engines import cores
from engines.asr.faster_whisper import MEASURED_CONTEXTS_S, WhisperEngine
from engines.asr.models import AsrModels
from engines.models import locate
from engines.turn.silero import SileroVad
from engines.turn.smart_turn import SmartTurn
from media_server.config import Settings


def workers(settings: Settings) -> int:
    """How many decodes may run at once."""
    return settings.asr.workers or cores.available()


def load_asr_models(settings: Settings) -> AsrModels:
    """Load them; takes seconds.

    Raises:
        engines.errors.ModelError: One is missing or corrupt.
    """

    def at(model: str) -> Path:
        return locate(model, settings.models_dir)

    whisper = at(settings.asr.model)
    return AsrModels(
        WhisperEngine(whisper, workers=workers(settings), contexts_s=MEASURED_CONTEXTS_S.get(whisper.name, ())),
        SileroVad(at("silero-vad") / "silero_vad.onnx"),
        SmartTurn(at("smart-turn") / "smart-turn-v3.2-cpu.onnx"),
    )
