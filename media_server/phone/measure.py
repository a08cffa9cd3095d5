"""What a caller noticed, from the two recordings of a call on one time axis. Pure.

A sample's place is when it left the caller's mouth, or when the phone played it: both on the same clock, so that the
way through the network and the far end's lead are in every figure. *Voiced* is a window of 10 ms whose root mean
square is over 200 (-44 dBFS); figures are therefore good to 10 ms. A *gap* is a stretch of up to 1.5 s within a reply
in which the phone had nothing to play, between two voiced windows of that reply; a longer one is taken as the agent's
own pause. A *cut-in* is voiced audio of the agent's between the first and the last voiced window of an utterance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from media_server.audio.frame import TELEPHONE_RATE
from media_server.phone.playout_buffer import VOICED_RMS, Span

WINDOW = TELEPHONE_RATE // 100
HOLE_MS = 300
"""So long without voice, and the agent has stopped."""
MAX_GAP = 3 * TELEPHONE_RATE // 2


@dataclass(frozen=True, slots=True)
class TurnMeasure:
    """One utterance of the caller's and what followed.

    Attributes:
        answered_ms: From its last voiced sample to the first voiced one played afterwards; None: there was none.
        cut_in_ms: How much of the agent's voice was audible while the caller spoke.
    """

    answered_ms: int | None
    cut_in_ms: int


@dataclass(frozen=True, slots=True)
class CallMeasure:
    """A whole call.

    Attributes:
        greeting_ms: From `start` to the first voiced sample played, if that was before the caller spoke.
        turns: One for each utterance.
        gaps: Underruns inside replies.
    """

    greeting_ms: int | None
    turns: tuple[TurnMeasure, ...]
    gaps: tuple[Span, ...]

    @property
    def answered(self) -> list[int]:
        """The waits of the turns that were answered, in ms."""
        return [turn.answered_ms for turn in self.turns if turn.answered_ms is not None]

    @property
    def cut_ins(self) -> int:
        """Utterances that the agent spoke into."""
        return sum(1 for turn in self.turns if turn.cut_in_ms)


def voiced_windows(pcm: bytes) -> list[int]:
    """The indices of the voiced 10 ms windows of linear PCM at 8 kHz."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
    windows = samples[: len(samples) // WINDOW * WINDOW].reshape(-1, WINDOW)
    return [int(index) for index in np.flatnonzero((windows**2).mean(axis=1) > VOICED_RMS**2)]


def measure(caller: bytes, agent: bytes, utterances: Sequence[Span], underruns: Sequence[Span]) -> CallMeasure:
    """Measure a call from what was said and what was played, linear PCM at 8 kHz from the same instant on."""
    voice = voiced_windows(agent)
    speech = [_voiced_part(caller, utterance) for utterance in utterances]
    edges = [0, *(part.begin for part in speech), max(len(agent), len(caller)) // 2 + WINDOW]
    first = next((index for index in voice if index * WINDOW < edges[1]), None)
    turns = [_turn(part, following, voice) for part, following in zip(speech, edges[2:], strict=True)]
    gaps: list[Span] = []
    for begin, end in pairwise(edges):
        reply = [index * WINDOW for index in voice if begin <= index * WINDOW < end]
        gaps += [each for each in underruns if _is_gap(each, reply)]
    return CallMeasure(None if first is None else first * 10, tuple(turns), tuple(gaps))


def stopped_ms(caller: bytes, agent: bytes, interjection: Span) -> tuple[int, int | None]:
    """What became of the agent's voice when the caller spoke into it, in ms.

    From the first voiced sample of the interjection to the agent's last; and from the interjection's end to the agent's
    next (None: there was none).
    """
    part = _voiced_part(caller, interjection)
    last, following = part.begin // WINDOW, None
    for index in voiced_windows(agent):
        if index * WINDOW < part.begin:
            continue
        if index - last > HOLE_MS // 10:
            following = (index * WINDOW - part.end) * 1000 // TELEPHONE_RATE
            break
        last = index
    return (last * WINDOW - part.begin) * 1000 // TELEPHONE_RATE + 10, following


def _voiced_part(caller: bytes, utterance: Span) -> Span:
    voiced = voiced_windows(caller[2 * utterance.begin : 2 * utterance.end])
    if not voiced:
        return utterance
    return Span(utterance.begin + voiced[0] * WINDOW, utterance.begin + (voiced[-1] + 1) * WINDOW)


def _turn(speech: Span, following: int, voice: Sequence[int]) -> TurnMeasure:
    answer = next((index * WINDOW for index in voice if speech.end <= index * WINDOW < following), None)
    inside = sum(1 for index in voice if speech.begin <= index * WINDOW < speech.end)
    answered_ms = None if answer is None else round((answer - speech.end) * 1000 / TELEPHONE_RATE)
    return TurnMeasure(answered_ms, inside * 10)


def _is_gap(underrun: Span, reply: Sequence[int]) -> bool:
    if not reply or underrun.end - underrun.begin > MAX_GAP:
        return False
    return reply[0] < underrun.begin and underrun.end <= reply[-1] + WINDOW
