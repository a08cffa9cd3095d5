"""Messages of our own stream, and how they read in Deepgram's."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_server.protocol.asr_stream import (
    AsrClosed,
    AsrEvent,
    EndReason,
    Final,
    Finalized,
    HeardWord,
    Partial,
    Quiet,
    SpeechStarted,
    TurnEnded,
    TurnResumed,
)
from media_server.protocol.listen import Results
from media_server.protocol.listen_query import ListenQuery
from media_server.protocol.listener import Listener, Request, bare
from media_server.protocol.speech import Message, SpeechError

REQUEST = Request("a-request", "whisper-base", "2026-11-24T00:00:00.000Z", lambda: "a-hash")


def told(*events: AsrEvent, **options: object) -> list[Message]:
    listener = Listener(REQUEST, ListenQuery.model_validate(options))
    return [message for event in events for message in listener.told(event)]


def final(text: str, start: float, end: float, *, ends_turn: bool = True) -> Final:
    heard = [HeardWord(text=word, start=start, end=end, confidence=0.9) for word in text.split()]
    return Final(
        turn=1, text=text, start=start, end=end, language="en", confidence=0.8, words=heard, ends_turn=ends_turn
    )


def ended(end: float, reason: EndReason = "silence") -> TurnEnded:
    return TurnEnded(turn=1, end=end, at=end + 0.4, probability=1.0, reason=reason)


CLOSED = AsrClosed(received_s=3.0, decoded_s=2.0, silence_s=1.0, dropped_s=0.0, reason="close")
HELLO = final("Hello.", 1.0, 1.5)
GONE = SpeechError(code="protocol_violation", message="type: what?", retryable=False)

Told = tuple[str, str, float, float, bool, bool, bool]


def brief(message: Message) -> str | Told:
    """Its type, and what tells results apart: text, start, duration, is_final, speech_final, from_finalize."""
    if not isinstance(message, Results):
        return type(message).__name__
    [heard] = message.channel.alternatives
    flags = message.is_final, message.speech_final, message.from_finalize
    return ("Results", heard.transcript, message.start, message.duration, *flags)


@pytest.mark.parametrize(
    ("events", "options", "expected"),
    [
        ([SpeechStarted(turn=1, at=1.0)], {}, []),
        ([SpeechStarted(turn=1, at=1.0)], {"vad_events": True}, ["SpeechStarted"]),
        (
            [Partial(turn=1, revision=1, text="Hel", stable=0, start=1.0, end=1.2, confidence=0.5)],
            {},
            [("Results", "Hel", 1.0, 0.2, False, False, False)],
        ),
        ([TurnResumed(turn=1, revision=1, at=1.0)], {}, []),
        ([HELLO, ended(1.5)], {}, [("Results", "Hello.", 1.0, 0.5, True, True, False)]),
        ([HELLO, ended(1.5)], {"endpointing": False}, [("Results", "Hello.", 1.0, 0.5, True, False, False)]),
        ([HELLO, ended(1.5)], {"punctuate": False}, [("Results", "hello", 1.0, 0.5, True, True, False)]),
        (  # a long turn is cut, and what follows the cut has no words
            [final("Hello.", 1.0, 21.0, ends_turn=False), ended(22.0)],
            {},
            [("Results", "Hello.", 1.0, 20.0, True, False, False), ("Results", "", 21.0, 1.0, True, True, False)],
        ),
        (
            [HELLO, ended(1.5, "finalize"), Finalized()],
            {},
            [("Results", "Hello.", 1.0, 0.5, True, True, True)],
        ),
        (  # each Finalize has an answer
            [HELLO, ended(1.5), Finalized(), Finalized()],
            {},
            [("Results", "Hello.", 1.0, 0.5, True, True, False), *2 * [("Results", "", 1.5, 0.0, True, False, True)]],
        ),
        (  # … once for the same words, and not after a turn without any
            [HELLO, ended(1.5), Quiet(turn=1, end=1.5, at=2.5), ended(4.0), Quiet(turn=2, end=4.0, at=5.0)],
            {},
            [
                ("Results", "Hello.", 1.0, 0.5, True, True, False),
                "UtteranceEnd",
                ("Results", "", 1.5, 2.5, True, True, False),
            ],
        ),
        ([CLOSED], {}, ["Metadata"]),
        ([GONE, CLOSED.model_copy(update={"reason": "protocol_violation"})], {}, ["Error"]),
    ],
)
def test_how_events_read(events: Sequence[AsrEvent], options: dict[str, object], expected: list[str | Told]) -> None:
    assert [brief(message) for message in told(*events, **options)] == expected


def test_words_are_bare_and_as_they_are_written() -> None:
    [results] = told(final("«Don't», she said: 5%!", 0.0, 1.0), ended(1.0))
    assert isinstance(results, Results)
    words = results.channel.alternatives[0].words
    assert [word.word for word in words] == ["don't", "she", "said", "5%"]
    assert " ".join(word.punctuated_word or "" for word in words) == "«Don't», she said: 5%!"


@given(st.text(min_size=1).filter(lambda text: text == "".join(text.split())))
def test_no_word_is_lost_by_being_bare(word: str) -> None:
    assert bare(word)


def test_what_a_closed_stream_says() -> None:
    [metadata] = told(CLOSED, extra=("call:7", "desk:4:2"))
    assert metadata.model_dump() == {
        "type": "Metadata",
        "transaction_key": "deprecated",
        "request_id": "a-request",
        "sha256": "a-hash",
        "created": "2026-11-24T00:00:00.000Z",
        "duration": 3.0,
        "channels": 1,
        "extra": {"call": "7", "desk": "4:2"},
    }
