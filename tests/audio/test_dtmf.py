import numpy as np
import pytest

from media_server.audio.dtmf import duration_s, is_dialable, tones
from media_server.audio.g711 import decode_mulaw, encode_mulaw

ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)


def strengths(pcm: bytes, rate: int, frequencies: tuple[int, ...]) -> list[float]:
    """Goertzel's sum, in dB of full scale."""
    samples = np.frombuffer(pcm, dtype="<i2") / 32768
    at = np.arange(len(samples)) / rate
    sums = [abs((samples * np.exp(-2j * np.pi * each * at)).mean()) * 2 for each in frequencies]
    return [float(20 * np.log10(max(each, 1e-9))) for each in sums]


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
@pytest.mark.parametrize(("key", "row", "column"), [("1", 0, 0), ("5", 1, 1), ("0", 3, 1), ("#", 3, 2), ("D", 3, 3)])
def test_each_key_is_its_two_tones_and_no_other(key: str, row: int, column: int, rate: int) -> None:
    pcm = tones(key, rate)
    assert len(pcm) == 2 * round(0.16 * rate)
    sound = pcm[: 2 * round(0.08 * rate)]
    if rate == 8000:
        sound = decode_mulaw(encode_mulaw(sound))
    for wanted, frequencies in ((row, ROWS), (column, COLUMNS)):
        levels = strengths(sound, rate, frequencies)
        assert levels[wanted] == pytest.approx(-12.5, abs=1)
        assert all(level < levels[wanted] - 12 for index, level in enumerate(levels) if index != wanted)
    assert not any(pcm[2 * round(0.08 * rate) :])


def test_keys_and_pauses_come_in_order() -> None:
    pcm = tones("1w2W", 8000)
    assert len(pcm) == 2 * 8000 * (0.16 + 0.5 + 0.16 + 1.0)
    assert duration_s("1w2W") == pytest.approx(1.82)
    assert max(abs(np.frombuffer(pcm, dtype="<i2"))) < 32767


@pytest.mark.parametrize(("digits", "fits"), [("1ww2#*AD", True), ("", False), ("e", False), ("1" * 65, False)])
def test_only_keys_are_dialable(digits: str, fits: bool) -> None:
    assert is_dialable(digits) is fits
