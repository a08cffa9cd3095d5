"""Keys as sound (ITU-T Q.23): two tones at once, one of the key's row and one of its column. Pure.

Each key sounds for 80 ms and is followed by 80 ms of silence, at -9 dBm0 for each tone or thereabouts (Q.24 wants at
least 40 ms, and -25 dBm). `w` is a pause of half a second and `W` one of a second, as Twilio has them.
"""

import numpy as np

from media_server.audio.frame import silence

ON_S = 0.08
OFF_S = 0.08
PAUSES_S = {"w": 0.5, "W": 1.0}
MAX_DIGITS = 64
_AMPLITUDE = 8000
"""Of each tone: -12 dBFS, which is -9 dBm0 on a telephone line."""
_RAMP_S = 0.002
"""Clicks at the edges of a tone are heard by detectors too."""
_ROWS = (697, 770, 852, 941)
_COLUMNS = (1209, 1336, 1477, 1633)
_KEYS = {
    key: (_ROWS[row], _COLUMNS[column])
    for row, keys in enumerate(("123A", "456B", "789C", "*0#D"))
    for column, key in enumerate(keys)
}


def is_dialable(digits: str) -> bool:
    """Whether these are 1 to `MAX_DIGITS` keys and pauses."""
    return 0 < len(digits) <= MAX_DIGITS and all(each in _KEYS or each in PAUSES_S for each in digits)


def duration_s(digits: str) -> float:
    """How long they sound."""
    return sum(PAUSES_S.get(each, ON_S + OFF_S) for each in digits)


def tones(digits: str, sample_rate: int) -> bytes:
    """Linear PCM at `sample_rate` of keys and pauses for which `is_dialable`."""
    gap = silence(round(OFF_S * sample_rate))
    return b"".join(
        silence(round(PAUSES_S[each] * sample_rate)) if each in PAUSES_S else _tone(*_KEYS[each], sample_rate) + gap
        for each in digits
    )


def _tone(low: int, high: int, sample_rate: int) -> bytes:
    count = round(ON_S * sample_rate)
    at = 2 * np.pi * np.arange(count) / sample_rate
    ramp = np.minimum(1.0, np.minimum(np.arange(count), np.arange(count)[::-1]) / (_RAMP_S * sample_rate))
    samples = _AMPLITUDE * ramp * (np.sin(low * at) + np.sin(high * at))
    return bytes(samples.round().astype("<i2").tobytes())
