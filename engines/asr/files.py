"""A whole recording: cut at its silences, its pieces recognised side by side, told in their order.

Pieces wait in the last lane: whoever talks goes first. Only a few of them are under way at once, so that a recording of
any length takes little memory, and the sender waits.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engines.asr.audio_store import AudioStore, as_samples
from engines.asr.evidence import supported
from engines.asr.session import AsrEngines
from engines.lanes import Lane
from engines.ports import Listening, Transcription, VadStream
from engines.scheduler import Job
from engines.turn.endpointing import Cut, Ended, EndpointEvent, Endpointing, Started
from engines.turn.expectation import Expectation, TurnDetection

RATE = 16000
SILENCE_MS = 500
"""A silence that separates two pieces."""
BEFORE_S, AFTER_S = 0.2, 0.3
"""What is heard before the voice of a piece, and after it."""
UNDER_WAY = 4


@dataclass(frozen=True, slots=True)
class Piece:
    """Speech between two silences; `start` and `end` are samples of the recording, and `voiced` of it was a voice."""

    start: int
    end: int
    voiced: int
    audio: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece and its words; times in seconds of the recording, those of the words too."""

    number: int
    start: float
    end: float
    heard: Transcription


@dataclass(slots=True)
class FileBooks:
    """Seconds of sound so far, and the language that was found."""

    seconds: float = 0.0
    language: str | None = None


class Cutter:
    """Cuts a recording, mono at `RATE`, into pieces as it comes. Sans-IO."""

    def __init__(self, vad: VadStream) -> None:
        self._vad = vad
        self._store = AudioStore()
        only_silence = Expectation(turn_detection=TurnDetection.SILENCE, min_silence_ms=SILENCE_MS)
        self._endpointing = Endpointing(RATE, only_silence)
        self._start: int | None = None
        self._told = 0
        self._length: int | None = None
        self._voiced = 0

    @property
    def position(self) -> int:
        """The samples received."""
        return self._store.end

    def receive(self, pcm: bytes) -> list[Piece]:
        """The next bytes; the pieces that end in them."""
        self._store.append(pcm)
        pieces: list[Piece] = []
        window = self._vad.window
        while self._store.end - self._endpointing.position >= window:
            begin = self._endpointing.position
            samples = as_samples(self._store.slice(begin, begin + window))
            events = self._endpointing.receive_window(self._vad.probability(samples), window)
            self._voiced += window if self._endpointing.voiced else 0
            pieces += self._pieces(events)
            self._store.forget_before(begin - RATE if self._start is None else self._start)
        return pieces

    def finish(self) -> list[Piece]:
        """There is no more."""
        self._length = self._store.end
        self._store.pad(-self._store.end % self._vad.window + self._vad.window)
        return self.receive(b"") + self._pieces(self._endpointing.end_turn("close"))

    def _pieces(self, events: list[EndpointEvent]) -> list[Piece]:
        pieces: list[Piece] = []
        for event in events:
            match event:
                case Started():
                    self._start = max(self._told, event.audio_from, event.at - int(BEFORE_S * RATE))
                    self._voiced = self._endpointing.position - event.at
                case Cut():
                    pieces += self._piece(event.upto)
                    self._start = event.upto
                case Ended():
                    pieces += self._piece(min(event.end + int(AFTER_S * RATE), event.at))
                case _:
                    pass
        return pieces

    def _piece(self, end: int) -> list[Piece]:
        if self._length is not None:  # behind it is padding
            end = min(end, self._length)
        start, voiced = self._start, self._voiced
        self._start, self._voiced, self._told = None, 0, end
        if start is None or end <= start or not voiced:
            return []
        return [Piece(start, end, voiced, self._store.slice(start, end))]


async def recognise(
    engines: AsrEngines, sound: AsyncIterator[bytes], listening: Listening, books: FileBooks
) -> AsyncGenerator[Segment, None]:
    """The segments of a recording with words in them. The language is found once, in the first of them.

    Raises:
        Exception: Whatever an engine or `sound` raised.
    """
    cutter = Cutter(engines.models.vad.stream(RATE))
    waiting: deque[tuple[Piece, Job[Transcription]]] = deque()
    books.language = listening.language
    number = 0
    try:
        ended = False
        while not ended:
            chunk = await anext(sound, None)
            ended = chunk is None
            pieces = cutter.finish() if chunk is None else cutter.receive(chunk)
            if chunk is not None:
                books.seconds = cutter.position / RATE
            await asyncio.sleep(0)  # others have windows too
            for piece in pieces:
                heard = replace(listening, language=books.language)
                job = engines.decode(Lane.FILE, piece.audio, RATE, heard)
                waiting.append((piece, job))
                while len(waiting) >= (UNDER_WAY if books.language else 1):
                    if segment := await _next(waiting, number, books):
                        number += 1
                        yield segment
        while waiting:
            if segment := await _next(waiting, number, books):
                number += 1
                yield segment
    finally:
        for _, job in waiting:
            job.cancel()


async def _next(waiting: deque[tuple[Piece, Job[Transcription]]], number: int, books: FileBooks) -> Segment | None:
    """The first of those that wait; None where it has no words."""
    piece, job = waiting[0]
    heard = await job.future
    waiting.popleft()
    if not heard.text or not supported(heard.text, piece.voiced / RATE):
        return None
    books.language = books.language or heard.language
    start = piece.start / RATE
    words = tuple(replace(word, start=word.start + start, end=word.end + start) for word in heard.words)
    return Segment(number, start, piece.end / RATE, replace(heard, words=words))
