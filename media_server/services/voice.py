"""The voice of the tts role: which files it is made of, and what it can do on this machine. Blocks; run on a thread."""

import hashlib
import shutil
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter

import structlog

from engines import cores, models
from engines.errors import ModelError
from engines.ports import TtsEngine
from engines.tts import chatterbox
from engines.tts.cache import PhraseCache
from engines.tts.chatterbox import ChatterboxEngine
from engines.tts.piper import PiperEngine
from engines.tts.spoken_text import speakable
from media_server.config import Settings
from media_server.telemetry.metrics import TTS_PHRASE_BYTES, TTS_PHRASES

_SHORT = "You said,"
_LONG = "Can I book a table for four people this evening?"
_RUNS = 1
_WITH_NUMBERS = "Call +14155550100."

_log = structlog.get_logger(__name__)


def load_voice(voice: str, models_dir: Path, device: str = "cpu") -> TtsEngine:
    """The voice of a model's id, or of a folder of one's own (its path).

    What is in the folder says what it is: the files of Chatterbox, which runs on `device`, or one Piper voice.

    Raises:
        ModelError: It is missing or corrupt, its runtime is not installed, or there is no such device.
    """
    folder = models.locate(voice, models_dir)
    speakable(_WITH_NUMBERS)  # loads what reads numbers, for which the first caller would wait a tenth of a second
    if (folder / chatterbox.FILES[0]).is_file():
        return ChatterboxEngine(folder, voice=folder.name, device=device)
    files = sorted(folder.glob("*.onnx"))
    if len(files) != 1:
        raise ModelError(f"{folder}: one .onnx file with a voice is wanted, there are {len(files)}")
    return PiperEngine(files[0], voice=folder.name)


def phrase_cache(settings: Settings) -> PhraseCache | None:
    """The phrases of the voice that is set; None where none are to be kept (those of before go), or cannot be."""
    folder = settings.data_dir / "tts-cache"
    if not settings.tts.cache_bytes:
        _remove(folder)
        return None
    try:
        cache = PhraseCache(
            folder,
            most_bytes=settings.tts.cache_bytes,
            revision=_revision(models.locate(settings.tts.voice, settings.models_dir), settings.tts.pronounce),
            on_lookup=lambda hit: TTS_PHRASES.labels("hit" if hit else "miss").inc(),
        )
    except OSError as error:
        _log.warning("tts.no_cache", folder=str(settings.data_dir), error=error.strerror)
        return None
    TTS_PHRASE_BYTES.set_function(lambda: cache.bytes)
    return cache


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)  # another process may remove it as well
    if folder.exists():
        _log.warning("tts.cache_left", folder=str(folder))


def _revision(folder: Path, pronounce: Path | None) -> str:
    """Tells a voice's files, how it says words, and the version of what makes sound of them, from all others."""
    digest = hashlib.sha256(version("media-server").encode())
    files = sorted(path for path in folder.iterdir() if path.is_file())
    for path in [*files, *([pronounce] if pronounce else [])]:
        with path.open("rb") as file:
            digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def jobs_at_once(engine: TtsEngine, instances: int) -> int:
    """How many clauses it gains from making at once; Chatterbox makes one after the other on its device."""
    return 1 if isinstance(engine, ChatterboxEngine) else cores.share(instances)


def measure(engine: TtsEngine) -> dict[str, float]:
    """Warm up, then measure: `first_audio_ms` of a short first clause, and seconds of work a second of a longer one."""
    timings: dict[str, list[tuple[float, float]]] = {_SHORT: [], _LONG: []}
    firsts: dict[str, list[float]] = {_SHORT: [], _LONG: []}
    for _ in range(1 + _RUNS):
        for text, runs in timings.items():
            begun = perf_counter()
            pieces = engine.synthesize(text, engine.voices[0])
            samples = len(next(pieces).pcm)
            first = perf_counter() - begun
            samples += sum(len(piece.pcm) for piece in pieces)
            firsts[text].append(first)
            runs.append((perf_counter() - begun, samples / engine.sample_rate))
    return {
        "first_audio_ms": round(1000 * median(firsts[_SHORT][1:]), 1),
        "real_time_factor": round(median(took / seconds for took, seconds in timings[_LONG][1:]), 3),
    }
