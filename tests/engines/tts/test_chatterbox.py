"""Chatterbox on a tiny checkpoint of random weights, in its own environment: loading, reading, seams, limits, cloning.

What every synthesiser must do is tested by `tests/contract`.
"""

import logging
from collections.abc import Callable, Generator, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from aiohttp.test_utils import TestClient, TestServer
from typing_extensions import override

from engines.errors import InputError, ModelError
from engines.tts import chatterbox_model
from engines.tts.chatterbox import FILES, SPARE_TOKENS, TOKENS_PER_CHARACTER, ChatterboxEngine
from engines.tts.chatterbox_model import FIRST_TOKENS, LOOKAHEAD, OVERLAP_FRAMES, PIECE_S, Reading
from media_server.config import Settings
from media_server.services.tts import create_app
from media_server.settings_sections import TtsSettings
from tests.engines.tts.made_up_voice import recording, voice_tensors
from tests.engines.tts.tiny_chatterbox import TOKENS, VOICE, chatterbox, checkpoint
from tests.services.test_voices import created
from tests.speech_data import Prompt

TEXT = "Open the door, you said."
TOKEN = 960
"""Samples."""

Spied = list[dict[str, Any]]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The checkpoint, in a folder whose files may be replaced."""
    for name in FILES:
        (tmp_path / name).symlink_to(checkpoint() / name)
    return tmp_path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Spied:
    """What the package's reading is asked for; `said` grows with its tokens, `closed` says that it has ended."""
    asked: Spied = []
    read: Callable[..., Iterator[Any]] = chatterbox()._model.inference_stream

    def spied(**given: Any) -> Iterator[Any]:
        request = {**given, "said": 0, "closed": False}
        asked.append(request)
        try:
            for token in read(**given):
                request["said"] += 1
                yield token
        finally:
            request["closed"] = True

    monkeypatch.setattr(chatterbox()._model, "inference_stream", spied)
    return asked


def reading(max_tokens: int = 1000) -> Reading:
    engine = chatterbox()
    return Reading(engine._model, engine._voices[VOICE], TEXT, max_tokens=max_tokens, clock=lambda: 0.0)


def steps(of: Reading) -> list[np.ndarray]:
    made = []
    with chatterbox()._computing():
        while not of.over:
            made.append(of.step())
    return made


# --- loading -----------------------------------------------------------------------------------------------------


def test_its_own_voice_is_the_first_and_speaks_at_24_khz() -> None:
    assert chatterbox().voices == (VOICE,)
    assert chatterbox().sample_rate == 24000


class Payload:
    def __init__(self, path: Path) -> None:
        self.path = path

    @override
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".pt")])
def test_a_file_that_would_run_code_is_refused_and_does_not(files: Path, name: str) -> None:
    ran = files / "ran"
    (files / name).unlink()
    torch.save({"model": [Payload(ran)], "t3": Payload(ran), "gen": {}}, files / name)
    with pytest.raises(ModelError, match=str(files)):
        ChatterboxEngine(files, voice="x")
    assert not ran.exists()
    torch.load(files / name, weights_only=False)
    assert ran.exists()  # as it would have


def test_torchs_switch_for_unsafe_files_is_refused(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    with pytest.raises(ModelError, match="may run code"):
        ChatterboxEngine(files, voice="x")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_or_broken_file_is_named_or_its_folder(files: Path, name: str) -> None:
    (files / name).unlink()
    with pytest.raises(ModelError, match=rf"{name} is missing"):
        ChatterboxEngine(files, voice="x")
    (files / name).write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match=str(files)):
        ChatterboxEngine(files, voice="x")


def test_a_voice_of_nans_in_the_checkpoint_is_refused(files: Path) -> None:
    conditionals = torch.load(files / "conds.pt", weights_only=True)
    conditionals["gen"]["embedding"][:] = float("nan")
    (files / "conds.pt").unlink()
    torch.save(conditionals, files / "conds.pt")
    with pytest.raises(ModelError, match="embedding has values that cannot be"):
        ChatterboxEngine(files, voice="x")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_a_gpu_that_is_not_there_is_named(files: Path) -> None:
    with pytest.raises(ModelError, match="torch finds no GPU"):
        ChatterboxEngine(files, voice="x", device="cuda")


# --- reading -----------------------------------------------------------------------------------------------------


def test_the_first_piece_comes_early_and_all_tokens_become_sound() -> None:
    first, *others = steps(reading())
    assert len(first) == (FIRST_TOKENS - LOOKAHEAD) * TOKEN - OVERLAP_FRAMES * TOKEN // 2
    assert len(first) + sum(map(len, others)) == TOKENS * TOKEN


