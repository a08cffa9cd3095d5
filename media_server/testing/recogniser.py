"""The recogniser of a test: the real endpointing, over a voice and words that are known. Sans-IO.

The voice activity, the words and the turn detector's verdict come from the caller's `Mouth`; when a turn may be over,
goes on and ends is decided by the very code that runs in the asr role, in audio time and by what `Configure` asks for.
Times are seconds of the stream, `origin` is the monotonic time of its first sample.
"""

from collections import deque
from dataclasses import asdict
from math import floor

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from engines.asr import events
from engines.asr.audio_store import AudioStore
from engines.asr.tasks import Cancel, Decode, Detect, Promote
from engines.asr.turns import Turns
from engines.ports import Transcription
from engines.turn.endpointing import VAD_FALL_DELAY_MS
from engines.turn.words import trails_off
from media_server.protocol import asr_stream
from media_server.protocol.asr_stream import AsrClosed, AsrCommand, AsrEvent, AsrQuery, Configure
from media_server.services.asr_expectation import expectation_changes, expectation_of
from media_server.testing.mouth import Mouth

WINDOW_MS = 32
LONG_MS = 480
"""A window in the middle of a voice, where nothing happens."""
WHOLE, HALF = 0.95, 0.05
"""The turn detector's verdict behind a whole sentence, and in the middle of one."""
_ROUNDING_S = 1e-6

_MESSAGES: dict[type[events.SessionEvent], type[AsrEvent]] = {
    events.SpeechStarted: asr_stream.SpeechStarted,
    events.Partial: asr_stream.Partial,
    events.TurnEager: asr_stream.TurnEager,
    events.TurnResumed: asr_stream.TurnResumed,
    events.TurnEnded: asr_stream.TurnEnded,
}


class _Places(AudioStore):
    """In place of audio: which places of it are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: deque[tuple[int, int]] = deque()

    @override
    def slice(self, start: int, end: int) -> NDArray[np.int16]:
        self.asked.append((start, end))
        return np.zeros(0, np.int16)


class Recogniser:
    """One stream."""

    def __init__(self, mouth: Mouth, query: AsrQuery, origin: float) -> None:
        self._mouth = mouth
        self._query = query
        self._origin = origin
        self._rate = query.sample_rate
        self._window = WINDOW_MS * self._rate // 1000
        self._lag_s = VAD_FALL_DELAY_MS[self._rate] / 1000
        self._places = _Places()
        self._turns = Turns(
            self._rate, self._places, expectation_of(query), query.language, interim_results=query.interim_results
        )
        self._open = False
        self._voiced = False
        self._has_words = False
        self.cut_ins = 0
        """Turns that ended in the middle of a hesitation."""

    def advance(self, now: float) -> list[AsrEvent]:
        """Hear what was said up to now."""
        told: list[AsrEvent] = []
        target = floor((now - self._origin + _ROUNDING_S) * self._rate)
        while (samples := self._next_window(target)) > 0:
            self._voiced = self._is_voiced(samples)
            self._turns.receive_window(1.0 if self._voiced else 0.0, samples)
            told += self._settle()
        return told

    def next_deadline(self, now: float) -> float | None:
        """When `advance` has something to hear; None where only a voice can bring news."""
        window_s = self._window / self._rate
        here = self._origin + self._turns.position / self._rate
        if not self._open and not self._voiced:
            voice = here if self._is_voiced(self._window) else self._mouth.voice_from(here)
            return None if voice is None else here + (floor((voice - here) / window_s) + 1) * window_s
        if self._open and self._voiced and not self._query.interim_results:
            return max(here + window_s, self._mouth.voice_until(now) + self._lag_s)
        return here + window_s

    def receive_command(self, command: AsrCommand, now: float) -> list[AsrEvent]:
        """Do what the client asks for."""
        told = self.advance(now)
        match command:
            case Configure():
                self._turns.configure(**expectation_changes(command, expectation_of(self._query)))
                return told + self._settle()
            case asr_stream.Finalize():
                self._turns.end_turn("finalize")
                return [*told, *self._settle(), asr_stream.Finalized()]
            case asr_stream.CloseStream():
                self._turns.end_turn("close")
                return [*told, *self._settle(), self._books()]
            case asr_stream.KeepAlive():
                return told

    # --- windows -------------------------------------------------------------------------------------------------

    def _next_window(self, target: int) -> int:
        """How many samples are to be heard at once; 0 where there is no whole window."""
        position, window = self._turns.position, self._window
        windows = (target - position) // window
        if windows <= 0:
            return 0
        here = self._origin + position / self._rate
        if not self._open and not self._voiced:  # nothing happens before the next voice
            voice = self._mouth.voice_from(here)
            if self._is_voiced(window):
                return window
            quiet = windows if voice is None else floor((voice - here) * self._rate / window)
            return window * max(1, min(windows, quiet))
        if self._open and self._voiced and not self._query.interim_results:
            voiced = floor((self._mouth.voice_until(here) - here) * self._rate / window)
            return window * max(1, min(windows, voiced, LONG_MS // WINDOW_MS))
        return window

    def _is_voiced(self, samples: int) -> bool:
        """What a VAD makes of the next window: it falls later than the voice."""
        begin = self._origin + self._turns.position / self._rate
        return self._mouth.voiced(begin - self._lag_s, begin + samples / self._rate)

    # --- what it asks for ----------------------------------------------------------------------------------------

    def _settle(self) -> list[AsrEvent]:
        """Answer what is asked, at once, and say what is to be told."""
        told: list[AsrEvent] = []
        while outputs := self._turns.take_outputs():
            for output in outputs:
                match output:
                    case Decode():
                        self._turns.receive_transcription(output.number, self._heard(), 0.0)
                    case Detect():
                        self._turns.receive_probability(output.number, self._verdict())
                    case Promote() | Cancel():
                        pass  # nothing is ever under way
                    case _:
                        told.append(self._told(output))
        return told

    def _heard(self) -> Transcription:
        begin, end = (self._origin + place / self._rate for place in self._places.asked.popleft())
        return Transcription(self._mouth.text(begin, end), 0.0, language=self._query.language)

    def _verdict(self) -> float:
        begin, end = (self._origin + place / self._rate for place in self._places.asked.popleft())
        whole = self._mouth.is_whole(end) and not trails_off(self._mouth.text(begin, end), self._query.language)
        return WHOLE if whole else HALF

    def _told(self, event: events.SessionEvent) -> AsrEvent:
        match event:
            case events.SpeechStarted():
                self._open, self._has_words = True, False
            case events.Final():
                self._has_words = True
                return asr_stream.Final(**asdict(event) | {"words": None})
            case events.TurnEnded():
                self._open = False
                if self._has_words and self._mouth.hesitates_at(self._origin + event.at):
                    self.cut_ins += 1
            case _:
                pass
        return _MESSAGES[type(event)](**asdict(event))

    # --- the client ----------------------------------------------------------------------------------------------

    def _books(self) -> AsrClosed:
        received = self._turns.position / self._rate
        decoded = self._turns.decoded / self._rate
        return AsrClosed(
            received_s=received, decoded_s=decoded, silence_s=received - decoded, dropped_s=0.0, reason="close"
        )
