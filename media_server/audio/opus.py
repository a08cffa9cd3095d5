"""Opus (RFC 6716) by libopus itself, as PyAV brings it along or the system has it.

libav's own interface to libopus can neither use the redundancy that a packet carries for the one before it (in-band
FEC), nor conceal a loss, nor decode at the rate of a leg. libopus does all three: it decodes at 8, 12, 16, 24 or 48
kHz, whatever the rate of the encoder was, so nothing here is resampled.
"""

import ctypes
import ctypes.util
from ctypes import POINTER, byref, c_char_p, c_int, c_int16, c_int32, c_void_p
from functools import cache
from pathlib import Path
from typing import Final

import av

from media_server.audio.frame import BYTES_PER_SAMPLE
from media_server.errors import Undecodable

CLOCK_RATE: Final = 48_000
"""Of its RTP timestamps, whatever the rate of the sound (RFC 7587)."""
MAX_PACKET_MS: Final = 120
MAX_PACKET_BYTES: Final = 1275 * 6 + 7
_MAX_ENCODED = 1500

_APPLICATION_VOIP = 2048
_OK = 0
_SET_BITRATE, _SET_COMPLEXITY, _SET_INBAND_FEC, _SET_LOSS_PERC, _SET_SIGNAL = 4002, 4010, 4012, 4014, 4024
_SIGNAL_VOICE = 3001

_Pcm = POINTER(c_int16)


@cache
def _libopus() -> ctypes.CDLL:
    """The library, its functions declared.

    Raises:
        OSError: There is none.
    """
    bundled = sorted(Path(av.__file__).parent.with_name("av.libs").glob("libopus-*.so*"))
    name = str(bundled[0]) if bundled else ctypes.util.find_library("opus")
    if name is None:
        raise OSError("libopus is neither part of PyAV here, nor installed")
    library = ctypes.CDLL(name)
    library.opus_decoder_create.restype = c_void_p
    library.opus_decoder_create.argtypes = [c_int32, c_int, POINTER(c_int)]
    library.opus_decoder_destroy.argtypes = [c_void_p]
    library.opus_decode.argtypes = [c_void_p, c_char_p, c_int32, _Pcm, c_int, c_int]
    library.opus_packet_get_nb_samples.argtypes = [c_char_p, c_int32, c_int32]
    library.opus_encoder_create.restype = c_void_p
    library.opus_encoder_create.argtypes = [c_int32, c_int, c_int, POINTER(c_int)]
    library.opus_encoder_destroy.argtypes = [c_void_p]
    library.opus_encode.argtypes = [c_void_p, _Pcm, c_int, c_char_p, c_int32]
    return library


def packet_samples(packet: bytes, sample_rate: int) -> int:
    """How long a packet is, in samples at this rate, read off its first bytes; 0 where it is none."""
    samples: int = _libopus().opus_packet_get_nb_samples(packet, len(packet), sample_rate)
    return max(0, samples) if len(packet) <= MAX_PACKET_BYTES else 0


class OpusDecoder:
    """One stream, to mono 16-bit PCM at `sample_rate` (8, 12, 16, 24 or 48 kHz)."""

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._library = _libopus()
        error = c_int()
        self._decoder = c_void_p(self._library.opus_decoder_create(sample_rate, 1, byref(error)))
        if error.value != _OK:
            raise ValueError(f"libopus has no decoder for {sample_rate} Hz")
        self._most = sample_rate * MAX_PACKET_MS // 1000
        self._pcm = (c_int16 * self._most)()

    def __del__(self) -> None:
        if getattr(self, "_decoder", None):
            self._library.opus_decoder_destroy(self._decoder)

    def decode(self, packet: bytes) -> bytes:
        """The sound of a packet.

        Raises:
            Undecodable: It is broken.
        """
        if not 0 < len(packet) <= MAX_PACKET_BYTES:  # none at all would be a loss to libopus
            raise Undecodable("no packet of Opus")
        return self._decode(packet, self._most, fec=False)

    def conceal(self, samples: int, following: bytes | None = None) -> bytes:
        """What stands for `samples` that were lost: the redundancy in the packet `following` the loss, else a guess."""
        redundant = packet_samples(following, self._rate) if following is not None else 0
        if not 0 < redundant <= samples:
            return self._guess(samples)
        before = self._guess(samples - redundant)
        try:
            return before + self._decode(following, redundant, fec=True)
        except Undecodable:  # its head is that of a packet, and no more of it
            return before + self._guess(redundant)

    def _guess(self, samples: int) -> bytes:
        """Concealment of the codec's own, which fades out within a few packets; in pieces that it takes."""
        step = self._rate // 400  # it counts in 2.5 ms
        pieces, left = [], samples
        while left > 0:
            wanted = min(-(-left // step) * step, self._most)
            pieces.append(self._decode(None, wanted, fec=False)[: left * BYTES_PER_SAMPLE])
            left -= wanted
        return b"".join(pieces)

    def _decode(self, packet: bytes | None, samples: int, *, fec: bool) -> bytes:
        length = len(packet) if packet is not None else 0
        got: int = self._library.opus_decode(self._decoder, packet, length, self._pcm, samples, int(fec))
        if got < 0:
            raise Undecodable("a broken packet of Opus")
        return bytes(memoryview(self._pcm).cast("B")[: got * BYTES_PER_SAMPLE])


class OpusEncoder:
    """Mono 16-bit PCM at `sample_rate` to packets, for speech."""

    def __init__(self, sample_rate: int, *, bit_rate: int = 32_000, fec: bool = True, complexity: int = 5) -> None:
        """`fec`: each packet carries the one before it once more, in less detail."""
        self._library = _libopus()
        error = c_int()
        created = self._library.opus_encoder_create(sample_rate, 1, _APPLICATION_VOIP, byref(error))
        self._encoder = c_void_p(created)
        if error.value != _OK:
            raise ValueError(f"libopus has no encoder for {sample_rate} Hz")
        settings = {
            _SET_BITRATE: bit_rate,
            _SET_COMPLEXITY: complexity,
            _SET_SIGNAL: _SIGNAL_VOICE,
            _SET_INBAND_FEC: int(fec),
            _SET_LOSS_PERC: 10 if fec else 0,  # below some percent libopus leaves the redundancy out
        }
        for request, value in settings.items():
            self._library.opus_encoder_ctl(self._encoder, c_int(request), c_int32(value))
        self._packet = ctypes.create_string_buffer(_MAX_ENCODED)

    def __del__(self) -> None:
        if getattr(self, "_encoder", None):
            self._library.opus_encoder_destroy(self._encoder)

    def encode(self, pcm: bytes) -> bytes:
        """One packet of sound that is 2.5, 5, 10, 20, 40 or 60 ms long.

        Raises:
            ValueError: It is of another length.
        """
        samples = len(pcm) // BYTES_PER_SAMPLE
        buffer = (c_int16 * samples).from_buffer_copy(pcm)
        size: int = self._library.opus_encode(self._encoder, buffer, samples, self._packet, _MAX_ENCODED)
        if size < 0:
            raise ValueError(f"{samples} samples make no packet")
        return self._packet.raw[:size]
