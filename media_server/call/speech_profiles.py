"""Speech by language and voice: the engines are the same, the query and the phrases are a route's own.

The phrases of a voice are made once and kept while any route has that voice. A voice or a language that the engines do
not have is told to the operator, and the server's own takes its place: an answer in another voice is better than none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import structlog

from media_server.call.conversation import Speech
from media_server.call.phrases import OWN_PHRASES, Phrases
from media_server.errors import EngineError, EngineRefused
from media_server.speech.asr import PATH as ASR_PATH

log = structlog.get_logger(__name__)


class SpeechProfiles:
    """The server's speech, and the variations of it that routes ask for."""

    def __init__(self, default: Speech) -> None:
        self.default = default
        self._phrases: dict[str, Phrases] = {}
        self._refused: set[str] = set()
        self._languages: set[str] = {default.query.language}
        self._deaf_to: set[str] = set()

    def of(self, language: str, voice: str) -> Speech:
        """The speech of a route; empty: the server's. What is not known to be there is the server's, too."""
        speech = self.default
        if voice in self._phrases:
            speech = replace(speech, phrases=self._phrases[voice])
        if language and language not in self._deaf_to:
            speech = replace(speech, query=speech.query.model_copy(update={"language": language}))
        return speech

    async def make(self, phrases: Mapping[str, Iterable[str]], languages: Iterable[str] = ()) -> None:
        """Make the phrases of each voice (empty: the server's), and the server's own in each; ask for the languages.

        Raises:
            EngineError: An engine is not there, or failed.
        """
        default = self.default
        await default.phrases.make(default.tts, [*OWN_PHRASES, *phrases.get("", ())])
        for voice in filter(None, phrases):
            await self._make_voice(voice, phrases[voice])
        for language in filter(None, languages):
            if language not in self._languages:
                await self._ask_for(language)

    def keep(self, phrases: Mapping[str, Iterable[str]]) -> None:
        """Forget all other phrases."""
        self.default.phrases.keep({*OWN_PHRASES, *phrases.get("", ())})
        self._phrases = {voice: made for voice, made in self._phrases.items() if voice in phrases}
        for voice, made in self._phrases.items():
            made.keep({*OWN_PHRASES, *phrases[voice]})

    async def _make_voice(self, voice: str, texts: Iterable[str]) -> None:
        made = self._phrases.get(voice)
        if made is None:
            made = self.default.phrases.of_voice(voice)
        try:
            await made.make(self.default.tts, [*OWN_PHRASES, *texts])
        except EngineRefused as error:
            self._phrases.pop(voice, None)
            self._tell_once(self._refused, voice, "voice_refused", error)
        else:
            self._refused.discard(voice)
            self._phrases[voice] = made

    async def _ask_for(self, language: str) -> None:
        query = self.default.query.model_copy(update={"language": language})
        params = {"sample_rate": str(query.sample_rate), "language": language}
        try:
            socket = await self.default.asr.connect(ASR_PATH, params)
        except EngineRefused as error:
            self._tell_once(self._deaf_to, language, "language_refused", error)
        else:
            await socket.aclose()
            self._languages.add(language)
            self._deaf_to.discard(language)

    @staticmethod
    def _tell_once(told: set[str], what: str, event: str, error: EngineError) -> None:
        if what not in told:
            told.add(what)
            log.error(event, what=what, error=error.message, instead="the server's own")
