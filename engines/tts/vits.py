"""A VITS model in two halves, so that the first sound of a clause need not wait for its last.

The front, run once a clause, makes the latents; the decoder makes them sound. The decoder (HiFi-GAN, two thirds of the
work) is convolutions only: a sample depends on some frames to both sides and on nothing else. So it can be run piece by
piece, each with that many frames of its neighbours around it, and what is cut out is what one run would have given
(measured: to 1e-6). How far it sees is measured on the model itself.

Both halves are cut out of the file's graph and share no weight, so they take the memory of one. A model that cannot be
cut there (several speakers, an unknown export) is run whole. In either case the model computes how many frames each
phoneme lasts; that tensor is made an output, where the model has it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from engines.cores import threads_per_job
from engines.tts.onnx_graph import CannotCut, cut, parse

FIRST_FRAMES = 24
"""Of 11.6 ms in a voice of 22,050 Hz: it plays four times as long as the next one takes to make on one free core."""

GROWTH = 2
"""Each piece is so many times the last: while it plays the next is made, also where others want the cores."""

LEAST_FRAMES = 24
"""What is left over and shorter goes with the piece before."""

_DURATIONS = "/Ceil_output_0"
_FIRST_OF_DECODER = "/dec/conv_pre/Conv_output_0"
_PROBED_FRAMES = 64
_CHANGE = 10.0
"""Latents are about 1."""


@dataclass(frozen=True, slots=True)
class Decoder:
    """From latents to sound. `reach`: frames to each side that a sample depends on; None when that is not known."""

    session: Any
    input: str
    reach: int | None = None

    def decode(self, latents: NDArray[np.float32]) -> Iterator[tuple[NDArray[np.float32], bool]]:
        """The sound of `latents` [1, channels, frames], in pieces that join to what one run would make.

        With each: whether more follow. Closing it before saves the rest of the work.
        """
        frames = latents.shape[2]
        if self.reach is None:
            yield self._run(latents), False
            return
        for start, end in spans(frames):
            left, right = max(0, start - self.reach), min(frames, end + self.reach)
            sound = self._run(latents[:, :, left:right])
            hop = len(sound) // (right - left)
            yield sound[(start - left) * hop : (end - left) * hop], end < frames

    def measured(self, latents: NDArray[np.float32]) -> "Decoder":
        """This decoder with its reach, found by a change in the middle of some frames of real `latents`."""
        latents = latents[:, :, :_PROBED_FRAMES]
        frames = latents.shape[2]
        middle = frames // 2
        changed = latents.copy()
        changed[:, :, middle] += _CHANGE
        before, after = self._run(latents), self._run(changed)
        hop = len(before) // frames
        differing = np.flatnonzero(before != after) // hop  # what does not depend on it is the same to the last bit
        if not len(differing) or differing[0] == 0 or differing[-1] >= frames - 1:
            return self
        return replace(self, reach=int(max(middle - differing[0], differing[-1] - middle)))

    def _run(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        sound: NDArray[np.float32] = self.session.run(None, {self.input: np.ascontiguousarray(latents)})[0]
        return sound.reshape(-1)


def spans(frames: int) -> list[tuple[int, int]]:
    """The pieces of a clause of `frames`: a short one first, longer ones later, since each costs twice the reach."""
    pieces: list[tuple[int, int]] = []
    start = 0
    while start < frames:
        length = FIRST_FRAMES * GROWTH ** len(pieces)
        end = start + length if frames - start - length >= LEAST_FRAMES else frames
        pieces.append((start, end))
        start = end
    return pieces


def load(model: Path) -> tuple[Any, Decoder | None]:
    """The session that makes latents (and durations), and its decoder; or one that makes sound, and None.

    Raises:
        Exception: onnxruntime's, which share no base class but this: it is no model.
    """
    data = model.read_bytes()
    try:
        graph = parse(data)
    except CannotCut:
        return _session(data), None  # the runtime says what is wrong with it
    if not graph.inputs_of(_DURATIONS):
        return _session(data), None
    try:
        latents = graph.inputs_of(_FIRST_OF_DECODER)[:1]
        decoder = cut(graph, latents, graph.outputs)
        front = cut(graph, graph.inputs, (*latents, _DURATIONS))
    except CannotCut:
        return _session(cut(graph, graph.inputs, (*graph.outputs, _DURATIONS))), None
    return _session(front), Decoder(_session(decoder, threads=1), latents[0])


def _session(model: bytes, threads: int | None = None) -> Any:
    """No spinning: several clauses are made at once, and other models want the cores too."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or threads_per_job()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
