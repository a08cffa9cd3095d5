"""The codecs of RTP as a leg needs them: payloads to linear PCM at its rate and back, and what stands for a loss."""

from typing import Protocol

from media_server.audio.frame import BROWSER_RATE, TELEPHONE_RATE, silence
from media_server.audio.g711 import decode_alaw, decode_mulaw, encode_alaw, encode_mulaw
from media_server.audio.opus import CLOCK_RATE, MAX_PACKET_MS, OpusDecoder, OpusEncoder, packet_samples
from media_server.errors import Undecodable

_MAX_G711_BYTES = TELEPHONE_RATE * MAX_PACKET_MS // 1000
_ANNOUNCES_SILENCE = 2
"""A packet of Opus that is no longer says that nothing comes for a while (DTX)."""


class Codec(Protocol):
    """One stream each way."""

    clock_rate: int
    """Of its timestamps."""

    sample_rate: int
    """Of the PCM."""

    def ticks(self, payload: bytes) -> int:
        """How long a payload is; 0 where it is none."""
        ...

    def announces_silence(self, payload: bytes) -> bool:
        """Whether nothing may come behind it for a while."""
        ...

    def decode(self, payload: bytes) -> bytes:
        """Its sound.

        Raises:
            Undecodable: It is broken.
        """
        ...

    def conceal(self, samples: int, following: bytes | None) -> bytes:
        """What stands for `samples` that are lost; `following` is the payload behind them."""
        ...

    def restart(self) -> None:
        """Another stream comes in."""
        ...

    def encode(self, pcm: bytes) -> bytes:
        """20 ms of sound as a payload."""
        ...


class Opus:
    """Opus, heard and spoken in wide band."""

    clock_rate = CLOCK_RATE
    sample_rate = BROWSER_RATE

    def __init__(self, *, fec: bool = True) -> None:
        """`fec`: the other side makes use of redundancy."""
        self._decoder = OpusDecoder(BROWSER_RATE)
        self._encoder = OpusEncoder(BROWSER_RATE, fec=fec)

    def ticks(self, payload: bytes) -> int:
        """How long a packet is."""
        return packet_samples(payload, CLOCK_RATE)

    def announces_silence(self, payload: bytes) -> bool:
        """Whether the encoder is in discontinuous transmission."""
        return len(payload) <= _ANNOUNCES_SILENCE

    def decode(self, payload: bytes) -> bytes:
        """Its sound."""
        return self._decoder.decode(payload)

    def conceal(self, samples: int, following: bytes | None) -> bytes:
        """The redundancy in the packet behind the loss, or what the decoder makes of the past; silence after 120 ms."""
        guessed = min(samples, BROWSER_RATE * MAX_PACKET_MS // 1000)
        return silence(samples - guessed) + self._decoder.conceal(guessed, following)

    def restart(self) -> None:
        """Forget what came."""
        self._decoder = OpusDecoder(BROWSER_RATE)

    def encode(self, pcm: bytes) -> bytes:
        """One packet."""
        return self._encoder.encode(pcm)


class G711:
    """Mu-law or A-law, which remember nothing."""

    clock_rate = TELEPHONE_RATE
    sample_rate = TELEPHONE_RATE

    def __init__(self, *, alaw: bool = False) -> None:
        self._decode, self._encode = (decode_alaw, encode_alaw) if alaw else (decode_mulaw, encode_mulaw)

    def ticks(self, payload: bytes) -> int:
        """A byte is a sample."""
        return len(payload) if len(payload) <= _MAX_G711_BYTES else 0

    def announces_silence(self, payload: bytes) -> bool:  # noqa: ARG002 - it cannot say so
        """It never does."""
        return False

    def decode(self, payload: bytes) -> bytes:
        """Its sound."""
        if not self.ticks(payload):
            raise Undecodable("no payload of G.711")
        return self._decode(payload)

    def conceal(self, samples: int, following: bytes | None) -> bytes:  # noqa: ARG002 - it has nothing of the past
        """Silence."""
        return silence(samples)

    def restart(self) -> None:
        """Nothing is remembered."""

    def encode(self, pcm: bytes) -> bytes:
        """A byte a sample."""
        return self._encode(pcm)
