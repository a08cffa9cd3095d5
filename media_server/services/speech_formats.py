"""What speech is sent as: the encodings of a stream, the formats of a file."""

import struct
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from typing import Literal

from media_server.audio.g711 import encode_alaw, encode_mulaw
from media_server.protocol.tts_stream import Encoding
from media_server.services.codecs import encoded

FileFormat = Literal["wav", "pcm", "mp3", "opus", "flac"]
SpeechFormat = Literal[FileFormat, "mulaw", "alaw", "wav_mulaw", "wav_alaw"]

ENCODERS: Mapping[Encoding, Callable[[bytes], bytes]] = {
    "linear16": bytes,
    "mulaw": encode_mulaw,
    "alaw": encode_alaw,
}
"""From linear PCM."""

WIDTHS: Mapping[Encoding, int] = {"linear16": 2, "mulaw": 1, "alaw": 1}
"""Bytes a sample."""

_PLAIN: Mapping[str, Encoding] = {
    "pcm": "linear16",
    "wav": "linear16",
    "mulaw": "mulaw",
    "wav_mulaw": "mulaw",
    "alaw": "alaw",
    "wav_alaw": "alaw",
}
"""Formats that need no encoder of another process."""

_WAVE_TAGS: Mapping[Encoding, int] = {"linear16": 1, "alaw": 6, "mulaw": 7}
"""RFC 2361."""

_TYPES = {"pcm": "audio/pcm", "mp3": "audio/mpeg", "opus": "audio/ogg", "flac": "audio/flac"}
_LAW_TYPES = {"mulaw": "audio/PCMU", "alaw": "audio/PCMA"}
"""RFC 4856."""


def content_type(kind: SpeechFormat, rate: int) -> str:
    """The media type of a file."""
    if kind in _LAW_TYPES:
        return f"{_LAW_TYPES[kind]};rate={rate}"
    return _TYPES.get(kind, "audio/wav")


async def file_of(sound: AsyncGenerator[bytes, None], kind: SpeechFormat, rate: int) -> AsyncGenerator[bytes, None]:
    """The file of linear PCM as it is made; `sound` is closed with it."""
    async with aclosing(sound), aclosing(_made(sound, kind, rate)) as pieces:
        async for piece in pieces:
            if piece:
                yield piece


async def _made(sound: AsyncIterator[bytes], kind: SpeechFormat, rate: int) -> AsyncGenerator[bytes, None]:
    if kind not in _PLAIN:
        async with aclosing(encoded(sound, kind=kind, rate=rate)) as pieces:
            async for piece in pieces:
                yield piece
        return
    encoding = _PLAIN[kind]
    head = _wav_header(encoding, rate) if kind.startswith("wav") else b""
    async for pcm in sound:  # what fails before its first sound has not begun
        yield head + ENCODERS[encoding](pcm)
        head = b""
    yield head


def _wav_header(encoding: Encoding, rate: int) -> bytes:
    """Of a file whose length is not known yet: the sizes are the most there can be, as players expect."""
    width, endless = WIDTHS[encoding], b"\xff\xff\xff\xff"
    form = struct.pack("<HHIIHH", _WAVE_TAGS[encoding], 1, rate, width * rate, width, 8 * width)
    if encoding != "linear16":
        form += bytes(2)  # no extension; and such a file says how many samples it has
    fact = b"" if encoding == "linear16" else b"fact\x04\0\0\0" + endless
    return b"RIFF" + endless + b"WAVEfmt " + struct.pack("<I", len(form)) + form + fact + b"data" + endless
