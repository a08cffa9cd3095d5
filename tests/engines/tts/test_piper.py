import json
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from numpy.typing import NDArray

from engines.errors import InputError, ModelError
from engines.ports import Speech
from engines.tts.piper import LEAST_FIRST_MS, MAX_TEXT, PiperEngine
from engines.tts.reader import Reader
from engines.tts.silence import LEAD_MS, TAIL_MS, THRESHOLD
from tests.engines.tts.voice import VOICE, piper

TEXTS = [
    "You said,",
    "Yes.",
    "Half past six",
    "She sells shoes.",
    "Can I book a table for four people tonight, please?",
    "It costs $3.50 in the shop, Dr. Smith!",
]


def speak(text: str) -> list[Speech]:
    """The runs of the model, each put together from its pieces; of a text as people write it."""
    runs: list[Speech] = []
    more = False
    for piece in Reader(piper()).synthesize(text, VOICE):
        if more:
            assert piece.exact == runs[-1].exact
            pcm = np.concatenate((runs[-1].pcm, piece.pcm))
            runs[-1] = replace(runs[-1], pcm=pcm, words=runs[-1].words + piece.words)
        else:
            runs.append(piece)
        more = piece.more
    assert not more
    return runs


def edges_ms(pcm: NDArray[np.int16]) -> tuple[float, float]:
    loud = np.flatnonzero(np.abs(pcm.astype(np.float32)) > np.abs(pcm.astype(np.float32)).max() * THRESHOLD)
    rate = piper().sample_rate
    return 1000 * loud[0] / rate, 1000 * (len(pcm) - 1 - loud[-1]) / rate


@pytest.mark.models
@pytest.mark.parametrize("text", TEXTS)
def test_a_clause_is_speech_with_ten_ms_in_front_and_sixty_behind(text: str) -> None:
    [speech] = speak(text)
    seconds = len(speech.pcm) / piper().sample_rate
    assert 0.02 < seconds / len(text) < 0.15
    assert np.sqrt(np.mean((speech.pcm / 32768) ** 2)) > 0.05
    lead, tail = edges_ms(speech.pcm)
    assert 0 <= lead <= LEAD_MS + 2.5 + 5  # cut before the loudest sample, here the measure, is known
    assert tail <= TAIL_MS + 0.1


@pytest.mark.models
@pytest.mark.parametrize("text", TEXTS)
def test_word_times_are_measured_in_order_and_cover_the_clause(text: str) -> None:
    [speech] = speak(text)
    assert speech.exact
    assert [word.text for word in speech.words] == text.split()
    assert all(text[word.offset :].startswith(word.text) for word in speech.words)
    assert all(word.end - word.start > 0.02 for word in speech.words)
    assert all(left.end <= right.start + 1e-6 for left, right in pairwise(speech.words))
    assert speech.words[0].start < 0.1
    seconds = len(speech.pcm) / piper().sample_rate
    assert seconds - 0.15 < speech.words[-1].end <= seconds


@pytest.mark.models
def test_the_first_piece_of_a_long_clause_comes_long_before_the_last() -> None:
    text = "Can I book a table for four people tonight, please?"
    began = perf_counter()
    made = [(piece, perf_counter() - began) for piece in piper().synthesize(text, VOICE)]
    (first, first_at), (last, last_at) = made[0], made[-1]
    assert first_at < 0.7 * last_at
    assert 0.15 < len(first.pcm) / piper().sample_rate < 0.35
    assert [piece.more for piece, _ in made] == [True] * (len(made) - 1) + [False]
    assert not last.more
    ends = np.cumsum([len(piece.pcm) for piece, _ in made]) / piper().sample_rate
    assert all(word.end <= end for (piece, _), end in zip(made, ends, strict=True) for word in piece.words)


