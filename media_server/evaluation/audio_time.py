"""One stream through our recognition in audio time: as fast as the models are, as if it came in real time. Blocks.

Each decode is done when it is asked for; its result is fed back when so much more audio was received as the decode
took. So a recording of a minute takes as long as its decodes, and what is told comes when it would have come to
somebody who spoke alone on this machine. Turns are ended by silence: the figures are the recogniser's, not those of
turn taking.
"""

from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from math import inf
from time import perf_counter, process_time

from engines.asr.events import Final
from engines.asr.models import AsrModels
from engines.asr.recognition import Recognition
from engines.asr.tasks import Cancel, CloseCommand, Decode, Detect, Promote
from engines.lanes import AWAITED
from engines.ports import HeardWord, Listening, Transcription
from engines.turn.expectation import Expectation, TurnDetection
from media_server.evaluation.partial_figures import Told

MESSAGE_S = 0.04
"""What a client sends at once."""


@dataclass(frozen=True, slots=True)
class DecodeCost:
    """What one decode took, in seconds. `awaited`: it was for a final, not for a partial."""

    awaited: bool
    took_s: float
    cpu_s: float
    redecoded: bool


@dataclass(slots=True)
class Heard:
    """What a stream told, and what it cost."""

    told: list[Told] = field(default_factory=list)
    decodes: list[DecodeCost] = field(default_factory=list)

    @property
    def finals(self) -> list[Final]:
        """The words that never change."""
        return [event for _, event in self.told if isinstance(event, Final)]

    @property
    def text(self) -> str:
        """The transcript."""
        return " ".join(final.text for final in self.finals)

    @property
    def words(self) -> list[HeardWord]:
        """The words of the transcript with their times, where the engine tells them."""
        return [word for final in self.finals for word in final.words]


def hear(models: AsrModels, pcm: bytes, sample_rate: int, *, language: str, interim_results: bool) -> Heard:
    """Hear 16-bit mono from its beginning to its end."""
    stream = _Stream(models, sample_rate, language, interim_results=interim_results)
    step = 2 * round(MESSAGE_S * sample_rate)
    for begin in range(0, len(pcm), step):
        message = pcm[begin : begin + step]
        stream.receive(message, (begin + len(message)) / 2 / sample_rate)
    return stream.close()


class _Stream:
    def __init__(self, models: AsrModels, sample_rate: int, language: str, *, interim_results: bool) -> None:
        self._models = models
        self._rate = sample_rate
        self._listening = Listening(language)
        self._with_words = interim_results
        self._machine = Recognition(
            sample_rate,
            models.vad.stream(sample_rate),
            expectation=Expectation(turn_detection=TurnDetection.SILENCE),
            language=language,
            interim_results=interim_results,
        )
        self._now = 0.0
        self._due: list[tuple[float, int]] = []
        self._results: dict[int, tuple[Transcription, float]] = {}
        self._heard = Heard()

    def receive(self, message: bytes, arrives_at: float) -> None:
        """The next audio, when all of it was spoken."""
        self._feed_back(until=arrives_at)
        self._now = arrives_at
        self._machine.receive_audio(message)
        self._advance()

    def close(self) -> Heard:
        """The end of the stream."""
        self._machine.receive_command(CloseCommand())
        self._advance()
        self._feed_back(until=inf)
        assert self._machine.closed, "the recognition waits for nothing"
        return self._heard

    def _feed_back(self, until: float) -> None:
        while self._due and self._due[0][0] <= until:
            self._now, number = heappop(self._due)
            if number in self._results:  # else nobody needs it any more
                self._machine.receive_transcription(number, *self._results.pop(number))
                self._advance()

    def _advance(self) -> None:
        going_on = True
        while going_on:
            for output in self._machine.advance():
                match output:
                    case Decode():
                        self._decode(output)
                    case Cancel():
                        self._results.pop(output.number, None)
                    case Promote():
                        pass
                    case Detect():
                        raise AssertionError("turns are ended by silence")
                    case event:
                        self._heard.told.append((self._now, event))
            going_on = self._machine.runnable

    def _decode(self, task: Decode) -> None:
        awaited = task.lane in AWAITED
        begun, begun_cpu = perf_counter(), process_time()
        result = self._models.transcribe(task.audio, self._rate, self._listening)
        took_s, cpu_s = perf_counter() - begun, process_time() - begun_cpu
        self._heard.decodes.append(DecodeCost(awaited, took_s, cpu_s, result.redecoded))
        if awaited and self._with_words:  # where each word is: for the figures, so it is not counted
            timed = self._models.transcribe(task.audio, self._rate, replace(self._listening, words=True))
            result = replace(result, words=timed.words)
        self._results[task.number] = result, took_s
        heappush(self._due, (self._now + took_s, task.number))
