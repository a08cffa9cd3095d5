"""Whisper on CTranslate2, with an encoder that sees only as much silence as it needs.

faster-whisper pads everything to 30 s, and on a CPU the encoder is the cost. CTranslate2's own `encode` and `generate`
take a shorter input. Measured with whisper-base int8 on human telephone prompts: an audio context of max(12 s, length +
1 s) costs 0.19 s an utterance instead of 0.74 s at the same word error rate (3.73 %), provided that a guard sends
runaway decodes through once more at the full 30 s. How short a context may be is a property of the *model*: others
measured large-v3-turbo going from 15 to 63 % WER, so the floor is 30 s unless it was measured.

The library is imported when a model is loaded, so that this module imports without it.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from engines.errors import InputError, ModelError
from engines.ports import ASR_RATE, Samples, Transcription

FULL_CONTEXT_S = 30.0
"""What Whisper was trained on, and the most it can see."""

MEASURED_CONTEXT_FLOOR_S = {"whisper-base": 12.0}
"""The shortest audio context of the models it was measured for; all others get `FULL_CONTEXT_S`."""

_TRAILING_S = 1.0
"""Silence that the encoder always sees behind the words."""

_TOKENS_BASE, _TOKENS_PER_SECOND = 15, 7.0
"""No speaker says more; more is a decoder that repeats itself."""

_MAX_COMPRESSION_RATIO = 2.2
_REDECODE_BELOW = -1.0
"""Mean log-probability under which a decode at a short context is not trusted."""

_WARM_UP_TOKENS = 12

_NOT_SPEECH = ((0.6, -0.3), (0.3, -1.0), (0.0, -1.5))
"""(no-speech probability at least, mean log-probability below): together they say that nobody speaks.