@pytest.mark.models
@pytest.mark.parametrize("text", [*TEXTS, "Open the door."])
def test_a_first_piece_is_long_enough_to_hide_the_making_of_the_second(text: str) -> None:
    for _ in range(3):
        first = next(piper().synthesize(text, VOICE))
        assert not first.more or len(first.pcm) >= piper().sample_rate * LEAST_FIRST_MS // 1000


@pytest.mark.models
def test_the_pieces_of_a_clause_fit_without_a_click() -> None:
    pieces = [piece.pcm.astype(float) for piece in piper().synthesize("We are all away now, you know, all day.", VOICE)]
    whole = np.concatenate(pieces)
    seams = np.cumsum([len(piece) for piece in pieces])[:-1]
    bend = np.abs(np.diff(whole, 2))
    for seam in seams:
        assert bend[seam - 3 : seam + 2].max() <= bend[seam - 600 : seam + 600].max() * 0.99


@pytest.mark.models
def test_a_pause_lies_between_its_words() -> None:
    [speech] = speak("Wait a moment, then go on.")
    words = {word.text: word for word in speech.words}
    middle = slice(
        int(words["moment,"].end * piper().sample_rate),
        int(words["then"].start * piper().sample_rate),
    )
    spoken = slice(int(words["then"].start * piper().sample_rate), int(words["on."].end * piper().sample_rate))
    assert np.abs(speech.pcm[spoken]).mean() > 3 * np.abs(speech.pcm[middle]).mean()


@pytest.mark.models
def test_two_sentences_are_two_pieces_whose_times_go_on() -> None:
    text = "Open the door. You said it!"
    first, second = speak(text)
    assert [word.text for word in first.words + second.words] == text.split()
    assert second.words[0].start >= len(first.pcm) / piper().sample_rate
    assert second.words[0].offset == text.index("You")


@pytest.mark.models
@pytest.mark.parametrize(
    "text",
    ["", " \n\t", "...?!", "🙂🙂👍🏽", "\x00\x1b\x7f", "\ud800\udfff", "\u202e\u200f\u2066", "—", "\u0301" * 300],
)
def test_what_has_no_words_is_silence(text: str) -> None:
    assert speak(text) == []


@pytest.mark.models
@pytest.mark.parametrize(
    "text",
    [
        "\u202eabc\u202c \u200fdef",
        "<speak>hi &amp; <audio src='http://169.254.169.254/'/></speak>",
        "[[həloʊ]] {{7*7}}",
        "Z̷̢̛͔a̵̡l̶̨g̸o̵",
        "x" * 200,
        "9" * 200,
        "日本語 и русский",
    ],
)
def test_hostile_text_is_read_within_bounds(text: str) -> None:
    seconds = sum(len(speech.pcm) for speech in speak(text)) / piper().sample_rate
    assert 0 < seconds < 90


@pytest.mark.models
def test_too_much_text_and_unknown_voices_are_refused() -> None:
    with pytest.raises(InputError, match="1000 at most"):
        next(piper().synthesize("x" * (MAX_TEXT + 1), VOICE))
    with pytest.raises(InputError, match="no voice"):
        next(piper().synthesize("x", "../../etc/passwd"))


def test_a_missing_or_broken_voice_is_named(tmp_path: Path) -> None:
    model = tmp_path / "voice.onnx"
    with pytest.raises(ModelError, match=r"voice\.onnx is missing"):
        PiperEngine(model, voice="x")
    model.write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"voice\.onnx\.json is missing"):
        PiperEngine(model, voice="x")
    (tmp_path / "voice.onnx.json").write_text(json.dumps({}))
    with pytest.raises(ModelError, match=r"voice\.onnx: "):
        PiperEngine(model, voice="x")


def test_without_the_runtime_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("voice.onnx", "voice.onnx.json"):
        (tmp_path / name).touch()
    monkeypatch.setitem(sys.modules, "piper", None)
    with pytest.raises(ModelError, match=r"media-server\[piper-gpl\]"):
        PiperEngine(tmp_path / "voice.onnx", voice="x")
