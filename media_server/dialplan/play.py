"""`play`: a recording or a tone to the caller's ear."""

import asyncio
import wave
from dataclasses import dataclass
from pathlib import Path

from media_server.audio.frame import BYTES_PER_SAMPLE
from media_server.audio.resample import resample
from media_server.audio.tones import Tone
from media_server.audio.wav import read_wav
from media_server.call.conversation import Conversation
from media_server.call.events import Played as PlayedEvent
from media_server.dialplan.say import Interruptible, barge_in_of, heard
from media_server.errors import NotFound, PeerError

MAX_BYTES = 64 << 20
MAX_S = 600.0


@dataclass(frozen=True, slots=True)
class Played:
    """What became of it.

    Attributes:
        complete: All of it was heard; else the caller interrupted.
        seconds: How long it is.
    """

    complete: bool
    seconds: float


async def play(conversation: Conversation, source: str | Path | Tone, *, barge_in: Interruptible = True) -> Played:
    """Play it after all that was said before, and wait until it was heard, or interrupted.

    Raises:
        NotFound: There is no such file in the dialplan's folder.
        PeerError: It is no WAV of 16-bit PCM, or too long.
        CallEnded: The caller left first.
    """
    rate = conversation.leg.port.sample_rate
    name, pcm = await asyncio.to_thread(_sound, conversation.facts.folder, source, rate)
    conversation.listen()
    said = await heard(conversation, conversation.voice.play(pcm, barge_in=barge_in_of(barge_in)))
    played = Played(said.complete, len(pcm) / BYTES_PER_SAMPLE / rate)
    conversation.chronicle.tell(PlayedEvent, source=name, seconds=round(played.seconds, 2), complete=played.complete)
    return played


def _sound(folder: Path | None, source: str | Path | Tone, sample_rate: int) -> tuple[str, bytes]:
    if isinstance(source, Tone):
        return "tone", source.pcm(sample_rate)
    return str(source), load(folder, Path(source), sample_rate)


def load(folder: Path | None, path: Path, sample_rate: int) -> bytes:
    """The linear PCM of a WAV below a folder, at this rate.

    Raises:
        NotFound: It is not there, or elsewhere.
        PeerError: It is no WAV of 16-bit PCM, or too long.
    """
    root = (folder or Path()).resolve()
    found = (root / path).resolve()
    if not found.is_relative_to(root) or not found.is_file():
        raise NotFound(f"no file {str(path)!r} in the dialplan's folder")
    if found.stat().st_size > MAX_BYTES:
        raise PeerError(f"{path}: more than {MAX_BYTES >> 20} MB")
    try:
        pcm, rate = read_wav(found)
    except wave.Error as error:
        raise PeerError(f"{path}: {error}") from error
    if len(pcm) > MAX_S * rate * BYTES_PER_SAMPLE:
        raise PeerError(f"{path}: longer than {MAX_S:g} s")
    return resample(pcm, rate, sample_rate)
