"""What a caller of ours says, and when: after the agent has finished. Sans-IO; one call of `next_frame` is 20 ms.

The caller listens until the agent has spoken, all of it was played, and there was quiet for `quiet_s`; then says the
next utterance. Where no answer comes, the caller goes on after `answer_timeout_s` (before the first utterance, where
there may be no greeting, `greeting_timeout_s`). After the last answer the caller hangs up.
"""

from collections.abc import Sequence
from enum import Enum, auto

from media_server.audio.frame import PTIME_MS, TELEPHONE_RATE, frame_bytes, frame_samples, silence
from media_server.phone.playout_buffer import Span

FRAME_SAMPLES = frame_samples(TELEPHONE_RATE)
FRAME_BYTES = frame_bytes(TELEPHONE_RATE)


class _State(Enum):
    LISTENING = auto()
    SPEAKING = auto()
    DONE = auto()


class CallerScript:
    """The utterances of one call, linear PCM at 8 kHz.

    Attributes:
        spoken: Where each utterance lies on the caller's time axis, in samples since the first frame.
    """

    def __init__(
        self,
        utterances: Sequence[bytes],
        *,
        quiet_s: float = 0.6,
        answer_timeout_s: float = 10.0,
        greeting_timeout_s: float = 5.0,
    ) -> None:
        self._utterances = list(utterances)
        self._quiet_frames = _frames(quiet_s)
        self._answer_frames = _frames(answer_timeout_s)
        self._patience = _frames(greeting_timeout_s)
        self._state = _State.LISTENING
        self._heard = False
        self._waited = self._quiet = 0
        self._rest = b""
        self._position = 0
        self.spoken: list[Span] = []

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
        finished = agent_drained and self._quiet >= self._quiet_frames
        if not finished or not (self._heard or self._waited >= self._patience):
            return
        if not self._utterances:
            self._state = _State.DONE
            return
        self._rest = self._utterances.pop(0)
        self._state = _State.SPEAKING
        self.spoken.append(Span(self._position, self._position + len(self._rest) // 2))

    def _begin_listening(self) -> None:
        self._state = _State.LISTENING
        self._heard = False
        self._waited = self._quiet = 0
        self._patience = self._answer_frames


def _frames(seconds: float) -> int:
    return max(1, round(seconds * 1000 / PTIME_MS))
