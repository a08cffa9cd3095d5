"""Sound that is ready before anybody calls: the server's own phrases and the constants of the dialplans.

They are kept as PCM, so that a greeting starts at once and a dead engine cannot take the apology with it; and at the
rate of each kind of leg, made once at the highest of them and resampled as a whole.
"""

import asyncio
from collections.abc import Container, Iterable

from media_server.audio.frame import BYTES_PER_SAMPLE
from media_server.audio.resample import resample
from media_server.protocol.tts_stream import TtsQuery, Word, Words
from media_server.speech.engine_stream import EngineStreams
from media_server.speech.spoken import Rewind
from media_server.speech.tts import SpokenContext, TtsSession

APOLOGY = "I am sorry, something went wrong on our side. Please call again later."
REPROMPT = "Are you still there?"
GOODBYE = "Goodbye."
ONE_MOMENT = "One moment, please."
NOT_HEARD = "Sorry, I did not hear you."
NOT_UNDERSTOOD = "Sorry, I did not get that."
WHAT_INSTEAD = "What should I change?"
OWN_PHRASES = (APOLOGY, REPROMPT, GOODBYE, ONE_MOMENT, NOT_HEARD, NOT_UNDERSTOOD, WHAT_INSTEAD)


class Phrase:
    """A phrase, made: linear PCM and the words in it."""

    __slots__ = ("exact", "pcm", "words")

    def __init__(self, pcm: bytes, words: tuple[Word, ...], *, exact: bool) -> None:
        self.pcm = pcm
        self.words = words
        self.exact = exact

    def resampled(self, source_rate: int, target_rate: int) -> "Phrase":
        """The same at another rate. Blocks for about a millisecond a second of sound."""
        return Phrase(resample(self.pcm, source_rate, target_rate), self.words, exact=self.exact)


async def collect(context: SpokenContext) -> Phrase:
    """All of the sound of an utterance, once it is made.

    Raises:
        EngineError: The engine failed at it.
    """
    pcm, words, exact = bytearray(), list[Word](), True
    while (chunk := await context.next()) is not None:
        if isinstance(chunk, Words):
            words += chunk.words
            exact = exact and chunk.exact
        elif isinstance(chunk, Rewind):
            del pcm[chunk.sample * BYTES_PER_SAMPLE :]
        else:
            pcm += chunk
    return Phrase(bytes(pcm), tuple(words), exact=exact)


class Phrases:
    """The phrases of one voice, by their text, at the rate of the query; `at` has them at the others."""

    def __init__(self, query: TtsQuery, rates: Iterable[int] = ()) -> None:
        """`rates`: at which they are wanted too, in Hz."""
        self.query = query
        self._made: dict[str, Phrase] = {}
        self._others = {rate: Phrases(_at(query, rate)) for rate in rates if rate != query.sample_rate}

    def at(self, sample_rate: int) -> "Phrases":
        """The same phrases at another rate; at one that was not asked for there are none: all is made as it is said."""
        if sample_rate == self.query.sample_rate:
            return self
        return self._others.get(sample_rate) or Phrases(_at(self.query, sample_rate))

    def of_voice(self, voice: str) -> "Phrases":
        """None yet, of another voice at the same rates."""
        return Phrases(self.query.model_copy(update={"voice": voice}), self._others)

    def get(self, text: str) -> Phrase | None:
        """A phrase, if it was made."""
        return self._made.get(text)

    def keep(self, texts: Container[str]) -> None:
        """Forget all others."""
        self._made = {text: phrase for text, phrase in self._made.items() if text in texts}
        for other in self._others.values():
            other.keep(texts)

    async def make(self, engines: EngineStreams, texts: Iterable[str]) -> None:
        """Make those that are not there yet.

        Raises:
            EngineError: The engine is not there, or failed.
        """
        missing = [text for text in dict.fromkeys(texts) if text.strip() and text not in self._made]
        if not missing:
            return
        session = TtsSession(engines, self.query, gone_s=0.0)
        async with session.running():
            for number, text in enumerate(missing):
                context = session.context(f"phrase-{number}")
                context.send(text)
                made = await collect(context)
                for rate, other in self._others.items():
                    other.add(text, await asyncio.to_thread(made.resampled, self.query.sample_rate, rate))
                self.add(text, made)

    def add(self, text: str, phrase: Phrase) -> None:
        """Take a phrase that is made."""
        self._made[text] = phrase


def _at(query: TtsQuery, sample_rate: int) -> TtsQuery:
    return TtsQuery.model_validate({**query.model_dump(), "sample_rate": sample_rate})
