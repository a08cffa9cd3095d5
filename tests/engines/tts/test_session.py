import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from engines.errors import InputError
from engines.ports import Speech, SpokenWord
from engines.scheduler import Lane, Scheduler
from engines.tts.alignment import written_words
from engines.tts.contexts import ContextFlushed, Text
from engines.tts.session import (
    ContextAudio,
    ContextDone,
    ContextFailed,
    ContextStarted,
    ContextWords,
    SessionEvent,
    TtsSession,
)
from engines.tts.silence import JOINT_MS, LEAD_MS, TAIL_MS, THRESHOLD
from tests.engines.tts.voice import VOICE, piper

RATE = 1000
JOINT = (JOINT_MS - LEAD_MS - TAIL_MS) * RATE // 1000


class Typewriter:
    """A voice of one sample a character, at 1,000 Hz. It stops before the clause `hold`.

    A clause with a `;` in it comes in two pieces, cut there, and it stops before the second when that is `hold`.
    """

    sample_rate = RATE
    language = "en"
    voices: tuple[str, ...] = ("typewriter",)

    def __init__(self, hold: str = "") -> None:
        self.hold = hold
        self.asked: list[tuple[str, float]] = []
        self.holding = threading.Event()
        self.go_on = threading.Event()

    def synthesize(self, text: str, voice: str, speed: float = 1.0) -> Iterator[Speech]:
        assert voice in self.voices
        self.asked.append((text, speed))
        if "bad" in text:
            raise InputError("bad text")
        if "crash" in text:
            raise ZeroDivisionError("a secret")
        head, _, text = text.rpartition(";")
        if head:
            yield Speech(np.ones(len(head), np.int16), (), exact=True, more=True)
        if text == self.hold:
            self.holding.set()
            assert self.go_on.wait(10)
        words = tuple(
            SpokenWord(word.text, word.offset, word.offset / RATE, (word.offset + len(word.text)) / RATE)
            for word in written_words(text)
        )
        yield Speech(np.ones(len(text), np.int16), words, exact=True)


@pytest.fixture
async def scheduler() -> AsyncIterator[Scheduler]:
    scheduler = Scheduler(1)
    yield scheduler
    await asyncio.to_thread(scheduler.close)


async def events(session: TtsSession, contexts: int = 1) -> list[SessionEvent]:
    """All up to the end of so many contexts."""
    happened: list[SessionEvent] = []
    async for event in session.events():
        happened.append(event)
        contexts -= isinstance(event, ContextDone | ContextFailed)
        if contexts == 0:
            break
    return happened


def kinds(happened: list[SessionEvent]) -> list[tuple[str, str]]:
    return [(type(event).__name__.removeprefix("Context"), event.context_id) for event in happened]


async def test_a_context_is_started_spoken_and_done(scheduler: Scheduler) -> None:
    session = TtsSession(Typewriter(), scheduler, "typewriter")
    session.speak("a", "Hello there. ", more=True)
    session.speak("a", "Bye now.")
    happened = await events(session)
    assert kinds(happened) == [(kind, "a") for kind in ("Started", "Words", "Audio", "Words", "Audio", "Done")]
    sounds = [event.pcm for event in happened if isinstance(event, ContextAudio)]
    assert [len(pcm) for pcm in sounds] == [12, JOINT + 8]
    assert not sounds[1][:JOINT].any()
    words = [word for event in happened if isinstance(event, ContextWords) for word in event.words]
    assert [(word.text, word.offset, round(word.start, 3), round(word.end, 3)) for word in words] == [
        ("Hello", 0, 0.0, 0.005),
        ("there.", 6, 0.006, 0.012),
        ("Bye", 13, 0.092, 0.095),
        ("now.", 17, 0.096, 0.1),
    ]
    assert happened[-1] == ContextDone("a", samples=20 + JOINT, cancelled=False)


