import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_server.audio.resample import resample
from media_server.audio.resample_parts import PartsResampler

RATE = 22050
NOISE = np.random.default_rng(1).normal(0, 6000, 2 * RATE).clip(-32768, 32767).astype("<i2")


def in_parts(pcm: np.ndarray[tuple[int], np.dtype[np.int16]], cuts: list[int], target: int) -> bytes:
    resampler = PartsResampler(RATE, target)
    parts = np.split(pcm, sorted(cuts))
    sound = [resampler.push(part.tobytes(), more=index < len(parts) - 1) for index, part in enumerate(parts)]
    assert not resampler.within
    return b"".join(sound)


@pytest.mark.parametrize("target", [8000, 16000, 22050, 24000, 44100, 48000])
@given(
    cuts=st.lists(st.integers(0, len(NOISE)), max_size=6),
    length=st.one_of(st.integers(0, 2000), st.just(len(NOISE))),
)
def test_parts_join_to_the_whole(target: int, cuts: list[int], length: int) -> None:
    pcm = NOISE[:length]
    whole = np.frombuffer(resample(pcm.tobytes(), RATE, target), "<i2").astype(int)
    joined = np.frombuffer(in_parts(pcm, [min(cut, length) for cut in cuts], target), "<i2").astype(int)
    assert len(joined) == len(whole)
    assert np.abs(joined - whole).max(initial=0) <= 2  # white noise, full band; of 32,768


def test_no_more_than_the_overlap_is_held_back() -> None:
    resampler = PartsResampler(RATE, 8000)
    first = resampler.push(NOISE[: RATE // 3].tobytes(), more=True)
    assert resampler.within
    assert 1000 / 3 - 45 < len(first) / 16 < 1000 / 3 - 15
    rest = resampler.flush()
    assert len(first + rest) // 2 == round(8000 / 3)
    assert not resampler.within
    assert resampler.flush() == b""


def test_one_clause_leaves_nothing_to_the_next() -> None:
    resampler = PartsResampler(RATE, 8000)
    resampler.push(NOISE[:5000].tobytes(), more=True)
    resampler.push(NOISE[5000:9000].tobytes(), more=False)
    assert resampler.push(NOISE[:7000].tobytes(), more=False) == resample(NOISE[:7000].tobytes(), RATE, 8000)
