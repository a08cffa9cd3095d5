"""The turns of an exported call, ended again: by the recognition that serves calls, in audio time. Blocks.

What is the same: the sound, the models, the moments at which what is expected was changed. What is left out: how long
the models took, which moves no end of a turn.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from engines.asr import events
from engines.asr.events import SessionEvent
from engines.asr.models import AsrModels
from engines.asr.recognition import Recognition
from engines.asr.tasks import Cancel, CloseCommand, ConfigureCommand, Decode, Detect, Promote
from engines.ports import Listening
from engines.turn.expectation import Expectation, Patience, TurnDetection
from media_server.audio.frame import BYTES_PER_SAMPLE
from media_server.evaluation.call_file import CallFile, Configured, Heard
from media_server.protocol import asr_stream
from media_server.protocol.asr_stream import AsrEvent, AsrQuery
from media_server.speech.turns import TurnAssembler, TurnEvent, TurnOver

MESSAGE_S = 0.04
"""What the call sends at once."""

Knobs = Mapping[str, Any]
"""What is to be otherwise, by the names of `Configure`."""


@dataclass(frozen=True, slots=True)
class Told:
    """A turn event, and how many seconds of the stream had been heard by then."""

    at_s: float
    event: TurnEvent


def told_then(call: CallFile) -> list[Told]:
    """The turn events of the call itself."""
    assembler, base = TurnAssembler(), call.listening.sample / call.sample_rate
    return [
        Told(line.line_s - base, event)
        for line in call.lines
        if isinstance(line, Heard) and (event := assembler.receive(line.event)) is not None
    ]


def told_now(call: CallFile, models: AsrModels, knobs: Knobs) -> list[Told]:
    """The turn events by these models and knobs."""
    assembler = TurnAssembler()
    happened = ((at, assembler.receive(message)) for at, message in _Rerun(call, models, knobs).run())
    return [Told(at, event) for at, event in happened if event is not None]


def turns_of(told: Sequence[Told]) -> list[TurnOver]:
    """The turns that had words."""
    return [each.event for each in told if isinstance(each.event, TurnOver) and each.event.text]


def lag_s(then: Sequence[Told]) -> float:
    """How long after its sound the end of a turn was usually known on the call."""
    lags = sorted(each.at_s - each.event.decided for each in then if isinstance(each.event, TurnOver))
    return max(0.0, lags[len(lags) // 2]) if lags else 0.0


def expectation_of(query: AsrQuery, knobs: Knobs) -> Expectation:
    """What the stream expects from its beginning on."""
    values = {**query.model_dump(include=set(_KINDS)), **knobs}
    return Expectation(**_typed(values))


_KINDS: dict[str, Callable[[Any], object]] = {
    "patience": Patience,
    "turn_detection": TurnDetection,
    "min_silence_ms": int,
    "max_silence_ms": int,
}


def _typed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value if value is None or name not in _KINDS else _KINDS[name](value) for name, value in values.items()
    }


class _Rerun:
    def __init__(self, call: CallFile, models: AsrModels, knobs: Knobs) -> None:
        query = call.listening.query
        self._rate = call.sample_rate
        self._sound = call.sent()
        self._models = models
        self._listening = Listening(None if query.language == "auto" else query.language, False, query.keyterm)
        # A knob that is set stays: what the call configured of it does not count.
        self._changes = [
            (line.sample, {name: value for name, value in _fields(line).items() if name not in knobs})
            for line in call.lines
            if isinstance(line, Configured)
        ]
        self._tasks: dict[int, Decode | Detect] = {}
        self._machine = Recognition(
            call.sample_rate,
            models.vad.stream(call.sample_rate),
            expectation=expectation_of(query, knobs),
            language=query.language,
        )

    def run(self) -> Iterator[tuple[float, AsrEvent]]:
        """All of it; each event with the seconds that were received by then."""
        step = round(MESSAGE_S * self._rate) * BYTES_PER_SAMPLE
        changes = iter([*self._changes, (1 << 62, {})])
        due, change = next(changes)
        for begin in range(0, len(self._sound), step):
            while due * BYTES_PER_SAMPLE <= begin:
                self._machine.receive_command(ConfigureCommand(_typed(change)))
                due, change = next(changes)
            self._machine.receive_audio(self._sound[begin : begin + step])
            yield from self._work_off()
        self._machine.receive_command(CloseCommand())
        yield from self._work_off()

    def _work_off(self) -> Iterator[tuple[float, AsrEvent]]:
        machine = self._machine
        while True:
            for output in machine.advance():
                match output:
                    case Decode() | Detect():
                        self._tasks[output.number] = output
                    case Cancel():
                        self._tasks.pop(output.number, None)
                    case Promote():
                        pass
                    case event:
                        if (message := _message(event)) is not None:
                            yield machine.received / self._rate, message
            if machine.runnable or machine.closed:
                if machine.closed:
                    return
                continue
            if not self._tasks:
                return
            self._do(self._tasks.pop(min(self._tasks)))

    def _do(self, task: Decode | Detect) -> None:
        if isinstance(task, Detect):
            self._machine.receive_probability(task.number, self._models.turn_probability(task.audio, self._rate))
        else:
            words = self._models.transcribe(task.audio, self._rate, self._listening)
            self._machine.receive_transcription(task.number, words, 0.0)


def _fields(line: Configured) -> dict[str, Any]:
    return line.changes.model_dump(exclude_none=True, exclude={"type"})


def _message(event: SessionEvent) -> AsrEvent | None:
    """What the call would be told; None for what moves no turn."""
    match event:
        case events.SpeechStarted():
            return asr_stream.SpeechStarted(turn=event.turn, at=event.at)
        case events.TurnEager():
            return asr_stream.TurnEager(**asdict(event))
        case events.TurnResumed():
            return asr_stream.TurnResumed(**asdict(event))
        case events.Final():
            return asr_stream.Final(turn=event.turn, text=event.text, start=event.start, end=event.end)
        case events.TurnEnded():
            return asr_stream.TurnEnded(**asdict(event))
        case _:
            return None
