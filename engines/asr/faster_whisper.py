"""Whisper on CTranslate2, with an encoder that sees only as much silence as it needs.

faster-whisper pads everything to 30 s, and on a CPU the encoder is the cost. CTranslate2's own `encode` and `generate`
take a shorter input. With whisper-base int8 (one thread, AVX2) the encoder takes 0.14 s at 8 s, 0.24 s at 12 s and
0.75 s at 30 s; the words cost 5 ms a token. Measured on 239 recorded telephone prompts of up to 11 s, most of them
single words, the word error rate is 12.4 % with max(6 s, length + 1 s), 9.0 % with 8 s and 9.4 % with 12 s.

The price is a guard. A short context makes the decoder say the sentence again and again (13 % of the sentences at 8
s, none at 12 s): when it says more than anybody can, and that is one piece over and over, the piece is what was said.
Whatever else is doubtful (too many tokens, a text that compresses too well, low probability, one word twice) is
decoded again at the next context, at last at 30 s. How short a context may be is a property of the *model*: others
measured large-v3-turbo going from 15 to 63 % WER, so it is 30 s unless it was measured.

The library is imported when a model is loaded, so that this module imports without it.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from engines.cores import threads_per_job
from engines.errors import InputError, ModelError
from engines.ports import ASR_RATE, HeardWord, Listening, Samples, Transcription

FULL_CONTEXT_S = 30.0
"""What Whisper was trained on, and the most it can see."""

MEASURED_CONTEXTS_S = {"whisper-base": (8.0, 12.0)}
"""The least audio contexts, in the order they are tried, of the models they were measured for."""

_TRAILING_S = 1.0
"""Silence that the encoder always sees behind the words."""

_TOKENS_BASE, _TOKENS_PER_SECOND = 15, 7.0
"""No speaker says more; more is a decoder that repeats itself."""

_MAX_COMPRESSION_RATIO = 2.2
_REDECODE_BELOW = -1.0
"""Mean log-probability under which a decode at a short context is not trusted."""

_LOOPS_ARE_NOISE = 0.55
"""The no-speech probability from which a decoder that repeats itself is not taken at its word."""

_SHORTEST_LOOP = 3
_FRAMES_PER_SECOND = 100
_WARM_UP_TOKENS = 12
_WARM_UP_DECODES = 5

_NOT_SPEECH = ((0.85, -0.3), (0.6, -0.45), (0.3, -1.0), (0.0, -1.5))
"""(no-speech probability at least, mean log-probability below): together they say that nobody speaks.

