"""What a caller of ours says, and when: after the agent has finished. Sans-IO; one call of `next_frame` is 20 ms.

The caller listens until the agent has spoken, all of it was played, and there was quiet for `quiet_s`; then says the
next utterance. Where no answer comes, the caller goes on after `answer_timeout_s` (before the first utterance, where
there may be no greeting, `greeting_timeout_s`). After the last answer the caller hangs up.

An `Interjection` is said into the answer to an utterance, once so much of it was heard: another utterance, which wants
an answer of its own, or a noise, after which the caller goes on listening.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from media_server.audio.frame import PTIME_MS, TELEPHONE_RATE, frame_bytes, frame_samples, silence
from media_server.phone.playout_buffer import Span

FRAME_SAMPLES = frame_samples(TELEPHONE_RATE)
FRAME_BYTES = frame_bytes(TELEPHONE_RATE)


@dataclass(frozen=True, slots=True)
class Interjection:
    """Something said into an answer of which the caller has heard `after_s`. `asks`: it wants an answer itself."""

    pcm: bytes
    after_s: float
    asks: bool


class _State(Enum):
    LISTENING = auto()
    SPEAKING = auto()
    DONE = auto()


class CallerScript:
    """The utterances of one call, linear PCM at 8 kHz.

    Attributes:
        spoken: Where each utterance lies on the caller's time axis, in samples since the first frame.
        interjected: Where each interjection does; those that ask are among the spoken too.
    """

    def __init__(
        self,
        utterances: Sequence[bytes],
        *,
        quiet_s: float = 0.6,
        answer_timeout_s: float = 10.0,
        greeting_timeout_s: float = 5.0,
        interjections: Sequence[Interjection] = (),
        last_s: float = math.inf,
    ) -> None:
        """`last_s`: no utterance begins after so long."""
        self._utterances = list(utterances)
        self._interjections = list(interjections)
        self._last = last_s * TELEPHONE_RATE
        self._quiet_frames = _frames(quiet_s)
        self._answer_frames = _frames(answer_timeout_s)
        self._patience = _frames(greeting_timeout_s)
        self._state = _State.LISTENING
        self._heard = False
        self._waited = self._quiet = 0
        self._rest = b""
        self._position = 0
        self._voiced = 0
        self._may_interject = False
        self._noise = b""
        self.spoken: list[Span] = []
        self.interjected: list[Span] = []

    def next_frame(self, *, agent_voiced: bool, agent_drained: bool) -> bytes | None:
        """The next 20 ms of the caller's sound; None to hang up.

        Args:
            agent_voiced: Whether the agent was audible in the last 20 ms.
            agent_drained: Whether all voiced sound that the agent has sent was played.
        """
        if self._state is _State.LISTENING:
            self._listen(agent_voiced=agent_voiced, agent_drained=agent_drained)
        if self._state is _State.DONE:
            return None
        frame = silence(FRAME_SAMPLES)
        if self._noise:
            frame = self._noise[:FRAME_BYTES].ljust(FRAME_BYTES, b"\0")
            self._noise = self._noise[FRAME_BYTES:]
        if self._state is _State.SPEAKING:
            frame = self._rest[:FRAME_BYTES].ljust(FRAME_BYTES, b"\0")
            self._rest = self._rest[FRAME_BYTES:]
            if not self._rest:
                self._begin_listening()
        self._position += FRAME_SAMPLES
        return frame

    def _listen(self, *, agent_voiced: bool, agent_drained: bool) -> None:
        self._waited += 1
        self._quiet = 0 if agent_voiced else self._quiet + 1
        self._heard = self._heard or agent_voiced
        self._voiced += agent_voiced
        if self._may_interject and self._interjections and self._voiced >= _frames(self._interjections[0].after_s):
            self._interject(self._interjections.pop(0))
            return
        finished = agent_drained and self._quiet >= self._quiet_frames
        if not finished or not (self._heard or self._waited >= self._patience):
            return
        if not self._utterances or self._position >= self._last:
            self._state = _State.DONE
            return
        self._speak(self._utterances.pop(0))
        self._may_interject = True

    def _speak(self, pcm: bytes) -> None:
        self._rest = pcm
        self._state = _State.SPEAKING
        self.spoken.append(self._span(pcm))

    def _interject(self, interjection: Interjection) -> None:
        self._may_interject = False
        self.interjected.append(self._span(interjection.pcm))
        if interjection.asks:
            self._speak(interjection.pcm)
        else:
            self._noise = interjection.pcm

    def _span(self, pcm: bytes) -> Span:
        return Span(self._position, self._position + len(pcm) // 2)

    def _begin_listening(self) -> None:
        self._state = _State.LISTENING
        self._heard = False
        self._waited = self._quiet = self._voiced = 0
        self._patience = self._answer_frames


def _frames(seconds: float) -> int:
    return max(1, round(seconds * 1000 / PTIME_MS))
