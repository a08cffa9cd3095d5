"""What the caller says, weighed against what we are saying: moves the floor, and decides what the dialplan is told."""

from collections.abc import Callable
from dataclasses import replace

from media_server.call.leg import Leg
from media_server.speech.turns import MaybeOver, SpeechBegan, TurnEvent, TurnOver, WentOn
from media_server.turn.barge_in import BargeIn, asks_for_the_floor, may_answer
from media_server.turn.floor import Change, Holder


class FloorControl:
    """One leg's. Words that do not ask for the floor ("mhm", while we speak) are an aside, and no turn.

    A turn that is our own voice, come back, is none either; it becomes one where another voice joins in.
    """

    def __init__(self, leg: Leg, language: str, is_ours: Callable[[float], bool]) -> None:
        """`is_ours`: whether all that came since then (seconds of the recogniser's stream) was our own voice."""
        self._leg = leg
        self._language = language
        self._is_ours = is_ours
        self._began: SpeechBegan | None = None
        """The turn that is open."""
        self._ours = False
        """Whether it was nothing but our own voice so far."""
        self._told = False
        """Whether floor and dialplan know of it."""
        self._aside = False
        """Whether its words so far, said while we spoke, were no more than "go on"."""
        self.on_aside: Callable[[TurnOver], None] = lambda _over: None
        self.answers: Callable[[str], bool] = lambda _text: False
        """Whether these words answer what is being asked, and so ask for the floor whatever they are."""

    def receive(self, event: TurnEvent) -> TurnEvent | None:
        """What of an event the dialplan is told."""
        if isinstance(event, SpeechBegan):
            self._began, self._ours, self._told, self._aside = event, True, False, False
        self._ours = self._ours and self._sounds_ours()
        if self._ours:
            return self._forget(event) if isinstance(event, TurnOver) and self._told else None
        self._told = True
        match event:
            case SpeechBegan() | WentOn():
                self._leg.change(Change.CONTESTS if self._policy is BargeIn.ON else Change.SPEECH_STARTED)
                return event
            case MaybeOver():
                return event if self._weigh(event.text) else None
            case TurnOver():
                asks = self._weigh(event.text)
                self._leg.change(Change.TURN_ENDED)
                if not asks and event.text:
                    self.on_aside(event)
                return event if asks else replace(event, text="")

    def heard_more(self) -> None:
        """More sound of the caller's: it may show that what contests the floor is our own voice after all."""
        contested = self._leg.floor.holder in (Holder.CONTESTED, Holder.HUSHED)
        if contested and not self._ours and self._sounds_ours():
            self._ours = True
            self._leg.change(Change.NO_WORDS)

    def words(self) -> None:
        """A key was pressed, or something typed: it interrupts as spoken words do."""
        if self._leg.floor.agent_speaks and self._policy is not BargeIn.OFF:
            self._leg.change(Change.WORDS)

    def _sounds_ours(self) -> bool:
        return self._began is not None and self._is_ours(self._began.at)

    def _forget(self, over: TurnOver) -> TurnOver:
        """The end of a turn that was none after all."""
        self._leg.change(Change.TURN_ENDED)
        return replace(over, text="")

    @property
    def _policy(self) -> BargeIn:
        current = self._leg.playout.current
        return BargeIn.ON if current is None else current.barge_in

    def _weigh(self, text: str) -> bool:
        """Whether these words are for the dialplan."""
        asks = asks_for_the_floor(text, self._language) or self.answers(text)
        if not self._leg.floor.agent_speaks:
            # "Mhm", begun while we spoke, is none either when it is over after us; "yeah" may be the answer.
            return asks or not self._aside or may_answer(text, self._language)
        self._aside = not asks
        if not asks:
            self._leg.change(Change.NO_WORDS)
            return False
        if self._policy is not BargeIn.OFF:
            self._leg.change(Change.WORDS)
        return True