async def test_contexts_follow_each_other(scheduler: Scheduler) -> None:
    session = TtsSession(Typewriter(), scheduler, "typewriter")
    session.speak("b", "One", more=True)
    session.speak("a", "Two.")
    session.speak("b", ".")
    happened = await events(session, 2)
    assert [context for kind, context in kinds(happened) if kind in ("Started", "Done")] == ["b", "b", "a", "a"]


async def test_a_context_without_words_starts_and_is_done(scheduler: Scheduler) -> None:
    session = TtsSession(Typewriter(), scheduler, "typewriter")
    session.speak("a", "...")
    assert await events(session) == [ContextStarted("a"), ContextDone("a", samples=0, cancelled=False)]


async def test_cancel_throws_away_what_is_being_made_without_waiting_for_it(scheduler: Scheduler) -> None:
    engine = Typewriter(hold="Two.")
    session = TtsSession(engine, scheduler, "typewriter")
    session.speak("a", "One. Two. Three.")
    session.speak("b", "Four.")
    running = asyncio.create_task(events(session))
    await asyncio.to_thread(engine.holding.wait, 10)
    session.cancel("a")
    happened = await running  # the worker still holds
    assert happened[-1] == ContextDone("a", samples=4, cancelled=True, text=Text("One. Two. Three.", 0))
    engine.go_on.set()
    assert kinds(await events(session)) == [("Started", "b"), ("Words", "b"), ("Audio", "b"), ("Done", "b")]


async def test_nothing_comes_between_the_pieces_of_a_clause(scheduler: Scheduler) -> None:
    session = TtsSession(Typewriter(), scheduler, "typewriter")
    session.speak("a", "One. T;wo.")
    happened = await events(session)
    sounds = [(len(event.pcm), event.more) for event in happened if isinstance(event, ContextAudio)]
    assert sounds == [(4, False), (JOINT + 1, True), (3, False)]
    assert happened[-1] == ContextDone("a", samples=JOINT + 8, cancelled=False)


async def test_cancel_between_the_pieces_of_a_clause(scheduler: Scheduler) -> None:
    engine = Typewriter(hold="Two.")
    session = TtsSession(engine, scheduler, "typewriter")
    session.speak("a", "One;Two. Three.")
    running = asyncio.create_task(events(session))
    await asyncio.to_thread(engine.holding.wait, 10)
    session.cancel("a")
    assert (await running)[-1] == ContextDone("a", samples=3, cancelled=True, text=Text("One;Two. Three.", 0))
    engine.go_on.set()


async def test_a_cancelled_context_that_waits_is_never_started(scheduler: Scheduler) -> None:
    session = TtsSession(Typewriter(), scheduler, "typewriter")
    session.speak("a", "One.")
    session.speak("b", "Two.")
    session.cancel("b")
    happened = await events(session, 2)
    assert happened[-1] == ContextDone("b", samples=0, cancelled=True, text=Text("Two.", 0))
    assert ("Started", "b") not in kinds(happened)


async def test_cancel_takes_queued_work_from_the_workers(scheduler: Scheduler) -> None:
    engine = Typewriter(hold="Busy.")
    busy, waiting = (TtsSession(engine, scheduler, "typewriter") for _ in range(2))
    busy.speak("a", "Busy.")
    first = asyncio.create_task(events(busy))
    await asyncio.to_thread(engine.holding.wait, 10)
    waiting.speak("b", "Two.")
    second = asyncio.create_task(events(waiting))
    while not scheduler.waiting(Lane.FINAL):  # noqa: ASYNC110 - nothing tells of it; it takes a turn of the loop or two
        await asyncio.sleep(0)
    waiting.cancel("b")
    assert (await second)[-1] == ContextDone("b", samples=0, cancelled=True, text=Text("Two.", 0))
    assert not scheduler.waiting(Lane.FINAL)
    engine.go_on.set()
    await first


