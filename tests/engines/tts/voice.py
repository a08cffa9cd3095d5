"""The real voice, for tests; loaded once, pulled when it is missing."""

from functools import cache

from engines import models
from engines.tts.piper import PiperEngine
from media_server.config import Settings

VOICE = "piper-joe"


@cache
def piper() -> PiperEngine:
    folder = models.ensure([VOICE], Settings().models_dir)[VOICE]
    return PiperEngine(folder / "en_US-joe-medium.onnx", voice=VOICE)
