"""The real engines of the asr role, loaded once for all tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import numpy as np

from engines.asr.events import Final, SessionEvent, TurnEnded
from engines.asr.faster_whisper import MEASURED_CONTEXTS_S, WhisperEngine
from engines.asr.models import AsrModels
from engines.asr.session import AsrEngines, AsrSession, SessionOptions
from engines.scheduler import Scheduler
from engines.turn.silero import SileroVad
from engines.turn.smart_turn import SmartTurn

RATE = 8000


@cache
def whisper(models_dir: Path) -> WhisperEngine:
    return WhisperEngine(models_dir / "whisper-base", workers=2, contexts_s=MEASURED_CONTEXTS_S["whisper-base"])


@cache
def silero(models_dir: Path) -> SileroVad:
    return SileroVad(models_dir / "silero-vad" / "silero_vad.onnx")


@cache
def smart_turn(models_dir: Path) -> SmartTurn:
    return SmartTurn(models_dir / "smart-turn" / "smart-turn-v3.2-cpu.onnx")


def models(models_dir: Path) -> AsrModels:
    return AsrModels(whisper(models_dir), silero(models_dir), smart_turn(models_dir))


@asynccontextmanager
async def engines(models_dir: Path) -> AsyncIterator[AsrEngines]:
    scheduler = Scheduler(2)
    try:
        yield AsrEngines(models(models_dir), scheduler, detections=scheduler)
    finally:
        scheduler.close()


async def recognise(shared: AsrEngines, pcm: bytes, options: SessionOptions, chunk: int = 640) -> list[SessionEvent]:
    """Everything a session tells of a whole stream that comes as fast as it is taken."""
    session = AsrSession(shared, options)
    for start in range(0, len(pcm), chunk):
        await session.feed(pcm[start : start + chunk])
    session.close_stream()
    return [event async for event in session.events()]


def line_noise(seconds: float, amplitude: float = 3.0, rate: int = RATE) -> bytes:
    """The hiss of a quiet line."""
    return np.random.default_rng(1).normal(0, amplitude, int(seconds * rate)).astype("<i2").tobytes()


def words_of(events: list[SessionEvent]) -> str:
    return " ".join(event.text for event in events if isinstance(event, Final))


def turns_of(events: list[SessionEvent]) -> list[TurnEnded]:
    return [event for event in events if isinstance(event, TurnEnded)]
