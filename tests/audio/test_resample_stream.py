import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_server.audio.resample_stream import StreamResampler

RATES = [9600, 11025, 12000, 22050, 24000, 32000, 44100, 47999, 48000]


def tone(rate: int, hertz: float, seconds: float = 0.5) -> bytes:
    return (16000 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)).astype("<i2").tobytes()


def resampled(pcm: bytes, source: int, target: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    resampler = StreamResampler(source, target)
    return np.frombuffer(resampler.push(pcm) + resampler.flush(), dtype="<i2").astype(float)


def decibels(part: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
    return float(10 * np.log10(np.mean(part[200:-200] ** 2) / (16000**2 / 2) + 1e-12))


@pytest.mark.parametrize("source", RATES)
@pytest.mark.parametrize("hertz", [100.0, 1000.0, 3000.0])
def test_a_voice_is_the_same_at_the_same_time(source: int, hertz: float) -> None:
    made = resampled(tone(source, hertz), source, 16000)
    expected = np.frombuffer(tone(16000, hertz), dtype="<i2").astype(float)
    assert abs(len(made) - len(expected)) <= 1
    length = min(len(made), len(expected))
    assert decibels(made[:length] - expected[:length]) < -55


@pytest.mark.parametrize("source", [22050, 24000, 44100, 48000])
def test_what_the_lower_rate_cannot_hold_is_not_heard(source: int) -> None:
    assert decibels(resampled(tone(source, 9000), source, 16000)) < -55


@given(cuts=st.lists(st.integers(0, 5000), max_size=30), source=st.sampled_from(RATES))
def test_pieces_of_any_size_give_what_the_whole_gives(cuts: list[int], source: int) -> None:
    pcm = tone(source, 700, 0.1)
    resampler, made, start = StreamResampler(source, 16000), b"", 0
    for cut in sorted(cuts):
        made += resampler.push(pcm[start:cut])
        start = min(max(start, cut), len(pcm))
    made += resampler.push(pcm[start:]) + resampler.flush()
    assert made == resampled(pcm, source, 16000).astype("<i2").tobytes()


@pytest.mark.parametrize("source", RATES)
def test_hardly_anything_is_held_back(source: int) -> None:
    made = len(StreamResampler(source, 16000).push(tone(source, 700))) / 2 / 16000
    assert made > 0.5 - 0.0025


def test_full_scale_does_not_wrap() -> None:
    square = np.repeat(np.tile([-32768, 32767], 50), 48).astype("<i2").tobytes()
    made = resampled(square, 48000, 16000)
    middle = made[100:-100].reshape(-1)
    assert set(np.sign(middle[np.abs(middle) > 20000])) == {-1.0, 1.0}
    assert np.abs(np.diff(middle)).max() < 65535
