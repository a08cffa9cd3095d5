"""Sound that is ready before anybody calls: the server's own phrases and the constants of the dialplans.

They are kept as PCM, so that a greeting starts at once and a dead engine cannot take the apology with it.
"""

from collections.abc import Container, Iterable

from media_server.audio.frame import BYTES_PER_SAMPLE
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
    """The phrases of one voice at one rate, by their text."""

    def __init__(self, query: TtsQuery) -> None:
        self.query = query
        self._made: dict[str, Phrase] = {}

    def get(self, text: str) -> Phrase | None:
        """A phrase, if it was made."""
        return self._made.get(text)

    def keep(self, texts: Container[str]) -> None:
        """Forget all others."""
        self._made = {text: phrase for text, phrase in self._made.items() if text in texts}

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
                self._made[text] = await collect(context)
