import numpy as np
import pytest

from media_server.audio.opus import OpusDecoder, OpusEncoder, packet_samples
from media_server.errors import Undecodable


def voice_like(seconds: float, rate: int) -> bytes:
    t = np.arange(int(seconds * rate)) / rate
    pitch = 120 + 30 * np.sin(2 * np.pi * 1.5 * t)
    tone = sum(np.sin(2 * np.pi * np.cumsum(pitch) / rate * k) / k for k in range(1, 12))
    return (tone * 4000 * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * t))).astype("<i2").tobytes()


def packets_of(pcm: bytes, rate: int) -> list[bytes]:
    encoder, size = OpusEncoder(rate), rate // 50 * 2
    return [encoder.encode(pcm[begin : begin + size]) for begin in range(0, len(pcm), size)]


def loudness(pcm: bytes) -> float:
    return float(np.sqrt(np.mean(np.frombuffer(pcm, "<i2").astype(float) ** 2)))


@pytest.mark.parametrize("rate", [8000, 16_000, 48_000])
def test_what_is_encoded_comes_back_at_any_rate_and_as_long(rate: int) -> None:
    pcm = voice_like(1.0, 16_000)
    decoder = OpusDecoder(rate)
    heard = b"".join(decoder.decode(packet) for packet in packets_of(pcm, 16_000))
    assert len(heard) == rate * 2
    assert loudness(heard) == pytest.approx(loudness(pcm), rel=0.15)


def test_a_lost_packet_is_made_of_the_redundancy_of_the_next_one() -> None:
    pcm = voice_like(2.0, 16_000)
    packets = packets_of(pcm, 16_000)
    whole, patched, guessed = OpusDecoder(16_000), OpusDecoder(16_000), OpusDecoder(16_000)
    errors = {"fec": 0.0, "guess": 0.0}
    for n, packet in enumerate(packets):
        true = np.frombuffer(whole.decode(packet), "<i2").astype(float)
        if n % 10 == 5:
            fec = np.frombuffer(patched.conceal(320, packets[n + 1]), "<i2").astype(float)
            guess = np.frombuffer(guessed.conceal(320), "<i2").astype(float)
            assert len(fec) == len(guess) == 320
            errors["fec"] += float(np.mean((fec - true) ** 2))
            errors["guess"] += float(np.mean((guess - true) ** 2))
        else:
            patched.decode(packet)
            guessed.decode(packet)
    assert errors["fec"] < errors["guess"] / 2


@pytest.mark.parametrize("samples", [1, 100, 320, 700, 16_000])
def test_a_loss_of_any_length_is_filled_to_the_sample(samples: int) -> None:
    packets = packets_of(voice_like(0.2, 16_000), 16_000)
    decoder = OpusDecoder(16_000)
    decoder.decode(packets[0])
    assert len(decoder.conceal(samples)) == len(decoder.conceal(samples, packets[1])) == samples * 2


@pytest.mark.parametrize("packet", [b"", b"\xff", b"\xff\xff\xff", bytes([0x7F]) * 9, b"\x00" * 9000])
def test_what_is_no_packet_is_an_error_and_the_decoder_lives(packet: bytes) -> None:
    decoder = OpusDecoder(16_000)
    with pytest.raises(Undecodable):
        decoder.decode(packet)
    assert len(decoder.decode(packets_of(voice_like(0.02, 16_000), 16_000)[0])) == 640


def test_the_length_is_read_off_the_packet() -> None:
    assert packet_samples(packets_of(bytes(640), 16_000)[0], 48_000) == 960


def test_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="no packet"):
        OpusEncoder(16_000).encode(bytes(100))
