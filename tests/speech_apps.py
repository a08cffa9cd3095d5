"""The two speech services as they are, on free ports, with engines that are arithmetic: no models, no waiting.

The recogniser hears "one two three ...", a word for each 0.4 s of loud sound, with its time; the voice is a tone.
"""

import io
import wave
from collections.abc import AsyncIterator, Hashable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from aiohttp.test_utils import TestServer

from engines.asr.models import AsrModels
from engines.ports import HeardWord, Listening, Samples, Transcription, TtsEngine
from media_server.config import Settings
from media_server.services import asr, cloning, tts
from media_server.settings_sections import TtsSettings
from tests.engines.tts.tone_voice import ToneEngine

LOUD = 0.05
SECONDS_A_WORD = 0.4
WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


class CountingRecogniser:
    languages = frozenset({"en", "de"})

    def transcribe(self, samples: Samples, listening: Listening) -> Transcription:
        loud = np.flatnonzero(np.abs(samples) > LOUD)
        if not len(loud):
            return Transcription("", -0.1)
        begin, end = loud[0] / 16000, loud[-1] / 16000
        count = max(1, round((end - begin) / SECONDS_A_WORD))
        width = (end - begin) / count
        words = [
            HeardWord(WORDS[n % len(WORDS)], begin + n * width, begin + (n + 1) * width, 0.9) for n in range(count)
        ]
        text = " ".join(word.text for word in words)
        return Transcription(text, -0.1, language=listening.language or "en", words=tuple(words))

    def bucket(self, seconds: float) -> Hashable:
        del seconds
        return None

    def transcribe_together(self, batch: Sequence[Samples], listening: Listening) -> list[Transcription]:
        return [self.transcribe(samples, listening) for samples in batch]

    def warm_up(self) -> float:
        return 0.01


class LoudIsSpeech:
    def __init__(self, *_: object) -> None:
        self.window = 256

    def stream(self, sample_rate: int) -> "LoudIsSpeech":
        stream = LoudIsSpeech()
        stream.window = 512 * sample_rate // 16000
        return stream

    def probability(self, window: Samples) -> float:
        return float(np.abs(window).max() > LOUD)

    def reset(self) -> None:
        pass


class SureOfTheEnd:
    def probability(self, samples: Samples) -> float:
        del samples
        return 0.95


@contextmanager
def no_models() -> Iterator[None]:
    """Services load engines that are arithmetic."""
    with pytest.MonkeyPatch.context() as patch:
        engines = AsrModels(CountingRecogniser(), LoudIsSpeech(), SureOfTheEnd())
        patch.setattr(asr, "load_asr_models", lambda _settings: engines)
        patch.setattr(cloning, "SileroVad", LoudIsSpeech)
        patch.setattr("engines.models.locate", lambda name, _folder: Path(name))
        yield


@dataclass(slots=True)
class SpeechApps:
    """Both services, while they run."""

    asr: TestServer
    tts: TestServer
    engine: TtsEngine = field(default_factory=ToneEngine)

    @property
    def urls(self) -> dict[str, tuple[str, ...]]:
        """For the settings of a media role."""
        return {"asr_urls": (url_of(self.asr),), "tts_urls": (url_of(self.tts),)}


def url_of(server: TestServer) -> str:
    return str(server.make_url("")).rstrip("/")


@asynccontextmanager
async def speech_apps(folder: Path, **settings: object) -> AsyncIterator[SpeechApps]:
    """`settings`: of both."""
    model = folder / "tone"
    model.mkdir(parents=True, exist_ok=True)
    said = {"models_dir": folder / "models", "data_dir": folder, "tts": TtsSettings(voice=str(model), workers=2)}
    all_settings = Settings.model_validate(said | settings)
    engine = ToneEngine()
    with no_models():
        ears = TestServer(asr.create_app(all_settings))
        voice = TestServer(tts.create_app(all_settings, lambda: engine))
        async with ears, voice:
            yield SpeechApps(ears, voice, engine)


def tone_pcm(seconds: float, *, rate: int = 16000, hz: float = 220.0) -> bytes:
    """Somebody who speaks, to engines that are arithmetic."""
    return (12000 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)).astype("<i2").tobytes()


def tone_wav(seconds: float, *, rate: int = 16000) -> bytes:
    """As a file, with half a second of silence before it and one behind it."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(bytes(rate) + tone_pcm(seconds, rate=rate) + bytes(2 * rate))
    return file.getvalue()