def test_a_piece_begins_with_the_frames_and_the_excitation_that_the_last_one_ended_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[tuple[Any, Any, Any]] = []
    make = chatterbox()._model.s3gen.hift_inference

    def spied(frames: Any, given: Any) -> Any:
        sound, source = make(frames, given)
        calls.append((frames, given, source.clone()))
        return sound, source

    monkeypatch.setattr(chatterbox()._model.s3gen, "hift_inference", spied)
    steps(reading())
    (before, nothing, source), (frames, given, used) = calls
    samples = OVERLAP_FRAMES * TOKEN // 2
    assert nothing is None
    assert torch.equal(given, source[:, :, -samples:])
    assert torch.equal(used[:, :, :samples], given)
    assert torch.equal(frames[:, :, :OVERLAP_FRAMES], before[:, :, -OVERLAP_FRAMES:])
    assert before.shape[2] + frames.shape[2] == 2 * TOKENS + OVERLAP_FRAMES


def test_a_seam_joins_two_makings_of_the_same_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    seams: list[tuple[np.ndarray, np.ndarray]] = []
    cross_faded = chatterbox_model.cross_faded

    def spied(ending: np.ndarray, beginning: np.ndarray) -> np.ndarray:
        seams.append((ending, beginning[: len(ending)]))
        return cross_faded(ending, beginning)

    monkeypatch.setattr(chatterbox_model, "cross_faded", spied)
    steps(reading())
    [(ending, beginning)] = seams
    assert len(ending) == OVERLAP_FRAMES * TOKEN // 2
    middle = slice(len(ending) // 4, -len(ending) // 4)
    assert np.corrcoef(ending[middle], beginning[middle])[0, 1] > 0.9


def test_a_cross_fade_of_one_sound_with_itself_changes_nothing() -> None:
    sound = recording(1, 0.5, 24000)
    joined = chatterbox_model.cross_faded(sound[:4000], sound)
    assert np.abs(joined - sound).max() < 1e-6


def test_the_sound_carries_the_packages_watermark_over_its_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    # What random weights make is nothing that a mark would stay in; hiss is.
    hisses: list[np.ndarray] = []

    def hiss(frames: Any, _source: Any) -> Any:
        hisses.append(recording(len(hisses), frames.shape[2] * 0.02, 24000))
        return torch.from_numpy(hisses[-1])[None], torch.zeros(1, 1, len(hisses[-1]))

    monkeypatch.setattr(chatterbox()._model.s3gen, "hift_inference", hiss)
    sound = np.concatenate(steps(reading()))
    found = chatterbox()._model.watermarker.get_watermark
    assert found(sound, sample_rate=24000, round=False) > 0.9
    assert found(hisses[-1], sample_rate=24000, round=False) < 0.1


def test_each_request_has_its_own_conditionals(asked: Spied) -> None:
    engine = chatterbox()
    engine.add_voice("other", voice_tensors(2))
    readings = [engine.synthesize(TEXT, voice) for voice in (VOICE, "other")]
    for one in readings:
        next(one)
    first, second = (request["t3_cond"] for request in asked)
    assert torch.equal(first.speaker_emb, torch.from_numpy(voice_tensors(1)["speaker_emb"]))
    assert torch.equal(second.speaker_emb, torch.from_numpy(voice_tensors(2)["speaker_emb"]))
    assert first is not second
    engine.remove_voice("other")
    assert "other" not in engine._voices


def test_closing_a_clause_ends_its_reading(asked: Spied) -> None:
    pieces = chatterbox().synthesize(TEXT, VOICE)
    next(pieces)
    [request] = asked
    assert request["said"] == FIRST_TOKENS
    assert isinstance(pieces, Generator)
    pieces.close()
    assert request["closed"]
    assert request["said"] == FIRST_TOKENS


def test_a_long_clause_is_read_in_several_and_all_of_its_words_are_told(asked: Spied) -> None:
    text = "nine " * 150
    pieces = list(chatterbox().synthesize(text, VOICE))
    assert len(asked) == 3
    words = [word for piece in pieces for word in piece.words]
    assert [word.offset for word in words] == list(range(0, 750, 5))
    assert all(left.end <= right.start + 1e-6 for left, right in pairwise(words))
    assert words[-1].end == pytest.approx(sum(len(piece.pcm) for piece in pieces) / 24000)


@pytest.mark.parametrize("text", ["", " ", "...", "[]"])
def test_without_a_word_the_model_is_not_asked(asked: Spied, text: str) -> None:
    assert list(chatterbox().synthesize(text, VOICE)) == []
    assert asked == []


def test_signs_of_the_models_alphabet_are_not_taken_from_a_text(asked: Spied) -> None:
    next(chatterbox().synthesize("Stop [STOP] here [[START]] now", VOICE))
    hp = chatterbox()._model.t3.hp
    tokens = asked[0]["text_tokens"][0].tolist()
    assert tokens.count(hp.start_text_token) == tokens.count(hp.stop_text_token) == 1
    assert (tokens[0], tokens[-1]) == (hp.start_text_token, hp.stop_text_token)


# --- limits ------------------------------------------------------------------------------------------------------


def test_a_reading_that_does_not_end_is_cut_flagged_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, asked: Spied
) -> None:
    monkeypatch.setattr("engines.tts.chatterbox.SPARE_TOKENS", 0)
    with caplog.at_level(logging.WARNING):
        [piece] = chatterbox().synthesize(" Hi ", VOICE)
    assert asked[0]["max_new_tokens"] == 2 * TOKENS_PER_CHARACTER
    assert (piece.cut, piece.more) == (True, False)
    assert len(piece.pcm) <= 2 * TOKENS_PER_CHARACTER * TOKEN
    assert [word.text for word in piece.words] == ["Hi"]
    assert "cut off" in caplog.text
    assert "Hi" not in caplog.text