@pytest.mark.parametrize(("text", "code", "retryable"), [("bad", "input", False), ("crash", "engine", True)])
async def test_a_failure_ends_its_context_only(scheduler: Scheduler, text: str, code: str, retryable: bool) -> None:
    session = TtsSession(Typewriter(), scheduler, "typewriter")
    session.speak("a", f"One. {text}. Three.")
    session.speak("b", "Four.")
    happened = await events(session, 2)
    [failed] = [event for event in happened if isinstance(event, ContextFailed)]
    assert (failed.context_id, failed.code, failed.retryable) == ("a", code, retryable)
    assert "secret" not in failed.message
    assert happened[-1] == ContextDone("b", samples=5, cancelled=False)


async def test_close_ends_the_events(scheduler: Scheduler) -> None:
    engine = Typewriter(hold="One.")
    session = TtsSession(engine, scheduler, "typewriter")
    session.speak("a", "One.")
    running = asyncio.create_task(events(session))
    await asyncio.to_thread(engine.holding.wait, 10)
    session.close()
    assert kinds(await running) == [("Started", "a")]
    engine.go_on.set()


async def test_what_was_flushed_is_told_behind_its_sound(scheduler: Scheduler) -> None:
    session = TtsSession(Typewriter(), scheduler, "typewriter")
    session.speak("a", "Hello", more=True, flush=True)
    session.speak("a", " again.", flush=True)
    happened = await events(session)
    spoken = [(kind, "a") for kind in ("Words", "Audio", "Flushed")]
    assert kinds(happened) == [("Started", "a"), *spoken, *spoken, ("Done", "a")]


async def test_a_flush_without_text_starts_its_context(scheduler: Scheduler) -> None:
    session = TtsSession(Typewriter(), scheduler, "typewriter")
    session.speak("a", "", more=True, flush=True)
    session.speak("a", "")
    assert await events(session) == [
        ContextStarted("a"),
        ContextFlushed("a"),
        ContextDone("a", samples=0, cancelled=False),
    ]


async def test_a_context_may_have_a_speed_of_its_own(scheduler: Scheduler) -> None:
    engine = Typewriter()
    session = TtsSession(engine, scheduler, "typewriter", speed=1.5)
    session.speak("a", "One.")
    session.speak("b", "Two.", speed=0.5)
    await events(session, 2)
    assert engine.asked == [("One.", 1.5), ("Two.", 0.5)]


@pytest.mark.models
async def test_real_clauses_are_joined_by_150_ms_of_silence(scheduler: Scheduler) -> None:
    session = TtsSession(piper(), scheduler, VOICE)
    text = "Open the door, you said. It is cold outside. Come in!"
    session.speak("a", text)
    happened = await events(session)
    sounds: list[NDArray[np.float32]] = []
    more = False
    for event in happened:
        if isinstance(event, ContextAudio):
            before = sounds.pop() if more else np.zeros(0, np.float32)
            sounds.append(np.concatenate((before, event.pcm.astype(np.float32))))
            more = event.more
    assert len(sounds) == 4
    rate = piper().sample_rate
    edges = []
    for pcm in sounds:
        loud = np.flatnonzero(np.abs(pcm) > np.abs(pcm).max() * THRESHOLD)
        edges.append((loud[0] / rate * 1000, (len(pcm) - loud[-1]) / rate * 1000))
    joints = [tail + lead for (_, tail), (lead, _) in pairwise(edges)]
    assert all(JOINT_MS - 12 <= joint <= JOINT_MS + 9 for joint in joints), joints
    words = [word for event in happened if isinstance(event, ContextWords) for word in event.words]
    assert [word.text for word in words] == text.split()
    assert all(text[word.offset :].startswith(word.text) for word in words)
    assert all(left.end <= right.start + 1e-6 for left, right in pairwise(words))
    done = happened[-1]
    assert isinstance(done, ContextDone)
    assert done.samples == sum(map(len, sounds))
    assert words[-1].end <= done.samples / rate + 1e-6
