import io
import wave

from hypothesis import given
from hypothesis import strategies as st

from media_server.audio.wav_header import HEADER_BYTES, mended, seconds_of, wav_header


@given(st.integers(0, 1000), st.sampled_from((1, 2)))
def test_other_programs_read_it_as_it_is_meant(samples: int, channels: int) -> None:
    data = bytes(2 * channels * samples)
    header = wav_header(len(data), channels=channels, sample_rate=8000)
    with wave.open(io.BytesIO(header + data)) as reader:
        assert (reader.getnchannels(), reader.getframerate(), reader.getnframes()) == (channels, 8000, samples)
    assert seconds_of(header) == samples / 8000
    assert mended(header, HEADER_BYTES + len(data)) is None


def test_the_header_of_a_file_that_is_longer_is_mended_to_whole_samples() -> None:
    header = wav_header(0, channels=2, sample_rate=8000)
    assert mended(header, HEADER_BYTES + 403) == wav_header(400, channels=2, sample_rate=8000)


@given(st.binary(max_size=60), st.integers(0, 10_000))
def test_what_is_no_file_of_ours_is_left_alone(header: bytes, size: int) -> None:
    assert mended(header, size) is None
    seconds_of(header)
