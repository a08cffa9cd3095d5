"""Where turns are ended in a recording, by our endpointing and by what others do. In audio time.

*Ours* is the recognition that serves calls, with its models; that their work takes time on a busy machine is left out,
so that policies are compared and not machines. A *timer* ends a turn after a fixed silence. *VAD + Smart Turn* is what
frameworks for voice agents do out of the box: 0.2 s after the voice activity detector fell Smart Turn is asked once; if
it takes the turn for unfinished, 3 s of silence end it (the defaults of pipecat 0.0.85).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1

import numpy as np
from numpy.typing import NDArray

from engines.asr.audio_store import as_samples
from engines.asr.events import TurnEnded
from engines.asr.models import AsrModels
from engines.asr.recognition import Recognition
from engines.asr.tasks import Cancel, CloseCommand, Decode, Detect
from engines.asr.turns import DETECTOR_HISTORY_S
from engines.ports import Listening, Samples, Transcription
from engines.turn.endpointing import VAD_FALL, VAD_RISE
from engines.turn.expectation import COMPLETE, Expectation, TurnDetection
from media_server.audio.frame import TELEPHONE_RATE
from media_server.phone.measure import WINDOW, voiced_windows

SILENCE_AFTER_S = 4.0
"""No policy waits for longer."""

ASK_AFTER_S, GIVE_UP_AFTER_S = 0.2, 3.0
_NOTHING = Transcription("", 0.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an utterance: the wait after its last voiced sample, and whether it was cut short before."""

    wait_ms: float
    cut_short: bool


class Listener:
    """One utterance (linear PCM at 8 kHz), heard once; every policy is shown the same. Used from one thread."""

    def __init__(self, models: AsrModels, pcm: bytes, language: str) -> None:
        self._models = models
        self._language = language
        self._pcm = pcm + bytes(2 * int(SILENCE_AFTER_S * TELEPHONE_RATE))
        self._samples = np.frombuffer(self._pcm, dtype="<i2")
        voiced = voiced_windows(pcm)
        self._speech_end = (voiced[-1] + 1) * WINDOW if voiced else 0
        self._words: dict[bytes, Transcription] = {}
        self._verdicts: dict[bytes, float] = {}
        vad = models.vad.stream(TELEPHONE_RATE)
        self._window = vad.window
        windows = self._samples[: len(self._samples) // vad.window * vad.window].reshape(-1, vad.window)
        self._voice = [vad.probability(as_samples(each)) for each in windows]

    def ours(self, expectation: Expectation) -> Outcome:
        """By our endpointing. Without Smart Turn no words are needed, and none are made."""
        machine = Recognition(
            TELEPHONE_RATE, _Replay(self._window, self._voice), expectation=expectation, language=self._language
        )
        machine.receive_audio(self._pcm)
        machine.receive_command(CloseCommand())
        tasks: dict[int, Decode | Detect] = {}
        ends: list[int] = []
        while not machine.closed:
            for output in machine.advance():
                match output:
                    case Decode() | Detect():
                        tasks[output.number] = output
                    case Cancel():
                        tasks.pop(output.number, None)
                    case TurnEnded():
                        ends.append(round(output.at * TELEPHONE_RATE))
                    case _:
                        pass
            if machine.runnable or machine.closed:
                continue
            if not tasks:
                raise RuntimeError("the recognition waits for nothing")
            # Only now: what is cancelled before anybody waits for it needs not be done.
            self._do(machine, tasks.pop(min(tasks)), expectation)
        return self._outcome(ends)

    def timer(self, milliseconds: int) -> Outcome:
        """By a fixed silence."""
        return self.ours(Expectation(turn_detection=TurnDetection.SILENCE, min_silence_ms=milliseconds))

    def vad_and_smart_turn(self) -> Outcome:
        """As frameworks do it."""
        ends: list[int] = []
        begin, fell, voiced, asked = None, 0, False, False
        for index, probability in enumerate(self._voice):
            at = (index + 1) * self._window
            voiced, before = probability >= (VAD_FALL if voiced else VAD_RISE), voiced
            if voiced:
                begin = index * self._window if begin is None else begin
                asked = False
            elif before:
                fell = at
            if voiced or begin is None:
                continue
            silent_s = (at - fell) / TELEPHONE_RATE
            over = silent_s >= GIVE_UP_AFTER_S
            if not asked and silent_s >= ASK_AFTER_S:
                asked = True
                over = (
                    self._verdict(self._samples[max(begin, at - DETECTOR_HISTORY_S * TELEPHONE_RATE) : at]) >= COMPLETE
                )
            if over:
                ends.append(at)
                begin = None
        return self._outcome(ends)

    def _do(self, machine: Recognition, task: Decode | Detect, expectation: Expectation) -> None:
        if isinstance(task, Detect):
            machine.receive_probability(task.number, self._verdict(task.audio))
            return
        needed = expectation.turn_detection is TurnDetection.SMART_TURN
        machine.receive_transcription(task.number, self._transcription(task.audio) if needed else _NOTHING, 0.0)

    def _outcome(self, ends: Sequence[int]) -> Outcome:
        last = next((end for end in ends if end >= self._speech_end), len(self._samples))
        cut_short = any(end < self._speech_end for end in ends)
        return Outcome((last - self._speech_end) * 1000 / TELEPHONE_RATE, cut_short)

    def _transcription(self, audio: NDArray[np.int16]) -> Transcription:
        key = sha1(audio.tobytes()).digest()  # noqa: S324 - it names what was heard, nothing more
        if key not in self._words:
            self._words[key] = self._models.transcribe(audio, TELEPHONE_RATE, Listening(self._language))
        return self._words[key]

    def _verdict(self, audio: NDArray[np.int16]) -> float:
        key = sha1(audio.tobytes()).digest()  # noqa: S324 - likewise
        if key not in self._verdicts:
            self._verdicts[key] = self._models.turn_probability(audio, TELEPHONE_RATE)
        return self._verdicts[key]


class _Replay:
    """A `VadStream` that says again what was said."""

    def __init__(self, window: int, said: Sequence[float]) -> None:
        self.window = window
        self._said = iter(said)

    def probability(self, window: Samples) -> float:
        del window  # the same as the first time
        return next(self._said, 0.0)

    def reset(self) -> None:
        """There is no state to forget."""
