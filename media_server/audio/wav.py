"""RIFF/WAVE files of 16-bit PCM, by the standard library; mono in, mono or stereo out."""

import wave
from array import array
from pathlib import Path

from media_server.errors import PeerError


def read_wav(path: Path) -> tuple[bytes, int]:
    """The mono linear PCM of a file and its sample rate; of several channels the first.

    Raises:
        PeerError: The file is no 16-bit PCM WAV.
    """
    try:
        with wave.open(str(path), "rb") as reader:
            channels, width, rate = reader.getnchannels(), reader.getsampwidth(), reader.getframerate()
            data = reader.readframes(reader.getnframes())
    except (wave.Error, EOFError) as error:
        raise PeerError(f"{path}: {error}") from error
    if width != 2:  # noqa: PLR2004 - bytes a sample
        raise PeerError(f"{path}: {8 * width}-bit samples; 16-bit PCM is wanted")
    if channels == 1:
        return data, rate
    return array("h", data)[::channels].tobytes(), rate


def write_wav(path: Path, *channels: bytes, sample_rate: int) -> None:
    """Write linear PCM channels, the shorter ones filled up with silence."""
    length = max(len(channel) for channel in channels)
    samples = [array("h", channel.ljust(length, b"\0")) for channel in channels]
    mixed = array("h", bytes(length * len(channels)))
    for index, channel in enumerate(samples):
        mixed[index :: len(channels)] = channel
    with wave.open(str(path), "wb") as writer:
        writer.setnchannels(len(channels))
        writer.setsampwidth(2)
        writer.setframerate(sample_rate)
        writer.writeframes(mixed.tobytes())
