"""One recognition over streams that are lost at any moment. A pretended engine understands sound made of words."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from media_server.protocol.asr_stream import AsrEvent, Final, SpeechStarted, TurnEager, TurnEnded, TurnResumed
from media_server.speech.replay import PROVEN_S, RESTART_S, Replay

RATE = 8000
CHUNK = 640
"""Bytes: 40 ms."""
CHUNK_S = 0.04


class Engine:
    """A chunk of value n is the word n, 0 is silence. A turn ends after three silent chunks."""

    def __init__(self) -> None:
        self._at = 0
        self._turn = self._revision = 0
        self._words: list[int] = []
        self._silent = 0
        self._start = 0.0

    def hear(self, pcm: bytes) -> list[AsrEvent]:
        events: list[AsrEvent] = []
        for index in range(0, len(pcm), CHUNK):
            events += self._chunk(pcm[index])
        return events

    def _chunk(self, word: int) -> list[AsrEvent]:
        begun, self._at = self._at * CHUNK_S, self._at + 1
        now = self._at * CHUNK_S
        if word:
            events: list[AsrEvent] = []
            if not self._words:
                self._turn, self._start, self._revision = self._turn + 1, begun, 0
                events.append(SpeechStarted(turn=self._turn, at=begun))
            elif self._silent:
                events.append(TurnResumed(turn=self._turn, revision=self._revision, at=begun))
            self._words.append(word)
            self._silent = 0
            return events
        if not self._words:
            return []
        self._silent += 1
        text = " ".join(map(str, self._words))
        end = now - self._silent * CHUNK_S
        if self._silent == 1:
            self._revision += 1
            return [
                TurnEager(
                    turn=self._turn, revision=self._revision, text=text, start=self._start, end=end, probability=0.9
                )
            ]
        if self._silent < 3:
            return []
        self._words.clear()
        self._silent = 0
        final = Final(turn=self._turn, text=text, start=self._start, end=end)
        return [final, TurnEnded(turn=self._turn, end=end, at=now, probability=0.9, reason="complete")]


def session(words: list[int], losses: set[int], told_of_last: int) -> tuple[list[AsrEvent], Replay]:
    """What consumers are told where the stream is lost before some chunks, with a few of its last messages."""
    replay, engine, told = Replay(RATE), Engine(), list[AsrEvent]()
    replay.begin(0.0)
    for number, word in enumerate(words):
        now = number * CHUNK_S
        replay.push(bytes([word]) * CHUNK)
        events = engine.hear(replay.take(CHUNK, 100 * CHUNK))
        if number in losses:
            events = events[:told_of_last]
        told += filter(None, map(replay.receive, events))
        if number in losses:
            told += replay.lose()
            engine = Engine()
            replay.begin(now)
            told += filter(None, map(replay.receive, engine.hear(replay.take(CHUNK, 10_000 * CHUNK))))
        told += replay.on_deadline(now)
    # The silence goes on: a turn whose end was lost with the stream is ended without one.
    for later in (0.0, RESTART_S):
        told += replay.on_deadline(len(words) * CHUNK_S + later)
    return told, replay


SPEECH = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 5)), max_size=20).map(
    lambda pairs: [chunk for word, pause in pairs for chunk in (word, *([0] * pause))] + [0] * 4
)


@given(SPEECH, st.sets(st.integers(0, 140), max_size=2), st.integers(0, 3))
def test_wherever_the_stream_is_lost_every_word_is_told_once(words: list[int], losses: set[int], last: int) -> None:
    told, replay = session(words, losses, last)
    whole, _ = session(words, set(), 0)
    assert transcript(told) == transcript(whole) == [str(word) for word in words if word]
    assert replay.skipped == 0
    begun = [event.turn for event in told if isinstance(event, SpeechStarted)]
    ended = [event.turn for event in told if isinstance(event, TurnEnded)]
    assert begun == ended == list(range(1, len(begun) + 1))
    finals = [event for event in told if isinstance(event, Final)]
    assert all(one.end <= other.start for one, other in pairwise(finals))
    assert all(
        round(one.start, 6) == round(other.start, 6)
        for one, other in zip(finals, (each for each in whole if isinstance(each, Final)), strict=False)
        if one.text == other.text
    )


@given(SPEECH, st.sets(st.integers(0, 140), max_size=2), st.integers(0, 3))
def test_what_was_offered_is_always_taken_back_or_kept(words: list[int], losses: set[int], last: int) -> None:
    offered: int | None = None
    for event in session(words, losses, last)[0]:
        match event:
            case TurnEager():
                assert offered is None
                offered = event.revision
            case TurnResumed():
                assert event.revision == offered
                offered = None
            case Final():
                offered = None
            case _:
                pass


def transcript(events: list[AsrEvent]) -> list[str]:
    return " ".join(event.text for event in events if isinstance(event, Final)).split()


def test_sound_that_brings_down_every_engine_is_given_up_and_the_turn_ended() -> None:
    replay = Replay(RATE)
    for attempt in range(3):
        replay.begin(float(attempt))
        replay.push(b"\x01" * CHUNK)
        assert len(replay.take(CHUNK, 100 * CHUNK)) == (attempt + 1) * CHUNK
        replay.receive(SpeechStarted(turn=1, at=0.0))
        lost = replay.lose()
    assert [type(event) for event in lost] == [TurnEnded]
    assert replay.skipped == 3 * CHUNK // 2
    replay.begin(3.0)
    assert replay.take(1, CHUNK) == b""


def test_a_turn_that_is_not_found_again_is_ended() -> None:
    replay = Replay(RATE)
    replay.begin(0.0)
    replay.push(b"\x01" * CHUNK)
    replay.receive(SpeechStarted(turn=1, at=0.0))
    assert replay.lose() == []
    replay.begin(10.0)
    replay.push(b"\x01" * 60 * CHUNK)
    assert replay.on_deadline(100.0) == [], "it has not heard all of it yet"
    replay.take(1, 100 * CHUNK)
    assert replay.on_deadline(101.0) == []
    assert replay.on_deadline(101.0 + RESTART_S - 0.1) == []
    assert [type(event) for event in replay.on_deadline(101.0 + RESTART_S)] == [TurnEnded]
    assert replay.on_deadline(200.0) == []


def test_words_that_are_final_do_not_end_the_turn_of_who_goes_on() -> None:
    replay = Replay(RATE)
    replay.begin(0.0)
    replay.push(b"\x01" * CHUNK)
    replay.take(1, CHUNK)
    replay.receive(SpeechStarted(turn=1, at=0.0))
    replay.receive(Final(turn=1, text="cut after twenty seconds", start=0.0, end=CHUNK_S))
    assert replay.lose() == []
    replay.begin(1.0)
    replay.push(b"\x02" * CHUNK)
    replay.take(1, CHUNK)
    assert replay.receive(SpeechStarted(turn=1, at=0.0)) is None, "it is the same turn"


def test_losses_that_the_sound_did_not_bring_are_forgotten() -> None:
    replay = Replay(RATE)
    for attempt in range(9):
        replay.begin(10.0 * attempt)
        replay.push(b"\x01" * CHUNK)
        replay.take(1, 100 * CHUNK)
        replay.on_deadline(10.0 * attempt + PROVEN_S)
        replay.lose()
    assert replay.skipped == 0
    assert replay.wait_s == 0.0
    replay.begin(100.0)
    replay.lose()
    assert replay.wait_s > 0.0


def test_old_sound_that_nobody_took_is_counted() -> None:
    replay = Replay(RATE)
    for _ in range(70):
        replay.push(bytes(2 * RATE))
    assert replay.skipped == 10 * RATE
    assert replay.seconds == 70.0
