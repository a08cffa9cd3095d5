"""The turns of an exported call, ended again: by the recognition that serves calls, in audio time. Blocks.

What is the same: the sound, the models, the moments at which what is expected was changed. What is left out: how long
the models took, which moves no end of a turn.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from engines.asr import events
from engines.asr.events import SessionEvent
from engines.asr.models import AsrModels
from engines.asr.recognition import Recognition
from engines.asr.tasks import Cancel, CloseCommand, ConfigureCommand, Decode, Detect, Promote
from engines.ports import Listening
from media_server.audio.frame import BYTES_PER_SAMPLE
from media_server.evaluation.call_file import CallFile
from media_server.protocol import asr_stream
from media_server.protocol.asr_stream import AsrEvent, Configure
from media_server.records.input_lines import Configured, Heard
from media_server.services.asr_expectation import expectation_changes, expectation_of
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


class _Rerun:
    def __init__(self, call: CallFile, models: AsrModels, knobs: Knobs) -> None:
        query = call.listening.query
        self._rate = call.sample_rate
        self._sound = call.sent()
        self._models = models
        self._listening = Listening(None if query.language == "auto" else query.language, False, query.keyterm)
        plain = expectation_of(query)
        usual = replace(plain, **expectation_changes(Configure.model_validate(dict(knobs)), plain))
        # A knob that is set stays: what the call configured of it does not count.
        self._changes = [
            (
                line.sample,
                {name: to for name, to in expectation_changes(line.changes, usual).items() if name not in knobs},
            )
            for line in call.lines
            if isinstance(line, Configured)
        ]
        self._tasks: dict[int, Decode | Detect] = {}
        self._machine = Recognition(
            call.sample_rate,
            models.vad.stream(call.sample_rate),
            expectation=usual,
            language=query.language,
        )

    def run(self) -> Iterator[tuple[float, AsrEvent]]:
        """All of it; each event with the seconds that were received by then."""
        step = round(MESSAGE_S * self._rate) * BYTES_PER_SAMPLE
        changes = iter([*self._changes, (1 << 62, {})])
        due, change = next(changes)
        for begin in range(0, len(self._sound), step):
            while due * BYTES_PER_SAMPLE <= begin:
                self._machine.receive_command(ConfigureCommand(change))
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
            listening = replace(self._listening, digits=task.digits)
            words = self._models.transcribe(task.audio, self._rate, listening)
            self._machine.receive_transcription(task.number, words, 0.0)


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
