"""The voice of the tts role: which files it is made of, and what it can do on this machine. Blocks; run on a thread."""

from pathlib import Path
from statistics import median
from time import perf_counter

from engines import models
from engines.errors import ModelError
from engines.ports import TtsEngine
from engines.tts.piper import PiperEngine

_SHORT = "You said,"
_LONG = "Can I book a table for four people this evening?"
_RUNS = 1


def load_voice(voice: str, models_dir: Path) -> PiperEngine:
    """The voice of a model's id, or of a folder of one's own (its path) with one Piper voice in it.

    Raises:
        ModelError: It is missing or corrupt, or its runtime is not installed.
    """
    folder = models.locate(voice, models_dir)
    files = sorted(folder.glob("*.onnx"))
    if len(files) != 1:
        raise ModelError(f"{folder}: one .onnx file with a voice is wanted, there are {len(files)}")
    return PiperEngine(files[0], voice=folder.name)


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
