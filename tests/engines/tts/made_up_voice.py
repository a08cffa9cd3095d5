"""Voices of Chatterbox that nobody has."""

import numpy as np
from numpy.typing import NDArray


def voice_tensors(seed: int) -> dict[str, NDArray[np.generic]]:
    """A voice as if cloned from 1 s."""
    rng = np.random.default_rng(seed)
    return {
        "speaker_emb": rng.standard_normal((1, 256)).astype(np.float32) / 16,
        "cond_prompt_speech_tokens": rng.integers(0, 6561, (1, 150)),
        "prompt_token": rng.integers(0, 6561, (1, 25)),
        "prompt_feat": rng.standard_normal((1, 50, 80)).astype(np.float32),
        "embedding": rng.standard_normal((1, 192)).astype(np.float32),
    }


def recording(seed: int, seconds: float, rate: int) -> NDArray[np.float32]:
    """Hiss whose loudness comes and goes as that of speech does."""
    moments = np.arange(int(seconds * rate)) / rate
    swell = 0.1 * (1.1 + np.sin(2 * np.pi * 3 * moments))
    return (swell * np.random.default_rng(seed).standard_normal(len(moments))).clip(-1, 1).astype(np.float32)