Words made up from noise come with high confidence ("you", "Thank you."), but then the model's no-speech probability is
high as well: 0.56 to 0.93 measured on silence, hiss, hum, clicks and tones; on nearly all speech 0.28 at most up to 5 s
of it, 0.51 up to 22 s. Single words ("Quebec") do come with -1.2, and spelled letters with 0.76 and -0.3.
"""

_NOISE_TOKENS = 6
"""What is made up from noise is short. Of a sentence the model is asked again before it counts as noise: one recording
of 4.4 s, words right, came with 0.89 and -0.35 at a short context wherever its cut fell."""


@dataclass(frozen=True, slots=True)
class _Decoded:
    text: str
    tokens: int
    log_probability: float
    no_speech: float
    language: str
    words: tuple[HeardWord, ...]

    def runaway(self, seconds: float) -> bool:
        """Whether no speaker can have said this in that time."""
        return self.tokens > _token_limit(seconds) or _compression_ratio(self.text) > _MAX_COMPRESSION_RATIO

    def doubtful(self, seconds: float) -> bool:
        """Whether it deserves a second decode."""
        if self.silence and self.tokens > _NOISE_TOKENS:
            return True
        return self.runaway(seconds) or self.log_probability < _REDECODE_BELOW or _says_it_twice(self.text)

    @property
    def silence(self) -> bool:
        """Whether the model itself says that nobody speaks."""
        return any(self.no_speech >= least and self.log_probability < below for least, below in _NOT_SPEECH)


class WhisperEngine:
    """An `AsrEngine`: one CTranslate2 model, `workers` decodes at once."""

    def __init__(self, folder: Path, *, workers: int, contexts_s: tuple[float, ...] = ()) -> None:
        """Load a model in CTranslate2's format from `folder`; `contexts_s` are tried before the full 30 s.

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
                str(folder),
                device="cpu",
                compute_type="int8",
                cpu_threads=threads_per_job(),
                num_workers=workers,
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelError(f"{folder}: {error}") from error
        self._new_tokenizer = Tokenizer
        self._tokenizers: dict[str, Any] = {}
        self._contexts_s = (*contexts_s, FULL_CONTEXT_S)

    @property
    def languages(self) -> frozenset[str]:
        """The language codes it knows."""
        return frozenset(self._model.supported_languages)

    def transcribe(self, samples: Samples, listening: Listening) -> Transcription:
        """Recognise up to 30 s of speech. Blocks; safe from several threads.

        Raises:
            InputError: It is longer, or the model does not know the language.
        """
        seconds = len(samples) / ASR_RATE
        if seconds > FULL_CONTEXT_S:
            raise InputError(f"{seconds:.1f} s of audio; {FULL_CONTEXT_S:.0f} s at most")
        contexts_s = dict.fromkeys(_context_s(least_s, seconds) for least_s in self._contexts_s)
        decodes = 0
        for context_s in contexts_s:
            decoded, decodes = self._decode(samples, listening, context_s), decodes + 1
            if not decoded.doubtful(seconds):
                break
        speech = not decoded.runaway(seconds) and not decoded.silence
        return Transcription(
            decoded.text if speech else "",
            decoded.log_probability,
            decodes > 1,
            decoded.language,
            decoded.no_speech,
            decoded.words if speech else (),
        )

    def warm_up(self) -> float:
        """Decode once to touch all memory, then measure: CPU seconds for a short utterance of a dozen tokens.

        The best of several counts: what else starts on this machine right now is not the model's doing.
        """
        took = float("inf")
        for _ in range(_WARM_UP_DECODES):
            begun = process_time()
            tokenizer = self._tokenizer("en")
            encoded = self._encode(np.zeros(ASR_RATE, dtype=np.float32), self._contexts_s[0])
            self._generate(encoded, tokenizer, _WARM_UP_TOKENS, suppress=(tokenizer.eot,))
            took = min(took, process_time() - begun)
        return took

    def _decode(self, samples: Samples, listening: Listening, context_s: float) -> _Decoded:
        seconds = len(samples) / ASR_RATE
        encoded = self._encode(samples, context_s)
        language = listening.language or self._model.model.detect_language(encoded)[0][0][0][2:-2]
        tokenizer = self._tokenizer(language)
        limit = _token_limit(seconds)
        result = self._generate(encoded, tokenizer, limit + 1, keyterms=listening.keyterms)
        tokens: list[int] = result.sequences_ids[0]
        # CTranslate2 divides by the tokens without the end; the end's own probability is in the sum.
        log_probability = result.scores[0] * len(tokens) / (len(tokens) + 1)
        if len(tokens) > limit and result.no_speech_prob < _LOOPS_ARE_NOISE:
            tokens = _without_repetition(tokens)
        words = self._words(encoded, tokenizer, tokens, seconds) if listening.words else ()
        text = tokenizer.decode(tokens).strip()
        return _Decoded(text, len(tokens), log_probability, result.no_speech_prob, language, words)

    def _words(self, encoded: Any, tokenizer: Any, tokens: list[int], seconds: float) -> tuple[HeardWord, ...]:
        """Where each word is, by the decoder's attention to the sound."""
        frames = round(seconds * _FRAMES_PER_SECOND)
        [found] = self._model.find_alignment(tokenizer, [tokens], encoded, frames)
        words: list[HeardWord] = []
        for each in found:
            text, start, end = each["word"], min(float(each["start"]), seconds), min(float(each["end"]), seconds)
            probability = float(each["probability"])
            if words and not any(letter.isalnum() for letter in text):  # it belongs to the word before it
                last = words.pop()
                words.append(HeardWord(last.text + text.strip(), last.start, last.end, last.probability))
            elif text.strip():
                words.append(HeardWord(text.strip(), start, end, probability))
        return tuple(words)

    def _encode(self, samples: Samples, context_s: float) -> Any:
        padded = np.zeros(int(context_s * ASR_RATE), dtype=np.float32)
        padded[: len(samples)] = samples
        features = self._model.feature_extractor(padded, padding=0)
        return self._model.encode(features)

    def _generate(
        self,
        encoded: Any,
        tokenizer: Any,
        max_tokens: int,
        *,
        suppress: tuple[int, ...] = (),
        keyterms: tuple[str, ...] = (),
    ) -> Any:
        terms = ", ".join(keyterms) or None
        prompt = self._model.get_prompt(tokenizer, [], without_timestamps=True, hotwords=terms)
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


def _context_s(least_s: float, seconds: float) -> float:
    return min(FULL_CONTEXT_S, max(least_s, seconds + _TRAILING_S))


def _token_limit(seconds: float) -> int:
    return int(_TOKENS_BASE + _TOKENS_PER_SECOND * seconds)


def _compression_ratio(text: str) -> float:
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if raw else 0.0


def _says_it_twice(text: str) -> bool:
    """Whether the text is one piece two or three times: what a short context makes of "December"."""
    words = [word.strip(".,!?").lower() for word in text.split()]
    return any(len(words) >= times and words == words[: len(words) // times] * times for times in (2, 3))


def _without_repetition(tokens: list[int]) -> list[int]:
    """The piece that is said over and over; all of it where there is none."""
    for length in range(_SHORTEST_LOOP, len(tokens) // 2 + 1):
        if tokens[length:] == tokens[:-length]:
            return tokens[:length]
    return tokens