Words made up from noise come with high confidence ("you", "Thank you."), but then the model's no-speech probability is
high as well: 0.56 to 0.93 measured on silence, hiss, hum, clicks and tones; on speech 0.28 at most up to 5 s of it,
0.51 up to 22 s. Single words ("Quebec") do come with -1.2.
"""


@dataclass(frozen=True, slots=True)
class _Decoded:
    text: str
    tokens: int
    log_probability: float
    no_speech: float

    def runaway(self, seconds: float) -> bool:
        """Whether no speaker can have said this in that time."""
        return self.tokens > _token_limit(seconds) or _compression_ratio(self.text) > _MAX_COMPRESSION_RATIO

    def doubtful(self, seconds: float) -> bool:
        """Whether it deserves a second decode."""
        return self.runaway(seconds) or self.log_probability < _REDECODE_BELOW

    @property
    def silence(self) -> bool:
        """Whether the model itself says that nobody speaks."""
        return any(self.no_speech >= least and self.log_probability < below for least, below in _NOT_SPEECH)


class WhisperEngine:
    """An `AsrEngine`: one CTranslate2 model, `workers` decodes at once, one thread each."""

    def __init__(self, folder: Path, *, workers: int, context_floor_s: float = FULL_CONTEXT_S) -> None:
        """Load a model in CTranslate2's format from `folder`.

        Raises:
            ModelError: It is not there or cannot be loaded.
        """
        for name in ("model.bin", "config.json", "tokenizer.json"):
            if not (folder / name).is_file():
                raise ModelError(f"{folder}: {name} is missing")
        from faster_whisper import WhisperModel  # noqa: PLC0415 - see above
        from faster_whisper.tokenizer import Tokenizer  # noqa: PLC0415

        try:
            self._model: Any = WhisperModel(
                str(folder), device="cpu", compute_type="int8", cpu_threads=1, num_workers=workers
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelError(f"{folder}: {error}") from error
        self._new_tokenizer = Tokenizer
        self._tokenizers: dict[str, Any] = {}
        self._context_floor_s = context_floor_s

    @property
    def languages(self) -> frozenset[str]:
        """The language codes it knows."""
        return frozenset(self._model.supported_languages)

    def transcribe(self, samples: Samples, language: str) -> Transcription:
        """Recognise up to 30 s of speech. Blocks; safe from several threads.

        Raises:
            InputError: It is longer, or the model does not know the language.
        """
        seconds = len(samples) / ASR_RATE
        if seconds > FULL_CONTEXT_S:
            raise InputError(f"{seconds:.1f} s of audio; {FULL_CONTEXT_S:.0f} s at most")
        context_s = self._context_s(seconds)
        decoded = self._decode(samples, language, context_s, seconds)
        redecoded = decoded.doubtful(seconds) and context_s < FULL_CONTEXT_S
        if redecoded:
            decoded = self._decode(samples, language, FULL_CONTEXT_S, seconds)
        speech = not decoded.runaway(seconds) and not decoded.silence
        return Transcription(decoded.text if speech else "", decoded.log_probability, redecoded)

    def warm_up(self) -> float:
        """Decode once to touch all memory, then measure: seconds for a short utterance of a dozen tokens."""
        took = 0.0
        for _ in range(2):
            begun = perf_counter()
            tokenizer = self._tokenizer("en")
            encoded = self._encode(np.zeros(ASR_RATE * 5 // 2, dtype=np.float32), self._context_s(2.5))
            self._generate(encoded, tokenizer, _WARM_UP_TOKENS, suppress=(tokenizer.eot,))
            took = perf_counter() - begun
        return took

    def _context_s(self, seconds: float) -> float:
        return min(FULL_CONTEXT_S, max(self._context_floor_s, seconds + _TRAILING_S))

    def _decode(self, samples: Samples, language: str, context_s: float, seconds: float) -> _Decoded:
        tokenizer = self._tokenizer(language)
        encoded = self._encode(samples, context_s)
        result = self._generate(encoded, tokenizer, _token_limit(seconds) + 1, suppress=())
        tokens: list[int] = result.sequences_ids[0]
        # CTranslate2 divides by the tokens without the end; the end's own probability is in the sum.
        log_probability = result.scores[0] * len(tokens) / (len(tokens) + 1)
        text = tokenizer.decode(tokens).strip()
        return _Decoded(text, len(tokens), log_probability, result.no_speech_prob)

    def _encode(self, samples: Samples, context_s: float) -> Any:
        padded = np.zeros(int(context_s * ASR_RATE), dtype=np.float32)
        padded[: len(samples)] = samples
        features = self._model.feature_extractor(padded, padding=0)
        return self._model.encode(features)

    def _generate(self, encoded: Any, tokenizer: Any, max_tokens: int, *, suppress: tuple[int, ...]) -> Any:
        prompt = self._model.get_prompt(tokenizer, [], without_timestamps=True)
        [result] = self._model.model.generate(
            encoded,
            [prompt],
            beam_size=1,
            max_length=2 * max_tokens,  # of which CTranslate2 gives half to the new tokens
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=[*_suppressed(tokenizer), *suppress],
        )
        return result

    def _tokenizer(self, language: str) -> Any:
        if language not in self._tokenizers:
            if language not in self.languages:
                raise InputError(f"this model does not know the language {language!r}")
            model = self._model
            self._tokenizers[language] = self._new_tokenizer(
                model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=language
            )
        return self._tokenizers[language]


def _suppressed(tokenizer: Any) -> tuple[int, ...]:
    """Tokens that are no speech: brackets, notes, and Whisper's own marks."""
    marks = (tokenizer.transcribe, tokenizer.translate, tokenizer.sot, tokenizer.sot_prev, tokenizer.sot_lm)
    return (*tokenizer.non_speech_tokens, *marks, tokenizer.no_speech)


def _token_limit(seconds: float) -> int:
    return int(_TOKENS_BASE + _TOKENS_PER_SECOND * seconds)


def _compression_ratio(text: str) -> float:
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if raw else 0.0
