"""Making and keeping voices: the engine that speaks with them and the store, in step. Blocks; for worker threads."""

from dataclasses import dataclass
from pathlib import Path

import structlog

from engines import models
from engines.ports import CloningTtsEngine, Samples, TtsEngine, VoiceActivityDetector, VoiceTensors
from engines.tts.cache import PhraseCache
from engines.tts.reference import speech_in
from engines.tts.voice_file import ClonedVoice
from engines.tts.voice_store import VoiceStore
from engines.turn.silero import SileroVad
from media_server.config import Settings
from media_server.errors import ConfigError

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is on disk of voices. An engine that does not clone may find those of another one."""

    store: VoiceStore
    phrases: PhraseCache | None

    def forget_phrases(self, voice: str) -> None:
        """Nothing is left of what was said in a voice."""
        if self.phrases is not None:
            self.phrases.forget_voice(voice)


@dataclass(frozen=True, slots=True)
class Cloning(Kept):
    """What a service that clones has besides its voice."""

    engine: CloningTtsEngine
    vad: VoiceActivityDetector

    def speech_in(self, reference: Samples, sample_rate: int) -> Samples:
        """What of a recording a voice is made of.

        Raises:
            InputError: The recording does not do; its `code` says why.
        """
        return speech_in(reference, sample_rate, self.vad)

    def keep(self, voice: ClonedVoice, tensors: VoiceTensors) -> None:
        """Speak with it from now on, also after a restart; or, where it cannot be kept, not at all.

        Raises:
            TooManyVoices: There is no place for another one.
            BrokenVoice: What was made is no voice.
            InputError: Likewise.
            OSError: It cannot be written.
        """
        self.engine.add_voice(voice.id, tensors)
        try:
            self.store.save(voice, tensors)
        except BaseException:
            self.forget(voice.id)
            raise

    def take_in(self, voice: str) -> ClonedVoice:
        """Speak with a voice that was found in the store.

        Raises:
            BrokenVoice: Its file is no voice of this engine.
            InputError: Likewise; the engine says so.
        """
        about, tensors = self.store.load(voice)
        self.engine.add_voice(voice, tensors)
        return about

    def forget(self, voice: str) -> None:
        """Nothing of a voice is left but its file. Whoever holds something that was made of voices is told here."""
        self.engine.remove_voice(voice)
        self.forget_phrases(voice)


def load_kept(engine: TtsEngine, settings: Settings, phrases: PhraseCache | None) -> Kept | None:
    """What there is of voices: `Cloning` for an engine that clones. Phrases of voices that are gone are removed.

    None: the engine has the voices that it has, and the folder of others cannot be had.

    Raises:
        ModelError: The model that hears whether a recording is speech is missing or corrupt.
        ConfigError: The engine clones, and the folder of the voices cannot be had.
    """
    folder = settings.data_dir / "voices"
    try:
        store = VoiceStore(folder, Path(settings.tts.voice).name, most=settings.tts.max_voices)
        if phrases is not None:
            phrases.forget_all_but([*engine.voices, *store.ids()])
    except OSError as error:
        if isinstance(engine, CloningTtsEngine):
            raise ConfigError(f"{folder} cannot be had: {error.strerror or error} (data_dir)") from error
        _log.warning("tts.no_voices_folder", folder=str(folder), error=error.strerror)
        return None
    if not isinstance(engine, CloningTtsEngine):
        return Kept(store, phrases)
    vad = SileroVad(models.locate("silero-vad", settings.models_dir) / "silero_vad.onnx")
    return Cloning(store, phrases, engine, vad)
