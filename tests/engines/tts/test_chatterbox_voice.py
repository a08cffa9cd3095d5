import numpy as np
import pytest
from numpy.typing import NDArray

from engines.errors import InputError
from engines.tts.chatterbox_voice import MAX_PROMPT_TOKENS, SPEECH_TOKENS, checked
from tests.engines.tts.made_up_voice import voice_tensors


def test_a_voice_is_copied_into_the_models_types() -> None:
    given = voice_tensors(1) | {"prompt_token": voice_tensors(1)["prompt_token"].astype(np.int32)}
    voice = checked(given)
    assert {name: tensor.dtype for name, tensor in voice.items()} == {
        "speaker_emb": np.float32,
        "cond_prompt_speech_tokens": np.int64,
        "prompt_token": np.int64,
        "prompt_feat": np.float32,
        "embedding": np.float32,
    }
    for name, tensor in voice.items():
        assert np.array_equal(tensor, given[name])
        assert not np.shares_memory(tensor, given[name])


@pytest.mark.parametrize(
    ("name", "tensor"),
    [
        ("speaker_emb", np.zeros((1, 256), np.float32)),
        ("speaker_emb", np.full((1, 256), 1e30, np.float64)),
        ("speaker_emb", np.full((1, 256), 1e300, np.float64)),
        ("speaker_emb", np.ones((1, 255), np.float32)),
        ("embedding", np.ones(192, np.float32)),
        ("embedding", np.ones((2, 192), np.float32)),
        ("cond_prompt_speech_tokens", np.zeros((1, 0), np.int64)),
        ("cond_prompt_speech_tokens", np.zeros((1, 151), np.int64)),
        ("cond_prompt_speech_tokens", np.zeros((1, 150), np.float32)),
        ("cond_prompt_speech_tokens", np.full((1, 150), SPEECH_TOKENS)),
        ("prompt_token", np.full((1, 25), -1)),
        ("prompt_token", np.full((1, 25), 2**64 - 1, np.uint64)),
        ("prompt_feat", np.ones((1, 48, 80), np.float32)),
        ("prompt_token", np.zeros((1, MAX_PROMPT_TOKENS + 1), np.int64)),
        ("prompt_feat", np.ones((1, 49, 80), np.float32)),
        ("prompt_feat", np.ones((1, 52, 80), np.float32)),
        ("prompt_feat", np.where(np.arange(4000) == 7, np.nan, 1.0).reshape(1, 50, 80)),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(name: str, tensor: NDArray[np.generic]) -> None:
    with pytest.raises(InputError, match=name):
        checked({**voice_tensors(1), name: tensor})


def test_half_a_token_more_of_sound_is_a_voice_as_the_package_makes_them() -> None:
    checked({**voice_tensors(1), "prompt_feat": np.ones((1, 51, 80), np.float32)})
