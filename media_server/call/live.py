"""What is told of a call while it happens, to who watches it: what the caller is saying, and where we are in our words.

It costs a call that is watched a wake at each word of ours that sounds, and where nothing sounds nothing; who is not
watched has none of it.
"""

import asyncio
from dataclasses import dataclass

from media_server.call.chronicle import HIDDEN, Chronicle
from media_server.call.events import AgentSpeaking, AgentWord, CallerPartial, CallerSpeaking, FloorMoved
from media_server.call.leg import Leg, TurnTaking
from media_server.call.speaking import Speaking
from media_server.call.voice import Voice
from media_server.protocol.asr_stream import AsrEvent
from media_server.speech.turn_text import SoFar, TurnText
from media_server.speech.turns import MaybeOver, TurnEvent
from media_server.turn.floor import Change, Move
from media_server.turn.utterance import FirstAudible

LEAST_S = 0.02
LOOK_S = 0.1
"""How often an utterance is looked at whose text may grow, or which does not go on."""

_MOVES = {Move.PAUSE: "pause", Move.RESUME: "resume", Move.YIELD: "yield"}
_SPEAKS = {Change.SPEECH_STARTED: True, Change.CONTESTS: True, Change.TURN_ENDED: False}


@dataclass(slots=True)
class _Shown:
    """What was told of an utterance: its text, and how many characters of that are heard; where it was then."""

    text: str = ""
    heard: int = 0
    sample: int | None = None


class Live:
    """Of one call. `run` is its task, which tells of our words."""

    def __init__(self, leg: Leg, voice: Voice, chronicle: Chronicle) -> None:
        self._leg = leg
        self._voice = voice
        self._chronicle = chronicle
        self._text = TurnText()
        self._known: int | None = None
        """The turn of which the dialplan was told: another may be our own voice, come back."""
        self._speaks = False
        self._partial: tuple[int, SoFar] | None = None
        self._sounding: dict[Speaking, _Shown] = {}
        self._news = asyncio.Event()
        leg.on_turn_taking.append(self._turn_taking)

    # --- the caller ----------------------------------------------------------------------------------------------

    def heard(self, event: AsrEvent, told: TurnEvent | None, turn: int) -> None:
        """What the recogniser says of a turn, and what the dialplan is told of that."""
        so_far = self._text.receive(event)
        if told is not None:
            self._known = turn
        if isinstance(told, MaybeOver):
            self._caller_speaks(speaking=False)
        if so_far is None or self._known != turn:
            return
        if self._chronicle.hides(turn):
            so_far = SoFar(HIDDEN, 0)
        if self._partial != (turn, so_far):
            self._partial = turn, so_far
            self._chronicle.show(CallerPartial, turn=turn, text=so_far.text, stable=so_far.stable)

    def _caller_speaks(self, *, speaking: bool) -> None:
        if self._speaks is not speaking:
            self._speaks = speaking
            self._chronicle.show(CallerSpeaking, speaking=speaking)

    def _turn_taking(self, happened: TurnTaking) -> None:
        match happened:
            case FirstAudible():
                speaking = self._voice.speaking.get(happened.utterance)
                if speaking is not None and speaking.text.strip():
                    self._sounding.setdefault(speaking, _Shown())
            case Move() if happened in _MOVES:
                self._chronicle.show(FloorMoved, move=_MOVES[happened])
            case Change() if happened in _SPEAKS:
                self._caller_speaks(speaking=_SPEAKS[happened])
            case _:
                return
        self._news.set()

    # --- our words -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Tell of each word as it begins to sound; ends by cancellation."""
        while True:
            self._news.clear()
            waits = [self._look(speaking, shown) for speaking, shown in self._sounding.items()]
            try:
                async with asyncio.timeout(min(waits, default=None)):
                    await self._news.wait()
            except TimeoutError:
                pass

    def over(self, speaking: Speaking) -> None:
        """Something of ours is over: what was heard of it is known for certain."""
        shown = self._sounding.pop(speaking, None)
        if shown is None:
            return
        if speaking.heard:
            self._show_text(speaking, shown)
        if shown.text and shown.heard != len(speaking.heard):
            self._show_heard(speaking, shown, len(speaking.heard))

    def _look(self, speaking: Speaking, shown: _Shown) -> float:
        """Tell what is new of it; returns in how many seconds to look again."""
        rate = self._leg.port.sample_rate
        sample, before = self._leg.playout.sounds_of(speaking.utterance, self._leg.now()), shown.sample
        shown.sample = sample
        if sample is None:
            return LOOK_S
        if sample < 0:
            return max(LEAST_S, -sample / rate)
        self._show_text(speaking, shown)
        begun = [word for word in speaking.words if word.start * rate <= sample]
        heard = begun[-1].offset + len(begun[-1].text) if begun else 0
        if heard > shown.heard:
            self._show_heard(speaking, shown, heard)
        next_s = speaking.words[len(begun)].start - sample / rate if len(begun) < len(speaking.words) else LOOK_S
        growing = speaking.maker is not None and not speaking.maker.done()
        return max(LEAST_S, min(next_s, LOOK_S) if growing or sample == before else next_s)

    def _show_text(self, speaking: Speaking, shown: _Shown) -> None:
        if shown.text != speaking.text:
            shown.text = speaking.text
            self._chronicle.show(AgentSpeaking, utterance=speaking.utterance.id, turn=speaking.turn, text=speaking.text)

    def _show_heard(self, speaking: Speaking, shown: _Shown, heard: int) -> None:
        shown.heard = heard
        self._chronicle.show(AgentWord, utterance=speaking.utterance.id, heard=heard)
