from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from engines import models
from engines.tts.onnx_graph import CannotCut, cut, parse
from engines.tts.piper import PiperEngine
from engines.tts.vits import FIRST_FRAMES, LEAST_FRAMES, Decoder, spans
from tests.engines.tts.voice import VOICE, piper


@given(st.integers(0, 3000))
def test_the_pieces_are_all_frames_in_order_the_first_short_and_none_tiny(frames: int) -> None:
    pieces = spans(frames)
    assert [frame for start, end in pieces for frame in range(start, end)] == list(range(frames))
    assert all(left[1] == right[0] for left, right in pairwise(pieces))
    if len(pieces) > 1:
        assert pieces[0] == (0, FIRST_FRAMES)
        assert min(end - start for start, end in pieces) >= LEAST_FRAMES
    else:
        assert frames < FIRST_FRAMES + LEAST_FRAMES


def decoder() -> Decoder:
    divided = piper()._decoder
    assert divided is not None
    return divided


@cache
def latents() -> NDArray[np.float32]:
    made, _ = piper()._run(piper()._phonemes_of("Can I book a table for four people tonight, please?"))
    return made.reshape(1, len(made), -1)


def joined(pieces: Decoder) -> NDArray[np.float32]:
    return np.concatenate([sound for sound, _ in pieces.decode(latents())])


@pytest.mark.models
def test_the_decoder_in_pieces_makes_what_it_makes_in_one_run() -> None:
    whole = joined(Decoder(decoder().session, decoder().input))
    assert np.abs(whole).max() > 0.3
    more = [more for _, more in decoder().decode(latents())]
    assert len(more) > 2
    assert more == [True] * (len(more) - 1) + [False]
    assert np.abs(joined(decoder()) - whole).max() < 1e-5


@pytest.mark.models
def test_with_less_than_the_measured_reach_it_would_not() -> None:
    reach = decoder().reach
    assert reach == 11
    whole = joined(Decoder(decoder().session, decoder().input))
    assert np.abs(joined(Decoder(decoder().session, decoder().input, reach - 3)) - whole).max() > 1e-5


@pytest.mark.parametrize("data", [b"no model", b"\x3a\xff\xff", b"\x3a\x02\x0a\x09", b"\x0b", b"\xff" * 20])
def test_what_is_no_model_cannot_be_cut(data: bytes) -> None:
    with pytest.raises(CannotCut):
        cut(parse(data), ("a",), ("b",))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_graph_or_refused(data: bytes) -> None:
    try:
        cut(parse(data), (), ("b",))
    except CannotCut:
        return


@pytest.mark.models
def test_a_voice_whose_tensors_have_other_names_is_run_whole(tmp_path: Path, models_dir: Path) -> None:
    voice = tmp_path / "voice.onnx"
    known = models.ensure([VOICE], models_dir)[VOICE] / "en_US-joe-medium.onnx"
    voice.write_bytes(known.read_bytes().replace(b"/dec/conv_pre/Conv_output_0", b"/voc/conv_pre/Conv_output_0"))
    config = known.with_name(known.name + ".json")
    engine = PiperEngine(voice, voice="other", config=config)
    [speech] = engine.synthesize("Can I book a table for four people tonight, please?", "other")
    assert speech.exact
    assert not speech.more
    assert len(speech.words) == 10
    assert np.abs(speech.pcm).max() > 10_000
