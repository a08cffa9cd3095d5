"""The header of a WAV of 16-bit PCM that is still being written, and its repair. Pure."""

import struct

HEADER_BYTES = 44
"""RIFF, one `fmt ` chunk, one `data` chunk, nothing else."""

_MOST = 0xFFFFFFFF - HEADER_BYTES
_LAYOUT = struct.Struct("<4sI4s4sIHHIIHH4sI")


def wav_header(data_bytes: int, *, channels: int, sample_rate: int) -> bytes:
    """The header of a file with so much sound."""
    block = 2 * channels
    data_bytes = min(data_bytes, _MOST)
    return _LAYOUT.pack(
        *(b"RIFF", HEADER_BYTES - 8 + data_bytes, b"WAVE", b"fmt ", 16),
        *(1, channels, sample_rate, sample_rate * block, block, 16),
        *(b"data", data_bytes),
    )


def mended(header: bytes, file_bytes: int) -> bytes | None:
    """The header that a file of this size should have; None where it has that, or is no file of ours."""
    if len(header) != HEADER_BYTES or file_bytes < HEADER_BYTES:
        return None
    riff, _, wave, fmt, _, kind, channels, rate, _, block, bits, data, _ = _LAYOUT.unpack(header)
    if (riff, wave, fmt, kind, bits, data) != (b"RIFF", b"WAVE", b"fmt ", 1, 16, b"data") or block != 2 * channels:
        return None
    sound = (file_bytes - HEADER_BYTES) // block * block if block else 0
    right = wav_header(sound, channels=channels, sample_rate=rate)
    return None if right == header else right


def seconds_of(header: bytes) -> float:
    """How long a file with this header is; 0 where it is none of ours."""
    if len(header) != HEADER_BYTES or header[:4] != b"RIFF":
        return 0.0
    *_, byte_rate, _, _, _, data_bytes = _LAYOUT.unpack(header)
    return data_bytes / byte_rate if byte_rate else 0.0
