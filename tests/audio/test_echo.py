"""The echo guard on recorded speech: one prompt is our voice, another the caller's."""

import numpy as np
import pytest
from numpy.typing import NDArray

from media_server.audio.echo import EchoGuard
from media_server.audio.g711 import decode_mulaw, encode_mulaw
from media_server.audio.resample import resample
from tests.speech_data import Prompt

RATE = 8000
FRAME = 160
Sound = NDArray[np.float64]
BAND_PASS = np.array([0.02, -0.05, -0.1, 0.6, 0.5, -0.1, -0.05, 0.02])


@pytest.fixture(scope="module")
def voices(prompts: list[Prompt]) -> tuple[Sound, Sound]:
    """Ours and theirs: seconds of speech, equally loud."""
    chosen = [prompt for prompt in prompts if 4 < prompt.seconds < 7]
    ours, theirs = (np.frombuffer(prompt.pcm, dtype="<i2").astype(float) for prompt in (chosen[0], chosen[5]))
    length = min(len(ours), len(theirs)) // FRAME * FRAME
    ours, theirs = ours[:length], theirs[:length]
    return ours, theirs * np.sqrt((ours @ ours) / (theirs @ theirs))


def line(sound: Sound) -> Sound:
    """Through mu-law."""
    clipped = np.clip(sound.round(), -32768, 32767).astype("<i2").tobytes()
    return np.frombuffer(decode_mulaw(encode_mulaw(clipped)), dtype="<i2").astype(float)


def delayed(sound: Sound, delay_ms: float) -> Sound:
    samples = int(delay_ms * RATE / 1000)
    return np.concatenate((np.zeros(samples), sound))[: len(sound)]


def through(guard: EchoGuard, ours: Sound, heard: Sound, start: float = 100.0) -> Sound:
    """Both sides of a call, a frame each in turn; what is left of what was heard."""
    rest = b""
    for index in range(0, len(heard), FRAME):
        at = start + index / RATE
        guard.sent(ours[index : index + FRAME].astype("<i2").tobytes(), at)
        rest += guard.receive(heard[index : index + FRAME].astype("<i2").tobytes(), at)
    return np.frombuffer(rest, dtype="<i2").astype(float)


def first_voice(sound: Sound) -> int:
    return int(np.argmax(np.abs(sound) > np.abs(sound).max() / 4))


