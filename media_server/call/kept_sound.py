"""What is kept of the sound of one call: all of it, where calls are recorded, and what its dialplan has recorded."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from media_server.call.chronicle import Chronicle
from media_server.call.events import RecordingChanged
from media_server.call.inputs import InputLog
from media_server.call.leg import Leg
from media_server.call.record import RecordingRecord
from media_server.call.recorder import Recorder, Recording


class KeptSound:
    """Of one call, from `begin` to `aclose`; without a `Recording` nothing is kept."""

    def __init__(self, leg: Leg, chronicle: Chronicle, over: asyncio.Event, recording: Recording | None) -> None:
        """`over`: set when the call is."""
        self._leg = leg
        self._chronicle = chronicle
        self._over = over
        self._recording = recording
        self._messages = 0
        self._inputs: InputLog | None = None
        self.recorder: Recorder | None = None
        """Of the whole call; there from `begin` on, and only where calls are recorded."""

    def begin(self) -> None:
        """Record the call, where calls are; before consent was asked for, silence."""
        recording, call = self._recording, self._chronicle.record.id
        if recording is None or not recording.calls:
            return
        path = recording.folder / f"{call}.wav"
        self.recorder = Recorder(self._leg, path, recording.thread, limits=recording.limits)
        if recording.consent:
            self.recorder.pause()
        else:
            self._chronicle.tell(RecordingChanged, on=True)
        inputs = path.with_suffix(".jsonl")
        self._inputs = InputLog(self._leg, inputs, recording.thread, self.recorder, call=call)
        self.recorder.on_change = lambda on: self._chronicle.tell(RecordingChanged, on=on)
        self._chronicle.record.recording = RecordingRecord()

    @property
    def tap(self) -> Callable[..., None] | None:
        """Takes down what the ears make of the sound; see `call/inputs.py`."""
        return self._inputs.note if self._inputs is not None else None

    async def aclose(self) -> None:
        """The call is over: what was kept of it is whole, and in its record."""
        if self._inputs is not None:
            self._inputs.close()
        if self.recorder is not None:
            self._chronicle.record.recording = await self.recorder.aclose()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing of what is said meanwhile is kept; where the call ends meanwhile, nor are its last words."""
        recorder = self.recorder
        if recorder is None or recorder.paused:
            yield
            return
        recorder.pause()
        try:
            yield
        finally:
            if not self._over.is_set():
                recorder.resume()

    def record_caller(self) -> Recorder | None:
        """A recorder of the caller's side from now on, into a file of its own; None where no sound is kept at all."""
        recording = self._recording
        if recording is None:
            return None
        self._messages += 1
        path = recording.folder / f"{self._chronicle.record.id}-{self._messages}.wav"
        return Recorder(self._leg, path, recording.thread, sides="caller", limits=recording.limits)
