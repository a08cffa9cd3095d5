"""How sound travels between a WebRTC phone of ours and a server: Opus or mu-law, a packet every 20 ms. No IO.

All is linear PCM at 8 kHz on this side. Opus makes its packets of that as it is, and decodes to it; its clock runs at
48 kHz all the same (RFC 7587, section 4.1).
"""

from typing import Protocol

from media_server.audio.frame import TELEPHONE_RATE
from media_server.audio.g711 import decode_mulaw, encode_mulaw
from media_server.audio.opus import CLOCK_RATE, OpusDecoder, OpusEncoder
from media_server.errors import Undecodable

_BIT_RATE = 24_000
_NOTHING_SAID = 2
"""A packet of so few bytes is of silence; none may follow for a while (DTX)."""


class Sound(Protocol):
    """One direction of each."""

    mime_type: str
    ticks: int
    """Of the packets' clock, for a sample."""

    def encode(self, frame: bytes) -> bytes:
        """A packet's payload of 20 ms."""
        ...

    def decode(self, payload: bytes) -> bytes:
        """Linear PCM; empty where the payload cannot be decoded."""
        ...

    def begins_pause(self, payload: bytes) -> bool:
        """Whether nothing need follow this packet, since there is silence."""
        ...


class OpusSound:
    """Opus as a browser sends it: mono, for speech, each packet with what helps over the loss of the one before."""

    mime_type = "audio/opus"
    ticks = CLOCK_RATE // TELEPHONE_RATE

    def __init__(self) -> None:
        self._encoder = OpusEncoder(TELEPHONE_RATE, bit_rate=_BIT_RATE)
        self._decoder = OpusDecoder(TELEPHONE_RATE)

    def encode(self, frame: bytes) -> bytes:
        """A packet's payload of 20 ms."""
        return self._encoder.encode(frame)

    def decode(self, payload: bytes) -> bytes:
        """Linear PCM; empty where the payload cannot be decoded."""
        try:
            return self._decoder.decode(payload)
        except Undecodable:
            return b""

    def begins_pause(self, payload: bytes) -> bool:
        """Whether nothing need follow this packet, since there is silence."""
        return len(payload) <= _NOTHING_SAID


class MulawSound:
    """G.711 mu-law."""

    mime_type = "audio/PCMU"
    ticks = 1

    def encode(self, frame: bytes) -> bytes:
        """A packet's payload of 20 ms."""
        return encode_mulaw(frame)

    def decode(self, payload: bytes) -> bytes:
        """Linear PCM."""
        return decode_mulaw(payload)

    def begins_pause(self, payload: bytes) -> bool:
        """Never: mu-law has no packets for silence."""
        return not payload
