"""Turns that may be our own voice, come back."""

from types import SimpleNamespace
from typing import cast

import pytest

from media_server.call.floor_control import FloorControl
from media_server.call.leg import Leg
from media_server.speech.turns import MaybeOver, SpeechBegan, TurnOver
from media_server.turn.floor import Change, Floor, Holder, Move


class Line:
    """The floor of a leg that is saying something, and what share of what comes in is ours."""

    def __init__(self) -> None:
        self.floor = Floor(0.0)
        self.floor.change(Change.AGENT_BEGINS, 0.0)
        self.playout = SimpleNamespace(current=None)
        self.moves: list[Move] = []
        self.ours = False
        self.control = FloorControl(cast("Leg", self), "en", lambda _since: self.ours)

    def change(self, change: Change) -> None:
        if move := self.floor.change(change, 1.0):
            self.moves.append(move)


@pytest.fixture
def line() -> Line:
    return Line()


def over(text: str) -> TurnOver:
    return TurnOver(1, text, 0.5, 1.0, 1.4, "complete")


def test_our_own_voice_does_not_contest_the_floor(line: Line) -> None:
    line.ours = True
    assert line.control.receive(SpeechBegan(1, 0.5)) is None
    assert line.control.receive(over("our own words")) is None
    assert line.moves == []


def test_a_voice_that_proves_to_be_ours_is_let_go_on_at_once(line: Line) -> None:
    began = SpeechBegan(1, 0.5)
    assert line.control.receive(began) is began
    line.control.heard_more()
    assert line.moves == [Move.PAUSE]
    line.ours = True
    line.control.heard_more()
    line.control.heard_more()
    assert line.moves == [Move.PAUSE, Move.RESUME]
    told = line.control.receive(over("our own words"))
    assert isinstance(told, TurnOver), "who was told of its beginning is told of its end"
    assert told.text == ""
    assert line.floor.holder is Holder.AGENT


def test_a_voice_that_joins_in_takes_the_floor_after_all(line: Line) -> None:
    line.control.receive(SpeechBegan(1, 0.5))
    line.ours = True
    line.control.heard_more()
    line.ours = False
    assert line.control.receive(MaybeOver(1, "wait a second", 0.9)) is not None
    assert line.moves == [Move.PAUSE, Move.RESUME, Move.YIELD]
    assert line.control.receive(over("wait a second")) == over("wait a second")


@pytest.mark.parametrize(("words", "answers"), [("Mhm.", False), ("Yeah.", True)])
def test_what_was_said_into_our_last_word_is_no_turn_unless_it_answers(
    line: Line, words: str, *, answers: bool
) -> None:
    line.control.receive(SpeechBegan(1, 0.5))
    assert line.control.receive(MaybeOver(1, words, 0.9)) is None
    line.change(Change.AGENT_HEARD)
    told = line.control.receive(over(words))
    assert isinstance(told, TurnOver)
    assert told.text == (words if answers else "")
    assert line.moves == [Move.PAUSE, Move.RESUME]


def test_the_same_sound_when_we_were_silent_is_a_turn(line: Line) -> None:
    line.change(Change.AGENT_HEARD)
    line.control.receive(SpeechBegan(1, 0.5))
    assert line.control.receive(MaybeOver(1, "Mhm.", 0.9)) is not None
    assert line.control.receive(over("Mhm.")) == over("Mhm.")
