"""What the phones of a bench say: a folder of recordings, with what is said in each in a text file of its name."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from media_server.audio.frame import TELEPHONE_RATE
from media_server.audio.resample import resample
from media_server.audio.wav import read_wav
from media_server.errors import ConfigError, PeerError

SPLIT_BETWEEN = 0.30, 0.65
"""Where in an utterance a speaker is made to hesitate: in its quietest 60 ms between these parts of it."""
_QUIET_S = 0.06
_STEP_S = 0.005


@dataclass(frozen=True, slots=True)
class Recording:
    """Linear PCM at 8 kHz; `text` is empty where nobody wrote down what is said."""

    name: str
    pcm: bytes
    text: str

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.pcm) / 2 / TELEPHONE_RATE


def read_folder(folder: Path) -> list[Recording]:
    """All recordings of a folder, by name.

    Raises:
        ConfigError: There are none, or one cannot be read.
    """
    recordings: list[Recording] = []
    for path in sorted(folder.glob("*.wav")):
        try:
            pcm, rate = read_wav(path)
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror or error}") from error
        except PeerError as error:
            raise ConfigError(error.message) from error
        text = path.with_suffix(".txt")
        words = text.read_text(encoding="utf-8").strip() if text.is_file() else ""
        recordings.append(Recording(path.stem, resample(pcm, rate, TELEPHONE_RATE), words))
    if not recordings:
        raise ConfigError(f"{folder}: there is no .wav file in it")
    return recordings


def hesitating(recording: Recording, seconds: float) -> Recording:
    """The same, with a silence of so long where it is quietest in its middle."""
    samples = np.frombuffer(recording.pcm, dtype="<i2").astype(np.float64)
    width, step = int(_QUIET_S * TELEPHONE_RATE), int(_STEP_S * TELEPHONE_RATE)
    first, last = (int(part * len(samples)) for part in SPLIT_BETWEEN)
    places = range(first, max(first + 1, last - width), step)
    middle = min(places, key=lambda at: float((samples[at : at + width] ** 2).sum())) + width // 2
    silence = bytes(2 * int(seconds * TELEPHONE_RATE))
    return Recording(
        recording.name, recording.pcm[: 2 * middle] + silence + recording.pcm[2 * middle :], recording.text
    )