def test_a_reading_that_takes_too_long_is_cut(monkeypatch: pytest.MonkeyPatch, asked: Spied) -> None:
    seconds = iter(range(1000))
    monkeypatch.setattr(chatterbox(), "_clock", lambda: next(seconds))
    [piece] = chatterbox().synthesize(TEXT, VOICE)
    assert piece.cut
    assert asked[0]["said"] == PIECE_S + 1
    assert asked[0]["max_new_tokens"] == SPARE_TOKENS + len(TEXT) * TOKENS_PER_CHARACTER


def test_what_is_no_sound_is_an_error_and_not_a_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    make = chatterbox()._model.s3gen.hift_inference

    def broken(*given: Any) -> Any:
        sound, source = make(*given)
        return sound * float("nan"), source

    monkeypatch.setattr(chatterbox()._model.s3gen, "hift_inference", broken)
    with pytest.raises(ModelError, match="no sound"):
        next(chatterbox().synthesize(TEXT, VOICE))


def test_another_speed_is_refused() -> None:
    with pytest.raises(InputError, match="one speed"):
        next(chatterbox().synthesize(TEXT, VOICE, 1.5))


# --- cloning -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [8000, 44100])
def test_ten_seconds_of_a_recording_are_used(rate: int) -> None:
    tensors = chatterbox().clone(recording(1, 12, rate), rate)
    assert tensors["prompt_token"].shape == (1, 250)
    assert tensors["prompt_feat"].shape == (1, 500, 80)
    assert tensors["cond_prompt_speech_tokens"].shape == (1, 150)


def test_a_voice_survives_the_file_that_it_is_kept_in(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file  # noqa: PLC0415 - in this environment only

    tensors = chatterbox().clone(recording(1, 1.234, 16000), 16000)
    save_file(dict(tensors), tmp_path / "voice.safetensors")
    chatterbox().add_voice("kept", load_file(tmp_path / "voice.safetensors"))
    assert next(chatterbox().synthesize(TEXT, "kept")).pcm.any()
    chatterbox().remove_voice("kept")


@pytest.mark.parametrize(("seconds", "rate"), [(0.9, 16000), (2, 4000), (0.01, 400_000)])
def test_recordings_that_are_too_short_or_of_odd_rates_are_refused(seconds: float, rate: int) -> None:
    with pytest.raises(InputError):
        chatterbox().clone(recording(1, seconds, rate), rate)


def test_its_own_voice_can_be_neither_replaced_nor_removed() -> None:
    with pytest.raises(InputError):
        chatterbox().add_voice(VOICE, voice_tensors(2))
    with pytest.raises(KeyError):
        chatterbox().remove_voice(VOICE)
    assert chatterbox().voices == (VOICE,)


# --- as a service ------------------------------------------------------------------------------------------------


@pytest.mark.models
async def test_the_role_loads_measures_and_speaks_with_it_also_in_a_voice_that_it_cloned(
    models_dir: Path, prompts: list[Prompt], tmp_path: Path
) -> None:
    folder = tmp_path / "my-chatterbox"
    folder.symlink_to(checkpoint())
    tts = TtsSettings(voice=str(folder))
    async with TestClient(
        TestServer(create_app(Settings(models_dir=models_dir, data_dir=tmp_path, tts=tts)))
    ) as client:
        report = await (await client.get("/readyz")).json()
        assert (report["ready"], report["voice"]) == (True, "my-chatterbox")
        long = [np.frombuffer(prompt.pcm, np.int16) for prompt in prompts if prompt.seconds > 3]
        cloned = await created(client, np.concatenate(long[:3]))
        for voice in ("default", cloned):
            asked_for = {"text": TEXT, "voice": voice, "format": "pcm", "sample_rate": 8000}
            async with client.post("/v1/synthesize", json=asked_for) as answer:
                assert answer.status == 200, await answer.text()
                sound = np.frombuffer(await answer.read(), np.int16)
            assert 2 * (TOKENS - 10) * 0.04 < len(sound) / 8000 < 2 * TOKENS * 0.04 + 0.2  # two clauses
            assert np.abs(sound).max() > 1000
        async with client.delete(f"/v1/voices/{cloned}") as answer:
            assert answer.status == 204
