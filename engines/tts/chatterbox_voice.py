"""What a voice of Chatterbox consists of, and whether tensors can be one. Pure.

Names, shapes and types are those of the package's conditionals. A voice may come from a file, so nothing is believed: a
NaN on a GPU would not fail one clause, but end the process, since there a bad index or probability stops the device.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from engines.errors import InputError
from engines.ports import VoiceTensors

SPEECH_TOKENS = 6561
"""Ids below this one stand for 40 ms of sound."""

MAX_PROMPT_TOKENS = 250
"""10 s, what the package takes of a recording."""

_LARGEST = 100.0
"""Mel frames are logarithms, embeddings about 1."""


@dataclass(frozen=True, slots=True)
class _Tensor:
    """What one must be: `shape` without the first dimension, which is 1; None stands for 1 to `most`."""

    shape: tuple[int | None, ...]
    tokens: bool = False
    most: int = 0


_TENSORS: Mapping[str, _Tensor] = MappingProxyType(
    {
        "speaker_emb": _Tensor((256,)),
        "cond_prompt_speech_tokens": _Tensor((None,), tokens=True, most=150),
        "prompt_token": _Tensor((None,), tokens=True, most=MAX_PROMPT_TOKENS),
        "prompt_feat": _Tensor((None, 80), most=2 * MAX_PROMPT_TOKENS + 1),
        "embedding": _Tensor((192,)),
    }
)


def checked(tensors: VoiceTensors) -> dict[str, NDArray[np.generic]]:
    """The tensors of a voice, as the model takes them; copies, so that nobody changes them later.

    Raises:
        InputError: They are of another engine, or broken.
    """
    if tensors.keys() != _TENSORS.keys():
        raise InputError(f"no voice of Chatterbox: it consists of {', '.join(_TENSORS)}")
    voice = {name: _checked(name, tensors[name], wanted) for name, wanted in _TENSORS.items()}
    tokens, frames = voice["prompt_token"].shape[1], voice["prompt_feat"].shape[1]
    if frames // 2 != tokens:
        raise InputError(f"no voice of Chatterbox: prompt_feat has {frames} frames for {tokens} tokens of two each")
    return voice


def _checked(name: str, tensor: NDArray[np.generic], wanted: _Tensor) -> NDArray[np.generic]:
    if not _fits(tensor.shape, wanted):
        raise InputError(f"no voice of Chatterbox: {name} has the shape {tensor.shape}")
    if not np.issubdtype(tensor.dtype, np.integer if wanted.tokens else np.floating):
        raise InputError(f"no voice of Chatterbox: {name} is of {tensor.dtype}")
    with np.errstate(over="ignore"):
        values = np.array(tensor, np.int64 if wanted.tokens else np.float32, order="C")
    if wanted.tokens:
        good = values.min() >= 0 and values.max() < SPEECH_TOKENS
    else:
        good = np.isfinite(values).all() and 0 < np.abs(values).max() <= _LARGEST
    if not good:
        raise InputError(f"no voice of Chatterbox: {name} has values that cannot be")
    return values


def _fits(shape: tuple[int, ...], wanted: _Tensor) -> bool:
    lengths = (1, *wanted.shape)
    return len(shape) == len(lengths) and all(
        1 <= length <= wanted.most if fixed is None else length == fixed
        for length, fixed in zip(shape, lengths, strict=True)
    )
