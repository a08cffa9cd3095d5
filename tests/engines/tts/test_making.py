import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest

from engines.errors import InputError
from engines.ports import Speech, TtsEngine
from engines.scheduler import Scheduler
from engines.tts.cache import PhraseCache
from engines.tts.making import Making
from tests.engines.tts.voice import VOICE, piper

TEXT = "Can I book a table for four people tonight, please?"


class Stumbling:
    """It fails at the second piece, so often; then it makes it, or is `cut` off there."""

    sample_rate = 1000
    voices = (VOICE,)
    language = "en"

    def __init__(self, failures: int, *, cut: bool = False) -> None:
        self.failures = failures
        self.cut = cut

    def synthesize(self, text: str, voice: str, speed: float = 1.0) -> Iterator[Speech]:
        del voice, speed
        yield Speech(np.ones(len(text), np.int16), (), exact=True, more=True)
        self.failures -= 1
        if self.failures >= 0:
            raise InputError("stumbled")
        yield Speech(np.ones(len(text), np.int16), (), exact=True, cut=self.cut)


@pytest.fixture
async def scheduler() -> AsyncIterator[Scheduler]:
    scheduler = Scheduler(1)
    yield scheduler
    await asyncio.to_thread(scheduler.close)


@pytest.fixture
async def lookups() -> list[bool]:
    return []


@pytest.fixture
async def cache(tmp_path: Path, lookups: list[bool]) -> AsyncIterator[PhraseCache]:
    cache = await asyncio.to_thread(
        PhraseCache, tmp_path / "phrases", most_bytes=1 << 24, revision="", on_lookup=lookups.append
    )
    yield cache
    await asyncio.to_thread(cache.close)


async def made(
    engine: TtsEngine, scheduler: Scheduler, cache: PhraseCache | None, *, speed: float = 1.0, most: int = 1000
) -> list[Speech]:
    """So many pieces of the clause, and what was kept of it is written."""
    making = Making(engine, scheduler, cache, text=TEXT, voice=VOICE, speed=speed)
    pieces: list[Speech] = []
    while len(pieces) < most and (piece := await making.next(0.0)) is not None:
        pieces.append(piece)
    if cache is not None:
        await asyncio.wrap_future(cache._writer.submit(lambda: None))
    return pieces


@pytest.mark.models
async def test_what_is_asked_for_the_third_time_comes_without_a_worker(
    scheduler: Scheduler, cache: PhraseCache, lookups: list[bool]
) -> None:
    await made(piper(), scheduler, cache)
    assert cache.bytes == 0
    second = await made(piper(), scheduler, cache)
    assert cache.bytes > 100_000
    await asyncio.to_thread(scheduler.close)
    third = await made(piper(), scheduler, cache)
    assert lookups == [False, False, True]
    assert len(third) == len(second) > 2
    for piece, other in zip(second, third, strict=True):
        assert np.array_equal(piece.pcm, other.pcm)
        assert (piece.words, piece.exact, piece.more) == (other.words, other.exact, other.more)
    with pytest.raises(RuntimeError, match="closed"):
        await made(piper(), scheduler, cache, speed=1.1)


async def test_a_clause_that_was_not_made_to_its_end_is_not_kept(scheduler: Scheduler, cache: PhraseCache) -> None:
    for _ in range(3):
        await made(Stumbling(0), scheduler, cache, most=2)
    engine = Stumbling(2)
    for _ in range(2):
        with pytest.raises(InputError):
            await made(engine, scheduler, cache)
    assert cache.bytes == 0
    assert len(await made(engine, scheduler, cache)) == 2
    assert cache.bytes > 0


async def test_a_clause_that_was_cut_off_is_not_kept(scheduler: Scheduler, cache: PhraseCache) -> None:
    engine = Stumbling(0, cut=True)
    for _ in range(3):
        assert [piece.cut for piece in await made(engine, scheduler, cache)] == [False, True]
    assert cache.bytes == 0


async def test_without_a_cache_nothing_is_kept(scheduler: Scheduler) -> None:
    for _ in range(3):
        assert len(await made(Stumbling(0), scheduler, None)) == 2
