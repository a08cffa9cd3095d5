"""What the streams of `bench asr` say, and which final answers which utterance. Pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from media_server.audio.frame import TELEPHONE_RATE, silence
from media_server.phone.measure import WINDOW, voiced_windows
from media_server.phone.speech_folder import Recording

LEAD_S = 0.5
"""Silence before the first utterance, at least; streams that begin at once must not all speak at once."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A recording in a stream, by samples: from where to where, and where its last voiced 10 ms end."""

    recording: Recording
    begin: int
    end: int
    voiced_end: int


@dataclass(frozen=True, slots=True)
class StreamScript:
    """One stream's sound, linear PCM at 8 kHz, and the utterances in it."""

    pcm: bytes
    utterances: tuple[Utterance, ...]

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.pcm) / 2 / TELEPHONE_RATE


def script(recordings: Sequence[Recording], *, seconds: float, silence_s: float, chance: random.Random) -> StreamScript:
    """Utterances by chance, a silence behind each; none is begun after `seconds`. Without recordings all is silence."""
    if not recordings:
        return StreamScript(silence(round(seconds * TELEPHONE_RATE)), ())
    pcm = bytearray(silence(round((LEAD_S + chance.uniform(0, silence_s)) * TELEPHONE_RATE)))
    utterances: list[Utterance] = []
    while not utterances or len(pcm) / 2 < seconds * TELEPHONE_RATE:
        recording = chance.choice(recordings)
        begin = len(pcm) // 2
        voiced = voiced_windows(recording.pcm)
        end = begin + len(recording.pcm) // 2
        utterances.append(Utterance(recording, begin, end, begin + (voiced[-1] + 1) * WINDOW if voiced else end))
        pcm += recording.pcm + silence(round(silence_s * TELEPHONE_RATE))
    return StreamScript(bytes(pcm), tuple(utterances))


@dataclass(frozen=True, slots=True)
class HeardFinal:
    """A final as it came: the words, its stretch of the stream, and when; seconds from the stream's first sample."""

    text: str
    start: float
    end: float
    at: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an utterance.

    Attributes:
        text: Its finals, joined; None: there was none.
        delay_ms: From when its last voiced sample was sent to when its last final came.
    """

    text: str | None
    delay_ms: float | None


def answers(utterances: Sequence[Utterance], finals: Sequence[HeardFinal], message: int) -> list[Answer]:
    """One for each utterance. A final is that utterance's in which its middle lies, or behind which.

    `message`: the samples that are sent at once; a sample is sent when the last one of its message was spoken.
    """
    found: list[Answer] = []
    for index, utterance in enumerate(utterances):
        until = utterances[index + 1].begin / TELEPHONE_RATE if index + 1 < len(utterances) else float("inf")
        begin = utterance.begin / TELEPHONE_RATE if index else 0.0
        own = [final for final in finals if begin <= (final.start + final.end) / 2 < until]
        if not own:
            found.append(Answer(None, None))
            continue
        sent_at = -(-utterance.voiced_end // message) * message / TELEPHONE_RATE
        delay_ms = round(1000 * (max(final.at for final in own) - sent_at), 1)
        found.append(Answer(" ".join(final.text for final in own), delay_ms))
    return found
