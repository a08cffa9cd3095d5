"""What came in on a call, as JSON lines beside its recording, so that what was decided on it can be decided again.

Each line has `at` (monotonic seconds since the call began), `line_s` (how many seconds of the caller's sound had come
by then: the time line of the WAV) and `type`:

* `call`: the first one. `version`, `sample_rate`, `call`.
* `listening`: the recogniser's stream begins at `sample` of the caller's sound, and was asked for with `query`.
* `cleaned`: what it was sent from `sample` on is not what came, since our own voice was taken out: `pcm`, base64 of
  16-bit samples; without it, `samples` of silence.
* `configure`: `changes` of what it expects, after `sample` samples of its stream.
* `asr`: an `event` of its, in its own words and stream seconds; `turn` is the call's number of the turn it belongs to.
* `digit`: a key. `typed`: a `text` in place of speech.
* `begins`: something of ours sounds from `audible_line_s` on; `barge_in` is who may interrupt it, `seconds` how long it
  is as far as it is made. `heard`: it was, to its end.
* `floor`: something moved the floor (`change`), or our voice was told to do something (`move`).

While the recorder is paused nothing but `begins`, `heard` and `floor` is kept.
"""

import json
from pathlib import Path

from media_server.audio.frame import BYTES_PER_SAMPLE
from media_server.call.leg import Leg, TurnTaking
from media_server.call.recorder import Recorder
from media_server.call.sound_files import FileThread, OwnedFile
from media_server.turn.floor import Change, Move
from media_server.turn.utterance import FirstAudible, Heard

VERSION = 1
MAX_BYTES = 64 << 20
LINES_AT_ONCE = 32
FLUSH_S = 1.0

_ALWAYS = {"begins", "heard", "floor"}


class InputLog:
    """The lines of one call. It listens to the leg till `close`; others call `note`."""

    def __init__(self, leg: Leg, path: Path, thread: FileThread, recorder: Recorder, *, call: str) -> None:
        self._leg = leg
        self._recorder = recorder
        self._thread = thread
        self._file = OwnedFile(path)
        self._begun_at = self._flushed_at = leg.now()
        self._lines: list[str] = []
        self._size = 0
        thread.submit(self._file.open)
        leg.on_turn_taking.append(self._turn_taking)
        self.note("call", version=VERSION, sample_rate=leg.port.sample_rate, call=call)

    def note(self, kind: str, **values: object) -> None:
        """Take something down. What is beyond `MAX_BYTES` is left out."""
        if self._recorder.paused and kind not in _ALWAYS:
            return
        now = self._leg.now()
        place = {"at": round(now - self._begun_at, 4), "line_s": round(self._leg.position / self._rate, 4)}
        line = json.dumps({**place, "type": kind, **values}, separators=(",", ":"))
        self._size += len(line) + 1
        if self._size > MAX_BYTES:
            return
        self._lines.append(line)
        if len(self._lines) >= LINES_AT_ONCE or now - self._flushed_at >= FLUSH_S:
            self._flush(now)

    def close(self) -> None:
        """Nothing more comes."""
        if self._turn_taking in self._leg.on_turn_taking:
            self._leg.on_turn_taking.remove(self._turn_taking)
        self._flush(self._leg.now())
        self._thread.submit(self._file.close)

    @property
    def _rate(self) -> int:
        return self._leg.port.sample_rate

    def _flush(self, now: float) -> None:
        if self._lines:
            data = "".join(f"{line}\n" for line in self._lines).encode()
            self._thread.submit(lambda: self._file.append(data))
        self._lines, self._flushed_at = [], now

    def _turn_taking(self, happened: TurnTaking) -> None:
        match happened:
            case FirstAudible():
                utterance = happened.utterance
                arrivals = self._leg.arrivals
                audible = arrivals.seconds_at(happened.audible_at) if arrivals.known else None
                self.note(
                    "begins",
                    utterance=utterance.id,
                    barge_in=utterance.barge_in.value,
                    audible_line_s=None if audible is None else round(audible, 4),
                    seconds=round(len(utterance.pcm) / BYTES_PER_SAMPLE / self._rate, 3),
                )
                self._flush(self._leg.now())  # who looks on sees what sounds; the next line may be far off
            case Heard():
                seconds = len(happened.utterance.pcm) / BYTES_PER_SAMPLE / self._rate
                self.note("heard", utterance=happened.utterance.id, seconds=round(seconds, 3))
            case Change():
                self.note("floor", change=happened.name, holder=self._leg.floor.holder.name)
            case Move():
                self.note("floor", move=happened.name)
