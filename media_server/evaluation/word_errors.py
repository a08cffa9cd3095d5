"""How much of what was heard is not what was said: word and character errors, as they are reported for Whisper.

Both texts are normalised first (case, punctuation, numbers, contractions), by the normaliser of Whisper's authors: the
English one for English, the one for all languages otherwise. Pure.
"""

import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import jiwer

with warnings.catch_warnings():
    warnings.simplefilter("ignore", SyntaxWarning)
    warnings.simplefilter("ignore", DeprecationWarning)  # what the former was before Python 3.12
    from whisper_normalizer.basic import BasicTextNormalizer
    from whisper_normalizer.english import EnglishTextNormalizer


@dataclass(frozen=True, slots=True)
class Errors:
    """Substituted, deleted and inserted words and characters, of so many that were said. They add up."""

    words: int = 0
    word_errors: int = 0
    characters: int = 0
    character_errors: int = 0

    def __add__(self, other: "Errors") -> "Errors":
        return Errors(
            self.words + other.words,
            self.word_errors + other.word_errors,
            self.characters + other.characters,
            self.character_errors + other.character_errors,
        )

    @property
    def wer(self) -> float | None:
        """Word errors a word said, in percent; None where nothing was said."""
        return 100 * self.word_errors / self.words if self.words else None

    @property
    def cer(self) -> float | None:
        """Character errors a character said, in percent; None where nothing was said."""
        return 100 * self.character_errors / self.characters if self.characters else None


def errors(said: str, heard: str, language: str) -> Errors:
    """Of one utterance. `language`: the code of what is spoken."""
    reference, hypothesis = normalized(said, language), normalized(heard, language)
    if not reference:  # all that was heard is too much
        return Errors(0, len(hypothesis.split()), 0, len(hypothesis))
    words = jiwer.process_words(reference, hypothesis)
    characters = jiwer.process_characters(reference, hypothesis)
    return Errors(len(reference.split()), _errors(words), len(reference), _errors(characters))


def normalized(text: str, language: str) -> str:
    """The text as it is compared."""
    return str(_normalizer(language == "en")(text)).strip()


def _errors(measured: Any) -> int:
    return int(measured.substitutions + measured.deletions + measured.insertions)


@cache
def _normalizer(english: bool) -> Any:
    return EnglishTextNormalizer() if english else BasicTextNormalizer()
