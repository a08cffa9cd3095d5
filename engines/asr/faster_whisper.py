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

Rows of digits, which are said in groups with pauses between them, need more of it: in a short context the decoder
says a last group again, and what comes out is as plausible as the truth. With 16 s what is still wrong has the wrong
count of equal digits in a row. So each digit is made a token of its own, and where the count is wrong it is decoded
again in two other ways. Chosen on some 250 numbers of ten recorded digits (one speaker, pauses of 0.4 to 1.0 s); of
150 others it hears 149, without it 132. Key terms ("0 1 2 3 …", a number) made it worse at 8 s; to allow nothing but
digits was no better. A group alone (`engines/asr/groups.py`) needs 9 s: of 160 numbers 153 had all three groups right,
and nearly all of the others the wrong count, which sends the whole row through.

The library is imported when a model is loaded, so that this module imports without it.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

from engines.asr.digit_rows import miscounted, tokens_of_hyphens, tokens_of_rows
from engines.asr.doubt import Guess, token_limit, without_repetition
from engines.cores import threads_per_job
from engines.errors import InputError, ModelError
from engines.ports import ASR_RATE, HeardWord, Listening, Samples, Transcription

FULL_CONTEXT_S = 30.0
"""What Whisper was trained on, and the most it can see."""

MEASURED_CONTEXTS_S = {"whisper-base": (8.0, 12.0)}
"""The least audio contexts, in the order they are tried, of the models they were measured for."""

DIGITS_CONTEXT_S, GROUP_CONTEXT_S = 16.0, 9.0
"""The least context where digits are expected: of a row, and of what is short enough to be a group of it …"""

GROUP_S = 4.0
"""… which is no longer than this."""

_RECOUNTS = ((16.0, True), (20.0, False))
"""What is tried where their count is wrong: a context, and whether hyphens are forbidden."""

_TRAILING_S = 1.0
"""Silence that the encoder always sees behind the words."""

_MOST_TOKENS = 448
"""Whisper's, of prompt and words."""

_FRAMES_PER_SECOND = 100
_WARM_UP_TOKENS = 12
_WARM_UP_DECODES = 5


@dataclass(frozen=True, slots=True)
class _Decoded:
    """`encoded` is what the encoder made of it, where it was alone."""

    guess: Guess
    tokens: list[int]
    tokenizer: Any
    encoded: Any


