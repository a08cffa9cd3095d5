"""A voice that is given what people write and says what they mean: the same engine, with another text.

It runs where the engine runs, on a worker thread.
"""

from collections.abc import Iterator
from dataclasses import replace

from engines.ports import Speech, TtsEngine
from engines.tts.lexicon import Lexicon
from engines.tts.spoken_text import NO_LEXICON, WayBack, speakable


class Reader:
    """A `TtsEngine` around another. Offsets and words of what it speaks are those of the written text."""

    def __init__(self, engine: TtsEngine, lexicon: Lexicon = NO_LEXICON) -> None:
        self._engine = engine
        self._lexicon = lexicon
        self.sample_rate = engine.sample_rate
        self.language = engine.language

    @property
    def voices(self) -> tuple[str, ...]:
        """Those of the engine."""
        return self._engine.voices

    def synthesize(self, text: str, voice: str, speed: float = 1.0) -> Iterator[Speech]:
        """Speak one clause; nothing comes of one that has nothing to say. Raises what the engine raises."""
        spoken = speakable(text, self._lexicon, self.language)
        if not spoken.words:
            return
        back = WayBack(spoken)
        for speech in self._engine.synthesize(spoken.text, voice, speed):
            yield replace(speech, words=back.written(speech.words, more=speech.more))
