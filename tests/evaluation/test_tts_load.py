"""`bench tts` end to end, on the real service."""

import random
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from engines.tts.clauses import ClauseSplitter
from media_server.config import Settings
from media_server.errors import EngineError
from media_server.evaluation.tts_load import TtsLoad, run_tts_load, sentence
from media_server.services.tts import create_app
from media_server.settings_sections import TtsSettings


def test_no_clause_is_said_twice_so_that_none_is_kept_already() -> None:
    chance = random.Random(1)
    once, again = ({clause for number in range(8) for clause in clauses_of(number, chance)} for _ in range(2))
    assert len(once) == len(again) >= 16
    assert once.isdisjoint(again)


def clauses_of(number: int, chance: random.Random) -> list[str]:
    splitter = ClauseSplitter()
    return [*splitter.feed(sentence(number, chance)), *splitter.flush()]


@pytest.mark.models
async def test_streams_speak_and_one_too_many_is_refused(models_dir: Path, tmp_path: Path) -> None:
    settings = Settings(models_dir=models_dir, data_dir=tmp_path, tts=TtsSettings(max_sessions=2))
    async with TestServer(create_app(settings)) as server:
        url = str(server.make_url("")).rstrip("/")
        figures = await run_tts_load(url, None, TtsLoad(streams=3, sentences=2, sample_rate=8000))
    assert (figures.streams, figures.refused, figures.sentences, figures.lost) == (3, 1, 4, 0)
    assert figures.good
    assert 8 < figures.audio_s < 40
    assert figures.first.p50 is not None
    assert figures.first.p50 > 0
    assert figures.slowest is not None
    assert figures.slowest > 0


@pytest.mark.models
async def test_a_voice_that_is_not_there_is_said(models_dir: Path, tmp_path: Path) -> None:
    async with TestServer(create_app(Settings(models_dir=models_dir, data_dir=tmp_path))) as server:
        with pytest.raises(EngineError):
            await run_tts_load(str(server.make_url("")).rstrip("/"), None, TtsLoad(1, voice="nobody"))