@pytest.mark.parametrize("filtered", [False, True])
@pytest.mark.parametrize(("loss_db", "delay_ms"), [(6, 20), (20, 0), (20, 333), (30, 150), (30, 600), (40, 150)])
def test_our_own_voice_is_taken_out_and_known_as_ours(
    voices: tuple[Sound, Sound], loss_db: int, delay_ms: int, *, filtered: bool
) -> None:
    ours, _ = voices
    back = np.convolve(ours, BAND_PASS)[: len(ours)] if filtered else ours
    heard = line(delayed(back * 10 ** (-loss_db / 20), delay_ms))
    guard = EchoGuard(RATE)
    rest = through(guard, ours, heard)
    onset = first_voice(heard)
    settled = onset + 300 * RATE // 1000
    assert (rest[settled:] @ rest[settled:]) <= 0.05 * (heard[settled:] @ heard[settled:])
    early = 100.0 + (onset + 200 * RATE // 1000) / RATE
    assert guard.share(100.0 + onset / RATE, early) >= 0.8


def test_in_the_next_reply_it_is_gone_from_the_first_sample(voices: tuple[Sound, Sound]) -> None:
    ours, _ = voices
    heard = line(delayed(ours * 0.03, 150))
    guard = EchoGuard(RATE)
    through(guard, ours, heard)
    rest = through(guard, ours, heard, start=120.0)
    assert (rest @ rest) <= 0.02 * (heard @ heard)


def test_a_delay_that_has_changed_a_little_is_found_again_at_once(voices: tuple[Sound, Sound]) -> None:
    ours, _ = voices
    guard = EchoGuard(RATE)
    through(guard, ours, line(delayed(ours * 0.03, 150)))
    heard = line(delayed(ours * 0.03, 154))
    rest = through(guard, ours, heard, start=120.0)
    assert (rest @ rest) <= 0.03 * (heard @ heard)


@pytest.mark.parametrize("loss_db", [10, 20, 30])
def test_a_voice_on_top_is_still_heard(voices: tuple[Sound, Sound], loss_db: int) -> None:
    ours, theirs = voices
    echo = delayed(ours * 10 ** (-loss_db / 20), 150)
    guard = EchoGuard(RATE)
    through(guard, ours, line(echo))  # the line is known
    rest = through(guard, ours, line(echo + theirs), start=120.0)
    assert (rest @ theirs) >= 0.9 * (theirs @ theirs)
    assert guard.share(120.0, 120.0 + len(ours) / RATE) < 0.2


def test_without_an_echo_nothing_is_touched(voices: tuple[Sound, Sound]) -> None:
    ours, theirs = voices
    guard = EchoGuard(RATE)
    heard = line(theirs)
    rest = through(guard, ours, heard)
    changed = rest - heard
    assert (changed @ changed) <= 0.01 * (heard @ heard)
    assert guard.share(100.0, 110.0) < 0.05


def test_noises_of_the_line_are_not_ours(voices: tuple[Sound, Sound]) -> None:
    ours, _ = voices
    time = np.arange(len(ours)) / RATE
    for noise in (3000 * np.sin(2 * np.pi * 440 * time), 1000 * np.random.default_rng(1).standard_normal(len(ours))):
        guard = EchoGuard(RATE)
        rest = through(guard, ours, noise)
        assert (rest @ rest) >= 0.95 * (noise @ noise)


def test_while_we_are_silent_the_caller_is_passed_on_as_they_are(voices: tuple[Sound, Sound]) -> None:
    _, theirs = voices
    guard = EchoGuard(RATE)
    pcm = theirs.astype("<i2").tobytes()
    for index in range(0, len(pcm), 2 * FRAME):
        frame = pcm[index : index + 2 * FRAME]
        assert guard.receive(frame, 100.0 + index / 2 / RATE) is frame


@pytest.mark.parametrize("noise", [14, 30])
@pytest.mark.parametrize("delay_ms", [150, 300, 500])
def test_the_noise_of_a_line_does_not_hide_an_echo(voices: tuple[Sound, Sound], noise: int, delay_ms: int) -> None:
    ours, _ = voices
    hiss = noise * np.random.default_rng(2).standard_normal(len(ours))
    echo = delayed(ours * 0.1, delay_ms)
    guard = EchoGuard(RATE)
    rest = through(guard, ours, line(echo + hiss))
    onset = first_voice(echo)
    settled = onset + 300 * RATE // 1000
    assert (rest[settled:] @ rest[settled:]) <= 0.05 * (echo[settled:] @ echo[settled:])
    assert guard.share(100.0 + onset / RATE, 100.0 + (onset + 300 * RATE // 1000) / RATE) >= 0.8


@pytest.mark.parametrize("quieter_db", [0, 6, 8])
def test_a_voice_quieter_than_the_echo_is_heard_and_is_no_echo(voices: tuple[Sound, Sound], quieter_db: int) -> None:
    ours, theirs = voices
    echo = delayed(ours * 10 ** (-8 / 20), 150)
    voice = theirs * 10 ** (-(8 + quieter_db) / 20)
    guard = EchoGuard(RATE)
    through(guard, ours, line(echo))  # the line is known
    rest = through(guard, ours, line(echo + voice), start=120.0)
    assert (rest @ voice) >= 0.8 * (voice @ voice)
    assert guard.share(120.0, 120.0 + len(ours) / RATE) < 0.5


def test_the_first_sound_of_a_voice_is_not_taken_for_an_echo(voices: tuple[Sound, Sound]) -> None:
    ours, theirs = voices
    ours, theirs = ours[first_voice(ours) :], theirs[first_voice(theirs) :]
    length = 2 * RATE
    for wait in range(50, 550, 25):
        guard = EchoGuard(RATE)
        heard = delayed(theirs[:length], wait)
        rest = through(guard, ours[:length], heard)
        assert np.array_equal(rest[: len(heard) // FRAME * FRAME], np.trunc(heard)), wait


def test_at_a_browsers_rate_it_does_the_same(voices: tuple[Sound, Sound]) -> None:
    ours, theirs = (
        np.frombuffer(resample(sound.astype("<i2").tobytes(), RATE, 2 * RATE), dtype="<i2").astype(float)
        for sound in voices
    )
    back = 0.1 * np.concatenate((np.zeros(2400), np.convolve(ours, BAND_PASS)[: len(ours) - 2400]))
    noise = np.random.default_rng(1).normal(0.0, 3.0, len(ours))
    guards = EchoGuard(2 * RATE), EchoGuard(2 * RATE)
    left = []
    for guard, heard in zip(guards, (back + noise, theirs), strict=True):
        rest = b""
        for begin in range(0, len(ours), 2 * FRAME):
            at = 100.0 + begin / 2 / RATE
            guard.sent(ours[begin : begin + 2 * FRAME].astype("<i2").tobytes(), at)
            rest += guard.receive(heard[begin : begin + 2 * FRAME].astype("<i2").tobytes(), at)
        sound = np.frombuffer(rest, dtype="<i2").astype(float)
        left.append(float(sound @ sound) / float(heard @ heard))
    assert left[0] < 0.05, "our own"
    assert left[1] > 0.95, "theirs"
