"""How sound travels between a WebRTC phone of ours and a server: Opus or mu-law, a packet every 20 ms. No IO.

Opus is encoded from 8 kHz as it is: its clock runs at 48 kHz whatever it was made of (RFC 7587 §4.1). What is decoded
has the clock's rate.
"""

from fractions import Fraction
from typing import Protocol

import av
import numpy as np

from media_server.audio.frame import TELEPHONE_RATE
from media_server.audio.g711 import decode_mulaw, encode_mulaw
from media_server.audio.resample_stream import StreamResampler

OPUS_CLOCK = 48_000
_BIT_RATE = 24_000
_NOTHING_SAID = 2
"""A packet of so few bytes is comfort noise; none may follow for a while (RFC 6716 §2.1.9)."""


class Sound(Protocol):
    """One direction of each: what is said is linear PCM at 8 kHz, what is heard has `clock_rate`."""

    mime_type: str
    clock_rate: int

    def encode(self, frame: bytes) -> bytes:
        """A packet's payload of 20 ms."""
        ...

    def decode(self, payload: bytes) -> bytes:
        """Linear PCM at `clock_rate`; empty where the payload cannot be decoded."""
        ...

    def begins_pause(self, payload: bytes) -> bool:
        """Whether nothing need follow this packet, since there is silence."""
        ...


class OpusSound:
    """Opus as a browser sends it: mono, for speech, with what helps over a lost packet."""

    mime_type = "audio/opus"
    clock_rate = OPUS_CLOCK

    def __init__(self) -> None:
        encoder = av.CodecContext.create("libopus", "w")
        decoder = av.CodecContext.create("libopus", "r")
        assert isinstance(encoder, av.AudioCodecContext)
        assert isinstance(decoder, av.AudioCodecContext)
        encoder.sample_rate, encoder.bit_rate = TELEPHONE_RATE, _BIT_RATE
        encoder.time_base = Fraction(1, TELEPHONE_RATE)
        encoder.options = {"application": "voip", "fec": "1", "packet_loss": "5"}
        decoder.sample_rate = OPUS_CLOCK
        for codec in (encoder, decoder):
            codec.format, codec.layout = "s16", "mono"
        self._encoder, self._decoder = encoder, decoder
        self._pts = 0

    def encode(self, frame: bytes) -> bytes:
        """A packet's payload of 20 ms."""
        samples = np.frombuffer(frame, dtype="<i2").reshape(1, -1)
        sound = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        sound.sample_rate, sound.pts = TELEPHONE_RATE, self._pts
        self._pts += samples.shape[1]
        return b"".join(bytes(packet) for packet in self._encoder.encode(sound))

    def decode(self, payload: bytes) -> bytes:
        """Linear PCM at 48 kHz; empty where the payload cannot be decoded."""
        if not payload:
            return b""  # to the decoder it would be the end of all
        try:
            return b"".join(frame.to_ndarray().tobytes() for frame in self._decoder.decode(av.Packet(payload)))
        except av.FFmpegError:
            return b""

    def begins_pause(self, payload: bytes) -> bool:
        """Whether nothing need follow this packet, since there is silence."""
        return len(payload) <= _NOTHING_SAID


class MulawSound:
    """G.711 mu-law."""

    mime_type = "audio/PCMU"
    clock_rate = TELEPHONE_RATE

    def encode(self, frame: bytes) -> bytes:
        """A packet's payload of 20 ms."""
        return encode_mulaw(frame)

    def decode(self, payload: bytes) -> bytes:
        """Linear PCM at 8 kHz."""
        return decode_mulaw(payload)

    def begins_pause(self, payload: bytes) -> bool:
        """Never: mu-law has no packets for silence."""
        return not payload


class ToTelephone:
    """What was heard, in any pieces, at 8 kHz; samples keep their time."""

    def __init__(self, clock_rate: int) -> None:
        self._resampler = StreamResampler(clock_rate, TELEPHONE_RATE) if clock_rate != TELEPHONE_RATE else None

    def push(self, pcm: bytes) -> bytes:
        """The next piece; the filter holds 2 ms back."""
        return self._resampler.push(pcm) if self._resampler else pcm
