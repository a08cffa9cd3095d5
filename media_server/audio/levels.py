"""How loud a piece of linear PCM is."""

from media_server.audio.g711 import audioop


def peak(pcm: bytes) -> int:
    """The largest absolute sample, 0 to 32,768."""
    return audioop.max(pcm, 2)


def rms(pcm: bytes) -> int:
    """The root mean square of the samples, 0 to 32,768."""
    return audioop.rms(pcm, 2)