class WhisperEngine:
    """An `AsrEngine`: one CTranslate2 model, `workers` decodes at once."""

    def __init__(
        self,
        folder: Path,
        *,
        workers: int,
        contexts_s: tuple[float, ...] = (),
        device: str = "cpu",
        compute_type: str = "int8",
    ) -> None:
        """Load a model in CTranslate2's format from `folder`; `contexts_s` are tried before the full 30 s.

        `device` and `compute_type` are CTranslate2's: "cuda" and "float16" on a GPU.

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
                device=device,
                compute_type=compute_type,
                cpu_threads=threads_per_job(),
                num_workers=workers,
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelError(f"{folder}: {error}") from error
        self._new_tokenizer = Tokenizer
        self._tokenizers: dict[str, Any] = {}
        self._contexts_s = (*contexts_s, FULL_CONTEXT_S)
        vocabulary: dict[str, int] = self._model.hf_tokenizer.get_vocab()
        self._rows, self._hyphens = tokens_of_rows(vocabulary), tokens_of_hyphens(vocabulary)

    @property
    def languages(self) -> frozenset[str]:
        """The language codes it knows."""
        return frozenset(self._model.supported_languages)

    def transcribe(self, samples: Samples, listening: Listening) -> Transcription:
        """Recognise up to 30 s of speech. Blocks; safe from several threads.

        Raises:
            InputError: It is longer, or the model does not know the language.
        """
        return self.transcribe_together([samples], listening)[0]

    def bucket(self, seconds: float) -> Hashable:
        """Those that fit the same first context; what is longer has one of its own."""
        context_s = self._contexts_s[0]
        return context_s if _context_s(context_s, seconds) == context_s else None

    def transcribe_together(self, batch: Sequence[Samples], listening: Listening) -> list[Transcription]:
        """Recognise several in one run of the model, which is quicker where the device gains from it.

        What is doubtful is decoded again alone.

        Raises:
            InputError: One is longer than 30 s, or the model does not know the language.
        """
        if listening.words and len(batch) > 1:  # what the encoder made of one alone is needed for its words
            return [self.transcribe(samples, listening) for samples in batch]
        longest_s = max(map(len, batch)) / ASR_RATE
        if longest_s > FULL_CONTEXT_S:
            raise InputError(f"{longest_s:.1f} s of audio; {FULL_CONTEXT_S:.0f} s at most")
        least_s = self._contexts_s[0]
        if listening.digits is not None:
            least_s = max(least_s, GROUP_CONTEXT_S if longest_s <= GROUP_S else DIGITS_CONTEXT_S)
        first_s = _context_s(least_s, longest_s)
        decoded = self._decode(batch, listening, first_s)
        return [self._settled(*one, listening, first_s) for one in zip(batch, decoded, strict=True)]

    def _settled(self, samples: Samples, decoded: _Decoded, listening: Listening, context_s: float) -> Transcription:
        """Decode again while there is doubt and a longer context; then find the words, if they are wanted."""
        seconds = len(samples) / ASR_RATE
        language: str = decoded.tokenizer.language_code
        redecoded = False
        for longer_s in sorted({_context_s(least_s, seconds) for least_s in self._contexts_s}):
            if longer_s > context_s and decoded.guess.doubtful:
                [decoded] = self._decode([samples], replace(listening, language=language), longer_s)
                redecoded = True
        if listening.digits is not None and miscounted(decoded.guess.text, listening.digits):
            decoded = self._recounted(samples, decoded, replace(listening, language=language), listening.digits)
            redecoded = True
        guess = decoded.guess
        heard = Transcription("", guess.log_probability, redecoded, language, guess.no_speech)
        if guess.runaway or guess.silence:
            return heard
        words = self._words(decoded, seconds) if listening.words else ()
        return replace(heard, text=guess.text, words=words)

    def _recounted(
        self, samples: Samples, decoded: _Decoded, listening: Listening, digits: tuple[int, int]
    ) -> _Decoded:
        """Decode in other ways until the digits are as many as there must be; the first where they never are."""
        for least_s, no_hyphens in _RECOUNTS:
            context_s = _context_s(least_s, len(samples) / ASR_RATE)
            [other] = self._decode([samples], listening, context_s, suppress=self._hyphens if no_hyphens else ())
            if not (other.guess.doubtful or miscounted(other.guess.text, digits)):
                return other
        return decoded

    def warm_up(self) -> float:
        """Decode once to touch all memory, then measure: CPU seconds for a short utterance of a dozen tokens.

        The best of several counts: what else starts on this machine right now is not the model's doing. A GPU takes no
        CPU time: there the clock is read.
        """
        clock = process_time if self._model.model.device == "cpu" else perf_counter
        took = float("inf")
        for _ in range(_WARM_UP_DECODES):
            begun = clock()
            tokenizer = self._tokenizer("en")
            encoded = self._encode([np.zeros(ASR_RATE, dtype=np.float32)], self._contexts_s[0])
            self._generate(encoded, [tokenizer], _WARM_UP_TOKENS, suppress=(tokenizer.eot,))
            took = min(took, clock() - begun)
        return took

    def _decode(
        self, batch: Sequence[Samples], listening: Listening, context_s: float, suppress: tuple[int, ...] = ()
    ) -> list[_Decoded]:
        encoded = self._encode(batch, context_s)
        languages = [listening.language] * len(batch) if listening.language else self._detected(encoded)
        tokenizers = [self._tokenizer(language) for language in languages]
        lengths = [len(samples) / ASR_RATE for samples in batch]
        most = max(map(token_limit, lengths)) + 1
        if listening.digits is not None:
            suppress = (*suppress, *self._rows)
        results = self._generate(encoded, tokenizers, most, suppress=suppress, keyterms=listening.keyterms)
        decoded: list[_Decoded] = []
        for result, tokenizer, seconds in zip(results, tokenizers, lengths, strict=True):
            tokens: list[int] = result.sequences_ids[0]
            # CTranslate2 divides by the tokens without the end; the end's own probability is in the sum.
            log_probability = result.scores[0] * len(tokens) / (len(tokens) + 1)
            tokens = without_repetition(tokens, result.no_speech_prob, seconds)
            text = tokenizer.decode(tokens).strip()
            guess = Guess(text, len(tokens), log_probability, result.no_speech_prob, seconds)
            decoded.append(_Decoded(guess, tokens, tokenizer, encoded if len(batch) == 1 else None))
        return decoded

    def _detected(self, encoded: Any) -> list[str]:
        """The language of each, as its code."""
        return [found[0][0][2:-2] for found in self._model.model.detect_language(encoded)]

    def _words(self, decoded: _Decoded, seconds: float) -> tuple[HeardWord, ...]:
        """Where each word is, by the decoder's attention to the sound."""
        frames = round(seconds * _FRAMES_PER_SECOND)
        [found] = self._model.find_alignment(decoded.tokenizer, [decoded.tokens], decoded.encoded, frames)
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

    def _encode(self, batch: Sequence[Samples], context_s: float) -> Any:
        padded = np.zeros((len(batch), int(context_s * ASR_RATE)), dtype=np.float32)
        for row, samples in zip(padded, batch, strict=True):
            row[: len(samples)] = samples
        features = [self._model.feature_extractor(row, padding=0) for row in padded]
        return self._model.encode(np.stack(features))

    def _generate(
        self,
        encoded: Any,
        tokenizers: Sequence[Any],
        max_tokens: int,
        *,
        suppress: tuple[int, ...] = (),
        keyterms: tuple[str, ...] = (),
    ) -> Any:
        terms = ", ".join(keyterms) or None
        prompts = [self._model.get_prompt(each, [], without_timestamps=True, hotwords=terms) for each in tokenizers]
        return self._model.model.generate(
            encoded,
            prompts,
            beam_size=1,
            # CTranslate2 gives half of it to the new tokens, and no more than the prompt leaves.
            max_length=min(_MOST_TOKENS, max(2 * max_tokens, max(map(len, prompts)) + max_tokens)),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=[*_suppressed(tokenizers[0]), *suppress],
        )

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
