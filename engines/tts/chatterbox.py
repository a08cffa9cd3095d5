"""Chatterbox: a voice for a GPU that takes on the voice of a recording.

`chatterbox-streaming` (MIT) pins versions that nothing else here can live with, so it is an extra for an environment of
its own: it is imported when a voice is loaded, and this module imports without it. What it cannot do is made here:
requests that do not share a voice, seams without a dip, an end to a reading that runs away, word times. These are
estimated. It samples: no two readings of a text are the same.

One request computes at a time, a piece of a clause each; between pieces others have their turn.
"""

import logging
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.errors import InputError, ModelError
from engines.ports import Samples, Speech, VoiceTensors
from engines.tts.alignment import WrittenWord, written_words
from engines.tts.chatterbox_voice import checked
from engines.tts.silence import SpeechTrim
from engines.tts.word_estimate import WordEstimate

FILES = ("t3_cfg.pt", "s3gen.pt", "ve.pt", "tokenizer.json", "conds.pt")

MAX_TEXT = 1000
"""Characters of one clause."""

MAX_READ = 300
"""Of one reading; the model forgets what it reads in longer ones. More is read in several."""

TOKENS_PER_CHARACTER, SPARE_TOKENS, MAX_TOKENS = 6, 50, 1000
"""Of 40 ms. People take 1.7 a character, for digits 10; who says much more than that is repeating itself."""

LEAST_REFERENCE_S = 1.0
LEAST_LEVEL = 0.01
"""Of full scale, the loudest sample of a recording."""

LEAST_RATE, MOST_RATE = 8000, 192_000

USUAL_PEAK = 0.5
LEAST_FIRST_MS = 150
"""A first piece with less sound in it (a breath, then nothing yet) would be over before the next is made: it waits."""

_NO_BRACKETS = str.maketrans("[]", "  ")
"""In the model's alphabet `[STOP]` and its like are signs of their own; a text has no business with them."""

_log = logging.getLogger(__name__)


