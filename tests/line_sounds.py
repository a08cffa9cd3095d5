"""What a telephone line sounds like when nobody speaks: linear PCM at 8 kHz, two minutes of each."""

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 8000
SECONDS = 120
MUSIC_ON_HOLD = Path("/usr/share/asterisk/moh")
PACKAGE = "asterisk-moh-opsound-wav"

Sound = NDArray[np.float64]
_TIME = np.arange(SECONDS * RATE) / RATE


def _band(low_hz: float, high_hz: float) -> Sound:
    """Noise between these frequencies, root mean square 1."""
    noise = np.fft.rfft(np.random.default_rng(3).standard_normal(len(_TIME)))
    frequencies = np.fft.rfftfreq(len(_TIME), 1 / RATE)
    noise[(frequencies < low_hz) | (frequencies > high_hz)] = 0
    band = np.fft.irfft(noise, len(_TIME))
    return np.asarray(band / band.std())


def _cadence(*edges_s: float) -> Sound:
    """1 while it is on: on until the first edge, off until the second …, over and over."""
    at = _TIME % edges_s[-1]
    return np.asarray(np.sum([at >= edge for edge in edges_s], axis=0) % 2 == 0, dtype=np.float64)


def _tones(*hertz: float) -> Sound:
    return np.asarray(np.mean([np.sin(2 * np.pi * each * _TIME) for each in hertz], axis=0))


def line_noise() -> Sound:
    """Hiss that swells and fades, from a quiet line to a factory hall."""
    return _band(0, 4000) * 10 ** (-3 + 2 * (0.5 - 0.5 * np.cos(2 * np.pi * _TIME / 40)))


def ring_back() -> Sound:
    """A minute as in America (2 s on, 4 s off), a minute as in Britain (twice 0.4 s on, every 3 s)."""
    america = 0.2 * _tones(440, 480) * _cadence(2, 6)
    britain = 0.2 * _tones(400, 450) * _cadence(0.4, 0.6, 1.0, 3.0)
    return np.where(_TIME < SECONDS / 2, america, britain)


def breath() -> Sound:
    """Into the microphone: in and out, twelve times a minute."""
    phase = _TIME % 5.0
    out = np.where(phase < 1.6, np.sin(np.pi * phase / 1.6), 0.0)
    back = np.where((phase > 2.2) & (phase < 3.4), np.sin(np.pi * (phase - 2.2) / 1.2), 0.0)
    return np.asarray(0.05 * _band(200, 1800) * out + 0.02 * _band(500, 3000) * back)


def traffic() -> Sound:
    """A street: rumble, and cars that pass."""
    return 0.05 * _band(40, 600) * (0.3 + np.clip(np.sin(2 * np.pi * _TIME / 9), 0, 1))


def hold_music() -> Sound:
    """From the middle of each piece that Debian ships."""
    files = sorted(MUSIC_ON_HOLD.glob("*.wav"))
    each = len(_TIME) // max(1, len(files))
    parts: list[Sound] = []
    for path in files:
        with wave.open(str(path), "rb") as reader:
            assert (reader.getframerate(), reader.getsampwidth(), reader.getnchannels()) == (RATE, 2, 1)
            reader.setpos(reader.getnframes() // 3)
            parts.append(np.frombuffer(reader.readframes(each), dtype="<i2") / 32768)
    return np.concatenate(parts)


SOUNDS: dict[str, Callable[[], Sound]] = {
    "line noise": line_noise,
    "ring-back": ring_back,
    "breath": breath,
    "traffic": traffic,
    "hold music": hold_music,
}


def pcm_of(sound: Sound) -> bytes:
    """As 16-bit little-endian."""
    return (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()
