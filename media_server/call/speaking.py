"""One utterance on its way to the caller's ear."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil

from media_server.protocol.tts_stream import Word
from media_server.turn.utterance import Utterance


@dataclass(eq=False, slots=True)
class Speaking:
    """One utterance on its way to the caller's ear.

    Attributes:
        utterance: Its sound.
        turn: The caller's turn that it answers.
        text: What was said of it so far.
        words: Where its words are, in seconds from its first sample.
        text_at: When its first text was there (monotonic seconds).
        voiced_at: When its first sound was made.
        failure: Why not all of its sound could be made: the engine's fault, or that of the text's source.
        over: Set when it was heard to its end, interrupted, withdrawn, dropped, or the call is over.
        complete: It was heard to its end.
        heard: What of it was heard, once it is over.
        followers: What is not said either where the caller interrupts it.
    """

    utterance: Utterance
    turn: int | None = None
    text: str = ""
    words: list[Word] = field(default_factory=list)
    text_at: float | None = None
    voiced_at: float | None = None
    failure: Exception | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)
    complete: bool = False
    heard: str = ""
    maker: "asyncio.Task[None] | None" = None
    followers: "Sequence[Speaking]" = ()

    def place(self, words: Iterable[Word], sample_rate: int) -> None:
        """These words end in the sound that comes next; behind each of them it may be taken up again."""
        for word in words:
            self.words.append(word)
            self.utterance.seams.append(ceil(word.end * sample_rate))

    def stop(self) -> None:
        """Nothing more of it is made."""
        if self.maker is not None:
            self.maker.cancel()
