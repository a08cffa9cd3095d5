"""An exported call, read: the caller's sound as the recogniser was sent it, and what came in. Blocks.

The file may come from anywhere: it is capped, and parsed strictly.
"""

import base64
import binascii
import io
import wave
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from media_server.audio.frame import BYTES_PER_SAMPLE
from media_server.errors import PeerError
from media_server.records.export import AUDIO, INPUTS
from media_server.records.input_lines import CallLine, Cleaned, Line, Listening, parse_line

MAX_AUDIO = 600 << 20
MAX_INPUTS = 80 << 20


@dataclass(frozen=True, slots=True)
class CallFile:
    """An exported call.

    Attributes:
        sample_rate: Of the sound, in Hz.
        caller: What came from the caller, 16-bit mono, on the call's time line.
        lines: What came in, in order.
    """

    sample_rate: int
    caller: bytes
    lines: Sequence[Line]

    @property
    def listening(self) -> Listening:
        """How the recogniser was asked.

        Raises:
            PeerError: It never was.
        """
        for line in self.lines:
            if isinstance(line, Listening):
                return line
        raise PeerError("nobody listened on this call: there is nothing to replay")

    def sent(self) -> bytes:
        """The caller's sound as it was sent to the recogniser, from the stream's first sample on."""
        sound = bytearray(self.caller)
        for line in self.lines:
            if isinstance(line, Cleaned):
                pcm = _decoded(line.pcm) if line.pcm else bytes(line.samples * BYTES_PER_SAMPLE)
                begin = line.sample * BYTES_PER_SAMPLE
                if begin + len(pcm) <= len(sound):
                    sound[begin : begin + len(pcm)] = pcm
        return bytes(sound[self.listening.sample * BYTES_PER_SAMPLE :])


def read_call(path: Path) -> CallFile:
    """Read what `calls export` wrote.

    Raises:
        PeerError: It is none, or of a call that was not recorded.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            wav, lines = _member(archive, AUDIO, MAX_AUDIO), _member(archive, INPUTS, MAX_INPUTS)
        parsed = [parse_line(line) for line in lines.splitlines()]
        caller, rate = _caller(wav)
    except KeyError as error:
        raise PeerError(f"{path}: {error.args[0]}; the call was not recorded") from error
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise PeerError(f"{path}: {error}") from error
    except (wave.Error, EOFError, ValidationError) as error:
        raise PeerError(f"{path}: not what `calls export` writes") from error
    if not parsed or not isinstance(parsed[0], CallLine) or parsed[0].sample_rate != rate:
        raise PeerError(f"{path}: not what `calls export` writes")
    return CallFile(rate, caller, parsed)


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    info = archive.getinfo(name)
    if info.file_size > most or info.compress_type != zipfile.ZIP_STORED:
        raise zipfile.BadZipFile(f"{name} is too large, or compressed")
    return archive.read(info)


def _caller(wav: bytes) -> tuple[bytes, int]:
    with wave.open(io.BytesIO(wav)) as reader:
        channels, width, rate = reader.getnchannels(), reader.getsampwidth(), reader.getframerate()
        data = reader.readframes(reader.getnframes())
    if (channels, width) != (2, BYTES_PER_SAMPLE):
        raise wave.Error("stereo of 16 bits is wanted")
    return memoryview(data).cast("h")[::2].tobytes(), rate


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise PeerError("a line that is not base64") from error
