"""Piper voices (VITS on onnxruntime), with word times measured by the model itself.

The runtime, piper-tts, is GPL-3.0-or-later and an extra of its own: it is imported when a voice is loaded, so that this
module imports without it. Only its phonemizer and its model's calling convention are used; the model runs on sessions
of our own.

The sound of a clause comes in parts, while it is being made (`engines.tts.vits`). So a clause cannot be brought to the
peak of its own, which is not known when its first part leaves: all of them get one gain, the voice's.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.errors import InputError, ModelError
from engines.ports import LEAST_SPEED, MOST_SPEED, Speech, SpokenWord
from engines.tts.alignment import TRUSTED_SHARE, WrittenWord, align, written_words
from engines.tts.silence import SpeechTrim
from engines.tts.vits import load

MAX_TEXT = 1000
"""Characters of one clause."""

MAX_PHONEMES = 400
"""One run of the model; some 30 s of speech. More is made in several pieces."""

PEAK = 0.8
"""The loudest sound of `_SAMPLE` is brought to this. What is louder still is bent down, to `LIMIT` at most."""

LIMIT = 0.95
"""Room for what resampling adds."""

LEAST_FIRST_MS = 150
"""A first part with less sound in it (a breath, then nothing yet) would be over before the second is made: it waits."""

_SAMPLE = "One, two, three, four, five: open the door."
_BOS, _EOS, _PAD = "^", "$", "_"


@dataclass(frozen=True, slots=True)
class _Piece:
    """One run of the model: `phonemes` of the clause from index `start` on."""

    start: int
    phonemes: tuple[str, ...]


class PiperEngine:
    """A `TtsEngine` of one voice. Safe from several threads."""

    def __init__(self, model: Path, *, voice: str, config: Path | None = None) -> None:
        """Load a voice; `config` is `<model>.json` by default.

        Raises:
            ModelError: The runtime is not installed, or a file is missing or no Piper voice.
        """
        config = config or model.with_name(model.name + ".json")
        for path in (model, config):
            if not path.is_file():
                raise ModelError(f"{path} is missing")
        try:
            from piper import PiperVoice  # noqa: PLC0415 - see above
            from piper.config import PiperConfig, SynthesisConfig  # noqa: PLC0415
        except ImportError as error:
            raise ModelError(
                f"Piper's runtime is not installed ({error}); being GPL it is an extra: media-server[piper-gpl]"
            ) from error
        try:
            settings = PiperConfig.from_dict(json.loads(config.read_text(encoding="utf-8")))
            front, self._decoder = load(model)
            self._voice = PiperVoice(session=front, config=settings)
            self._ids = settings.phoneme_id_map
            self._at_speed: Callable[[float], Any] = lambda speed: SynthesisConfig(
                length_scale=settings.length_scale / speed
            )
            self._peak = self._measured_peak()
        except Exception as error:  # onnxruntime's exceptions share no base class but this
            raise ModelError(f"{model}: {error}") from error
        self.voices: tuple[str, ...] = (voice,)
        self.sample_rate: int = settings.sample_rate
        self.language: str = settings.espeak_voice

    def synthesize(self, text: str, voice: str, speed: float = 1.0) -> Iterator[Speech]:
        """Speak one clause of plain words, as `engines.tts.spoken_text` makes them.

        Word times count from the first sample of the first piece, as if the pieces followed each other at once. A word
        comes with the piece in which it ends, since only then its end is known: the last one's silence is cut.

        Raises:
            InputError: The text is too long, the voice unknown, or the speed out of range.
        """
        if voice not in self.voices:
            raise InputError(f"there is no voice {voice!r}")
        if len(text) > MAX_TEXT:
            raise InputError(f"{len(text)} characters; {MAX_TEXT} at most")
        if not LEAST_SPEED <= speed <= MOST_SPEED:
            raise InputError(f"speed {speed:g}; it may be {LEAST_SPEED:g} to {MOST_SPEED:g}")
        sentences = [self._known(sentence) for sentence in self._voice.phonemize(text)]
        words = written_words(text)
        clause = [phoneme for sentence in sentences for phoneme in sentence]
        alone = [self._phonemes_of(word.text) for word in words]
        alignment = align(alone, clause)
        trusted = alignment.share >= TRUSTED_SHARE
        made = 0
        for piece in _pieces(sentences):
            made_before = made
            for speech in self._spoken(piece, words, alignment.spans, speed):
                made += len(speech.pcm)
                moved = _later(speech.words, made_before / self.sample_rate)
                yield replace(speech, words=moved, exact=trusted and speech.exact)

    def _spoken(
        self, piece: _Piece, words: Sequence[WrittenWord], spans: Sequence[tuple[int, int] | None], speed: float
    ) -> Iterator[Speech]:
        """The sound of one run of the model as it is made."""
        made, durations = self._run(piece.phonemes, speed)
        bounds = np.concatenate(([0], np.cumsum(durations)))
        trim = SpeechTrim(self.sample_rate, self._peak)
        samples = np.zeros(0, np.float32)
        kept = sent = 0
        for sound, more in self._sounds(made):
            samples = np.concatenate((samples, trim.push(sound)))
            if more and len(samples) < (1 if kept else self.sample_rate * LEAST_FIRST_MS // 1000):
                continue
            kept += len(samples)
            if kept == 0:
                return
            known = np.clip(bounds - trim.start, 0, None if more else kept) / self.sample_rate
            waiting = _placed(words, spans, piece, known)[sent:]
            end = kept / self.sample_rate
            ready = _ending_by(end, waiting) if more else waiting
            sent += len(ready)
            yield Speech(_pcm(samples, PEAK / self._peak), ready, self._measures, more=more)
            samples = samples[:0]

    def _sounds(self, made: NDArray[np.float32]) -> Iterator[tuple[NDArray[np.float32], bool]]:
        """The parts of a run's sound, and whether more follow."""
        if self._decoder is None:
            yield made, False
        else:
            yield from self._decoder.decode(made.reshape(1, len(made), -1))

    def _measured_peak(self) -> float:
        """How loud the voice is; on the way, how far its decoder sees."""
        made, _ = self._run(
            [phoneme for sentence in self._voice.phonemize(_SAMPLE) for phoneme in self._known(sentence)]
        )
        if self._decoder is not None:
            self._decoder = self._decoder.measured(made.reshape(1, len(made), -1))
        return max(float(np.abs(sound).max()) for sound, _ in self._sounds(made)) or 1.0

    def _known(self, phonemes: Sequence[str]) -> list[str]:
        return [phoneme for phoneme in phonemes if phoneme in self._ids]

    def _phonemes_of(self, word: str) -> list[str]:
        return [phoneme for sentence in self._voice.phonemize(word) for phoneme in self._known(sentence)]

    @property
    def _measures(self) -> bool:
        return len(self._voice.session.get_outputs()) > 1

    def _run(self, phonemes: Sequence[str], speed: float = 1.0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """What the first session makes of phonemes, and how many samples the start, each phoneme and the end last.

        That is latents [channels, frames] where there is a decoder, else sound [samples].
        """
        symbols = [_BOS, *phonemes, _EOS]
        counts: list[int] = []
        ids: list[int] = []
        for symbol in symbols:
            before = len(ids)
            ids += self._ids[symbol]
            if symbol != _EOS:
                ids += self._ids[_PAD]
            counts.append(len(ids) - before)
        made, by_id = self._voice.phoneme_ids_to_audio(ids, self._at_speed(speed), include_alignments=True)
        made = np.atleast_1d(np.asarray(made, dtype=np.float32))
        if by_id is None:  # no measure in this model: every symbol as long as any other
            by_id = np.full(len(ids), len(made) / len(ids))
        ends = np.cumsum(np.atleast_1d(by_id))[np.cumsum(counts) - 1]
        return made, np.diff(ends, prepend=0).astype(np.int64)


def _pieces(sentences: Sequence[Sequence[str]]) -> Iterator[_Piece]:
    """The runs of a clause: sentences, and those that are too long cut between words, or anywhere."""
    start = 0
    for sentence in sentences:
        rest = tuple(sentence)
        while rest:
            end = len(rest)
            if end > MAX_PHONEMES:
                spaces = [index for index in range(1, MAX_PHONEMES) if rest[index] == " "]
                end = spaces[-1] if spaces else MAX_PHONEMES
            yield _Piece(start, rest[:end])
            start += end
            rest = rest[end:]


def _placed(
    words: Sequence[WrittenWord],
    spans: Sequence[tuple[int, int] | None],
    piece: _Piece,
    bounds: NDArray[np.float64],
) -> tuple[SpokenWord, ...]:
    """The words that begin in a piece. `bounds[i]` is where its symbol i begins, in seconds; symbol 0 is the start."""
    placed: list[SpokenWord] = []
    for word, span in zip(words, spans, strict=True):
        if span is None or not piece.start <= span[0] < piece.start + len(piece.phonemes):
            continue
        first = span[0] - piece.start + 1
        last = min(span[1] - piece.start, len(piece.phonemes)) + 1
        placed.append(SpokenWord(word.text, word.offset, float(bounds[first]), float(bounds[last])))
    return tuple(placed)


def _ending_by(seconds: float, words: Sequence[SpokenWord]) -> tuple[SpokenWord, ...]:
    return tuple(takewhile(lambda word: word.end <= seconds, words))


def _later(words: tuple[SpokenWord, ...], seconds: float) -> tuple[SpokenWord, ...]:
    return tuple(replace(word, start=word.start + seconds, end=word.end + seconds) for word in words)


def _pcm(samples: NDArray[np.float32], gain: float) -> NDArray[np.int16]:
    """Sample by sample, without memory, so that parts of one sound fit."""
    loudness = np.abs(samples * gain)
    room = LIMIT - PEAK
    bent = np.where(loudness > PEAK, PEAK + room * np.tanh((loudness - PEAK) / room), loudness)
    pcm: NDArray[np.int16] = np.round(np.copysign(bent, samples) * 32767).astype(np.int16)
    return pcm
