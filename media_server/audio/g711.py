"""G.711 mu-law and A-law (ITU-T G.711), by the interpreter's own C code (`audioop-lts` from Python 3.13 on)."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

__all__ = ["MULAW_SILENCE", "audioop", "decode_alaw", "decode_mulaw", "encode_alaw", "encode_mulaw"]

MULAW_SILENCE = b"\xff"


def decode_mulaw(data: bytes) -> bytes:
    """Mu-law bytes to linear PCM, two bytes a sample."""
    return audioop.ulaw2lin(data, 2)


def encode_mulaw(pcm: bytes) -> bytes:
    """Linear PCM to mu-law, one byte a sample."""
    return audioop.lin2ulaw(pcm, 2)


def decode_alaw(data: bytes) -> bytes:
    """A-law bytes to linear PCM, two bytes a sample."""
    return audioop.alaw2lin(data, 2)


def encode_alaw(pcm: bytes) -> bytes:
    """Linear PCM to A-law, one byte a sample."""
    return audioop.lin2alaw(pcm, 2)
