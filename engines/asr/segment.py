"""A segment of a turn: what is decoded in one piece, or group by group. Pure, but for its state."""

from dataclasses import dataclass

from engines.asr.events import Final
from engines.asr.evidence import supported, within
from engines.asr.groups import Groups
from engines.ports import Transcription


@dataclass(slots=True)
class Hypothesis:
    """A decode of the segment up to `upto`, running or done. The speech in it ended at `speech_end`."""

    number: int
    upto: int
    speech_end: int
    text: str | None = None
    heard: Transcription | None = None
    eager_revision: int | None = None


class Segment:
    """The audio from `begin` on; its speech began at `speech_start`. All are samples of the stream.

    Attributes:
        spoken: Whether there is speech in it.
        voiced: Samples of it.
        groups: What was heard of it already.
    """

    def __init__(self, sample_rate: int, begin: int, speech_start: int, *, spoken: bool) -> None:
        self._rate = sample_rate
        self.begin = begin
        self.speech_start = speech_start
        self.spoken = spoken
        self.voiced = 0
        self.groups = Groups(sample_rate, begin)

    def supports(self, text: str) -> bool:
        """Whether so much text can have been said in so much voice."""
        return supported(text, self.voiced / self._rate)

    def final(self, turn: int, heard: Transcription, speech_end: int, *, ends_turn: bool) -> Final:
        """Its words, whose speech ended at `speech_end`."""
        begin, start, stop = (samples / self._rate for samples in (self.begin, self.speech_start, speech_end))
        words = within(heard.words, begin, start, stop)
        return Final(turn, heard.text, start, stop, heard.language, heard.confidence, words, ends_turn)