class ChatterboxEngine:
    """A `CloningTtsEngine`. Safe from several threads."""

    language = "en"

    def __init__(
        self, folder: Path, *, voice: str, device: str = "cpu", clock: Callable[[], float] = monotonic
    ) -> None:
        """Load a checkpoint; `voice` is the id of the voice that comes with it, `device` is cpu or cuda.

        Raises:
            ModelError: The runtime is not installed, a file is missing or broken, or there is no such device.
        """
        for name in FILES:
            if not (folder / name).is_file():
                raise ModelError(f"{folder / name} is missing")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what its many libraries will no longer do one day
                from engines.tts import chatterbox_model  # noqa: PLC0415 - see above
        except ImportError as error:
            raise ModelError(
                f"Chatterbox's runtime is not installed here ({error}); it is an extra for an environment of its own, "
                "media-server[chatterbox], whose interpreter is named by tts.python"
            ) from error
        self._runtime = chatterbox_model
        self._lock = threading.Lock()
        self._clock = clock
        self._builtin = voice
        self._voices: dict[str, Any] = {}
        try:
            self._model = chatterbox_model.load(folder, device)
            self._know(voice, chatterbox_model.builtin(self._model))
        except ModelError:
            raise
        except Exception as error:  # torch's and the package's exceptions share no base class but this
            raise ModelError(f"{folder}: {str(error) or type(error).__name__}") from error
        self.sample_rate: int = self._model.sr

    @property
    def voices(self) -> tuple[str, ...]:
        """The one that came with the files, then those that were added."""
        return tuple(self._voices)

    def synthesize(self, text: str, voice: str, speed: float = 1.0) -> Iterator[Speech]:
        """Speak one clause of plain words, as `engines.tts.spoken_text` makes them. Word times are estimated.

        Raises:
            InputError: The text is too long, the voice unknown, or the speed not 1.
            ModelError: The model made something that is no sound.
        """
        if (conditionals := self._voices.get(voice)) is None:
            raise InputError(f"there is no voice {voice!r}")
        if len(text) > MAX_TEXT:
            raise InputError(f"{len(text)} characters; {MAX_TEXT} at most")
        if speed != 1.0:
            raise InputError(f"speed {speed:g}; this voice has one speed, 1")
        made = 0.0
        for words in _readings(written_words(text)):
            end = words[-1].offset + len(words[-1].text)
            spoken = text[words[0].offset : end].translate(_NO_BRACKETS)
            max_tokens = min(MAX_TOKENS, SPARE_TOKENS + TOKENS_PER_CHARACTER * len(spoken))
            with self._computing():
                reading = self._runtime.Reading(
                    self._model, conditionals, spoken, max_tokens=max_tokens, clock=self._clock
                )
            estimate = WordEstimate(words, begin=made)
            for samples, more in self._pieces(reading):
                made += len(samples) / self.sample_rate
                ended = estimate.until(made) if more else estimate.rest(made)
                yield Speech(_pcm(samples), ended, exact=False, more=more, cut=reading.cut)
            if reading.cut:
                _log.warning("a clause was cut off: %d characters, %.1f s of sound", len(spoken), made)

    def clone(self, reference: Samples, sample_rate: int) -> VoiceTensors:
        """The voice of the first 10 s of a recording; nobody else is served meanwhile.

        Raises:
            InputError: It is shorter than a second, silent, no sound, or of an odd rate.
        """
        if not LEAST_RATE <= sample_rate <= MOST_RATE:
            raise InputError(f"a recording of {sample_rate} Hz; {LEAST_RATE} to {MOST_RATE} are taken")
        if reference.ndim != 1 or len(reference) < LEAST_REFERENCE_S * sample_rate:
            raise InputError(f"the recording is shorter than {LEAST_REFERENCE_S:g} s")
        reference = reference[: (self._runtime.REFERENCE_S + 1) * sample_rate]
        if not np.all(np.isfinite(reference)) or np.max(np.abs(reference)) < LEAST_LEVEL:
            raise InputError("the recording is silent, or no sound")
        with self._computing():
            return checked(self._runtime.cloned(self._model, reference.astype(np.float32), sample_rate))

    def add_voice(self, voice: str, tensors: VoiceTensors) -> None:
        """Know this voice from now on; what `clone` made. One of the same id is replaced.

        Raises:
            InputError: The tensors are of another engine, or broken; or the voice came with the model.
        """
        if voice == self._builtin:
            raise InputError(f"{voice!r} is the voice that came with the model")
        self._know(voice, tensors)

    def remove_voice(self, voice: str) -> None:
        """Forget a voice that was added. KeyError where there is none; a synthesis under way ends as it began."""
        if voice == self._builtin:
            raise KeyError(voice)
        del self._voices[voice]

    def _know(self, voice: str, tensors: VoiceTensors) -> None:
        self._voices[voice] = self._runtime.Conditionals.of(checked(tensors), self._model.device)

    def _pieces(self, reading: Any) -> Iterator[tuple[Samples, bool]]:
        """What a clause sounds like without the silence at its edges, and whether more follows; nothing if all is."""
        trim = SpeechTrim(self.sample_rate, USUAL_PEAK)
        waiting = np.zeros(0, np.float32)
        begun = False
        while not reading.over:
            with self._computing():
                sound = reading.step()
            waiting = np.concatenate((waiting, trim.push(sound)))
            least = 1 if begun else self.sample_rate * LEAST_FIRST_MS // 1000
            if len(waiting) >= least or (reading.over and (begun or len(waiting))):
                begun = True
                yield waiting, not reading.over
                waiting = waiting[:0]

    @contextmanager
    def _computing(self) -> Iterator[None]:
        with self._lock, self._runtime.computing():
            yield


def _readings(words: Sequence[WrittenWord]) -> Iterator[Sequence[WrittenWord]]:
    """The words of a clause, as many at a time as are read at once."""
    first = 0
    for number, word in enumerate(words):
        if word.offset + len(word.text) - words[first].offset > MAX_READ and number > first:
            yield words[first:number]
            first = number
    if words:
        yield words[first:]


def _pcm(samples: Samples) -> NDArray[np.int16]:
    return np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16)
