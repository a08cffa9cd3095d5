"""When a stream has been quiet for as long as somebody wants to be told of. Sans-IO, in audio time."""

from collections.abc import Iterable

from engines.asr.events import Quiet, SpeechStarted, TurnEnded


class QuietWatch:
    """The silence after each turn of one stream; told of once, and not when somebody speaks before.

    Args:
        sample_rate: Of the stream's positions.
        quiet_ms: How long a silence counts, from the end of the turn's speech.
    """

    def __init__(self, sample_rate: int, quiet_ms: int) -> None:
        self._rate = sample_rate
        self._quiet_s = quiet_ms / 1000
        self._last: TurnEnded | None = None

    def receive(self, outputs: Iterable[object], position: int) -> list[Quiet]:
        """What was told of the audio up to this position; what is to be told behind it."""
        for output in outputs:
            match output:
                case TurnEnded():
                    self._last = output
                case SpeechStarted():
                    self._last = None
                case _:
                    pass
        last, at = self._last, position / self._rate
        if last is None or at - last.end < self._quiet_s:
            return []
        self._last = None
        return [Quiet(last.turn, last.end, at)]
