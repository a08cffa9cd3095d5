"""Piper voices (VITS on onnxruntime), with word times measured by the model itself.

The runtime, piper-tts, is GPL-3.0-or-later and an extra of its own: it is imported when a voice is loaded, so that this
module imports without it. Only its phonemizer and its model's calling convention are used; the model runs on a session
of our own, one thread and no spinning, since several clauses are made at once.

The model computes how many frames each phoneme lasts and keeps it to itself. Protobuf merges repeated occurrences of a
message, so a few bytes behind the file declare that tensor an output, without rewriting 60 MB and without a library.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from engines.errors import InputError, ModelError
from engines.ports import Speech, SpokenWord
from engines.tts.alignment import TRUSTED_SHARE, WrittenWord, align, written_words
from engines.tts.clauses import pronounceable
from engines.tts.silence import speech_span
from engines.tts.spoken_text import speakable

MAX_TEXT = 1000
"""Characters of one clause."""

MAX_PHONEMES = 400
"""One run of the model; some 30 s of speech. More is made in several pieces."""

PEAK = 0.8
"""Each piece is brought to this: even loudness, and room for what resampling adds."""

_DURATIONS = b"/Ceil_output_0"
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
            from piper.config import PiperConfig  # noqa: PLC0415
        except ImportError as error:
            raise ModelError(
                f"Piper's runtime is not installed ({error}); being GPL it is an extra: media-server[piper-gpl]"
            ) from error
        try:
            settings = PiperConfig.from_dict(json.loads(config.read_text(encoding="utf-8")))
            self._voice = PiperVoice(session=_session(model), config=settings)
        except Exception as error:  # onnxruntime's exceptions share no base class but this
            raise ModelError(f"{model}: {error}") from error
        self.voices: tuple[str, ...] = (voice,)
        self.sample_rate: int = settings.sample_rate
        self._ids = settings.phoneme_id_map

    def synthesize(self, text: str, voice: str) -> Iterator[Speech]:
        """Speak one clause; nothing comes of a text without a letter or a digit.

        Word times count from the first sample of the first piece, as if the pieces followed each other at once.

        Raises:
            InputError: The text is too long or the voice unknown.
        """
        if voice not in self.voices:
            raise InputError(f"there is no voice {voice!r}")
        if len(text) > MAX_TEXT:
            raise InputError(f"{len(text)} characters; {MAX_TEXT} at most")
        spoken = speakable(text)
        if not pronounceable(spoken):
            return
        sentences = [self._known(sentence) for sentence in self._voice.phonemize(spoken)]
        words = written_words(text)
        clause = [phoneme for sentence in sentences for phoneme in sentence]
        alone = [self._phonemes_of(spoken[word.offset : word.offset + len(word.text)]) for word in words]
        alignment = align(alone, clause)
        trusted = alignment.share >= TRUSTED_SHARE
        made = 0
        for piece in _pieces(sentences):
            samples, durations = self._run(piece.phonemes)
            start, end = speech_span(samples, self.sample_rate)
            bounds = np.concatenate(([0], np.cumsum(durations))) - start
            bounds = (np.clip(bounds, 0, end - start) + made) / self.sample_rate
            spoken_words = _placed(words, alignment.spans, piece, bounds)
            made += end - start
            if end > start:
                yield Speech(_pcm(samples[start:end]), spoken_words, trusted and self._measures)

    def _known(self, phonemes: Sequence[str]) -> list[str]:
        return [phoneme for phoneme in phonemes if phoneme in self._ids]

    def _phonemes_of(self, word: str) -> list[str]:
        return [phoneme for sentence in self._voice.phonemize(word) for phoneme in self._known(sentence)]

    @property
    def _measures(self) -> bool:
        return len(self._voice.session.get_outputs()) > 1

    def _run(self, phonemes: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The sound of phonemes, and how many samples the start, each phoneme and the end last."""
        symbols = [_BOS, *phonemes, _EOS]
        counts: list[int] = []
        ids: list[int] = []
        for symbol in symbols:
            before = len(ids)
            ids += self._ids[symbol]
            if symbol != _EOS:
                ids += self._ids[_PAD]
            counts.append(len(ids) - before)
        samples, by_id = self._voice.phoneme_ids_to_audio(ids, include_alignments=True)
        samples = np.atleast_1d(np.asarray(samples, dtype=np.float32))
        if by_id is None:  # no measure in this model: every symbol as long as any other
            by_id = np.full(len(ids), len(samples) / len(ids))
        ends = np.cumsum(np.atleast_1d(by_id))[np.cumsum(counts) - 1]
        return samples, np.diff(ends, prepend=0).astype(np.int64)


def _session(model: Path) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    data = model.read_bytes()
    if _DURATIONS in data:
        data += _field(7, _field(12, _field(1, _DURATIONS)))  # ModelProto.graph, GraphProto.output, ValueInfoProto.name
    return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def _field(number: int, payload: bytes) -> bytes:
    """A length-delimited protobuf field, shorter than 128 bytes."""
    return bytes((number << 3 | 2, len(payload))) + payload


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


def _pcm(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    peak = float(np.abs(samples).max())
    return np.round(samples * (PEAK / peak * 32767)).astype(np.int16)
