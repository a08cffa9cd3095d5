"""What is being said in the turn that is open, put together from the recogniser's partials and finals. Sans-IO.

A partial is what follows the last final of its turn; here it is all of the turn.
"""

from dataclasses import dataclass

from media_server.protocol.asr_stream import AsrEvent, Final, Partial, SpeechStarted, TurnEager


@dataclass(frozen=True, slots=True)
class SoFar:
    """The words of a turn so far; the first `stable` characters will not change any more."""

    text: str
    stable: int


class TurnText:
    """Events of a recogniser's streams in, the text of the open turn out."""

    def __init__(self) -> None:
        self._final = ""
        self._latest = SoFar("", 0)

    def receive(self, event: AsrEvent) -> SoFar | None:
        """The text, where the event changes it."""
        match event:
            case SpeechStarted():
                self._final, self._latest = "", SoFar("", 0)
                return None
            case Partial():
                told = self._joined(event.text, event.stable)
            case TurnEager():
                told = self._joined(event.text, 0)
                agreed = self._latest.text[: self._latest.stable]
                if told.text.startswith(agreed):
                    told = SoFar(told.text, max(told.stable, len(agreed)))
            case Final() if not event.ends_turn:  # with the turn's end all of it is told anyway
                self._final = f"{self._final} {event.text}".strip()
                told = SoFar(self._final, len(self._final))
            case _:
                return None
        if told == self._latest or not told.text:
            return None
        self._latest = told
        return told

    def _joined(self, text: str, stable: int) -> SoFar:
        """What follows the finals, behind them."""
        joined = f"{self._final} {text}".strip()
        return SoFar(joined, len(joined) - len(text) + stable if stable else len(self._final))
