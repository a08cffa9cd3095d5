"""The two models of Chatterbox: one reads text as speech tokens of 40 ms, one turns tokens into sound.

The package's own stream renders each chunk alone and fades it in: a dip each second. Here each piece is rendered with
all tokens of its clause before it, and joined as the authors of the sound model (CosyVoice 2) join theirs: the last
`OVERLAP_FRAMES` of a piece are made once more by the next one, from the same mel frames and the same excitation, and
cross-faded. The last `LOOKAHEAD` tokens of a piece wait for what follows them; at the end none is left.

Everything that a request needs is passed along; the model's own `conds`, which all would share, are only read at start.
None of this may run on two threads at once: callers hold a lock, and `computing()`. It needs torch, and so the
environment of the extra `chatterbox`; only `engines.tts.chatterbox` imports it, when it loads.
"""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import torch
from chatterbox.models.t3.modules.cond_enc import T3Cond
from chatterbox.tts import ChatterboxTTS, punc_norm
from numpy.typing import NDArray
from transformers.utils import logging as transformers_logging

from engines.errors import ModelError
from engines.ports import Samples, VoiceTensors
from engines.tts.chatterbox_voice import SPEECH_TOKENS

FIRST_TOKENS = 25
GROWTH = 1.6
MOST_TOKENS = 100
"""Of the first piece, how much longer each next one is, and of any: while a piece plays the next is made. Claimed for
an RTX 4090: 25 tokens in 0.47 s, and twice as fast as real time after that."""

PIECE_S = 12.0
"""A clause whose piece takes longer to read is cut there; nobody would wait for it."""

LOOKAHEAD = 3
OVERLAP_FRAMES = 8
"""Of 20 ms."""

REFERENCE_S = 10

_EXAGGERATION, _GUIDANCE, _TEMPERATURE = 0.5, 0.5, 0.8
_FRAME = 480
_UNSAFE = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"


def load(folder: Path, device: str) -> ChatterboxTTS:
    """The package's models, from its own files.

    Raises:
        ModelError: They would be loaded in a way that runs what is in them, or there is no such device.
        Exception: The package's and torch's, which share no base class but this: these are no such files.
    """
    if os.environ.get(_UNSAFE, "0") != "0":
        raise ModelError(f"{_UNSAFE} is set: with it a checkpoint may run code of its own")
    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError("tts.device is cuda, but torch finds no GPU")
    transformers_logging.set_verbosity_error()
    with warnings.catch_warnings(), redirect_stdout(StringIO()):
        warnings.simplefilter("ignore")
        model = ChatterboxTTS.from_local(folder, device)
    warnings.filterwarnings("ignore", r".*sdp_kernel", FutureWarning)
    return model


def computing() -> AbstractContextManager[Any]:
    """What all calculations run in. Not across a `yield`: it belongs to the thread."""
    mode: AbstractContextManager[Any] = torch.inference_mode()
    return mode


def builtin(model: ChatterboxTTS) -> VoiceTensors:
    """The voice that comes with the files; unchecked."""
    if model.conds is None:
        raise ModelError("conds.pt holds no voice")
    return _as_voice(model.conds.t3.speaker_emb, model.conds.t3.cond_prompt_speech_tokens, model.conds.gen)


def cloned(model: ChatterboxTTS, reference: Samples, sample_rate: int) -> VoiceTensors:
    """The voice of the first `REFERENCE_S` of a recording; unchecked."""
    sound = np.clip(soxr.resample(reference, sample_rate, model.sr), -1, 1).astype(np.float32)
    # Whole tokens: the package would otherwise find half a token more in the one rate than in the other.
    sound = sound[: min(len(sound) // (2 * _FRAME) * 2 * _FRAME, REFERENCE_S * model.sr)]
    heard = soxr.resample(sound, model.sr, model.ve.hp.sample_rate)
    spoken = model.s3gen.embed_ref(sound, model.sr, device=model.device)
    tokens, _ = model.s3gen.tokenizer.forward([heard[: model.ENC_COND_LEN]], max_len=model.t3.hp.speech_cond_prompt_len)
    speaker = model.ve.embeds_from_wavs([heard], sample_rate=model.ve.hp.sample_rate)
    return _as_voice(torch.from_numpy(speaker).mean(dim=0, keepdim=True), tokens, spoken)


def _as_voice(speaker: Any, tokens: Any, spoken: dict[str, Any]) -> VoiceTensors:
    kept = {name: spoken[name] for name in ("prompt_token", "prompt_feat", "embedding")}
    kept |= {"speaker_emb": speaker, "cond_prompt_speech_tokens": tokens}
    return {name: tensor.detach().cpu().numpy() for name, tensor in kept.items()}


@dataclass(frozen=True, slots=True)
class Conditionals:
    """A voice on the device. Requests only read it; what the package writes into is made anew for each."""

    tensors: dict[str, Any]

    @classmethod
    def of(cls, voice: VoiceTensors, device: str) -> "Conditionals":
        """Put a (checked) voice onto a device."""
        return cls({name: torch.from_numpy(tensor).to(device) for name, tensor in voice.items()})

    def for_reading(self) -> T3Cond:
        """For the model that reads."""
        speaker = self.tensors["speaker_emb"]
        return T3Cond(
            speaker_emb=speaker,
            cond_prompt_speech_tokens=self.tensors["cond_prompt_speech_tokens"],
            emotion_adv=_EXAGGERATION * torch.ones(1, 1, 1, device=speaker.device),
        )

    def for_sound(self) -> dict[str, Any]:
        """For the model that makes sound."""
        tokens = self.tensors["prompt_token"]
        spoken = {name: self.tensors[name] for name in ("prompt_token", "prompt_feat", "embedding")}
        return spoken | {
            "prompt_token_len": torch.tensor([tokens.shape[1]], device=tokens.device),
            "prompt_feat_len": None,
        }


class Reading:
    """One clause on its way from text to sound, piece by piece. Dropping it frees what the device keeps for it.

    Attributes:
        over: Its last piece is made.
        cut: It ended because it was at its limit, in tokens or in time, not because all was said.
    """

    def __init__(
        self, model: ChatterboxTTS, voice: Conditionals, text: str, *, max_tokens: int, clock: Callable[[], float]
    ) -> None:
        self.over = False
        self.cut = False
        self._model = model
        self._voice = voice
        self._clock = clock
        self._stream: Iterator[Any] = model.inference_stream(
            t3_cond=voice.for_reading(),
            text_tokens=_text_tokens(model, text),
            max_new_tokens=max_tokens,
            temperature=_TEMPERATURE,
            cfg_weight=_GUIDANCE,
            chunk_size=1,
        )
        self._tokens: list[int] = []
        self._group = float(FIRST_TOKENS)
        self._frames = 0
        self._last: _Seam | None = None

    def step(self) -> Samples:
        """The sound of the next tokens. Empty where nothing was said.

        Raises:
            ModelError: What was made is no sound.
        """
        self._read(len(self._tokens) + int(self._group))
        self._group = min(GROWTH * self._group, MOST_TOKENS)
        return self._sound() if self._tokens else np.zeros(0, np.float32)

    def _read(self, wanted: int) -> None:
        until = self._clock() + PIECE_S
        while not self.over and len(self._tokens) < wanted:
            said = next(self._stream, None)
            token = None if said is None else int(said)
            self.over = token in (None, self._model.t3.hp.stop_speech_token)
            self.cut = token is None
            if token is not None and token < SPEECH_TOKENS:
                self._tokens.append(token)
            if not self.over and self._clock() > until:
                self.over = self.cut = True

    def _sound(self) -> Samples:
        """All tokens so far as mel frames; the new ones of these, and a little before them, as sound."""
        sound_model = self._model.s3gen
        mel = sound_model.flow_inference(
            torch.tensor(self._tokens, device=self._model.device), ref_dict=self._voice.for_sound(), finalize=self.over
        )
        new = mel[:, :, self._frames :]
        self._frames = mel.shape[2]
        last = self._last
        frames = new if last is None else torch.cat((last.frames, new), dim=2)
        made, source = sound_model.hift_inference(frames, None if last is None else last.source)
        if last is None:  # the package's cure for a rest of the reference at the very beginning
            made[:, : len(sound_model.trim_fade)] *= sound_model.trim_fade
        sound = self._watermarked(made)
        if last is not None:
            sound = cross_faded(last.sound, sound)
        if self.over:
            return sound
        kept = OVERLAP_FRAMES * _FRAME
        self._last = _Seam(frames[:, :, -OVERLAP_FRAMES:], source[:, :, -kept:], sound[-kept:])
        return sound[:-kept]

    def _watermarked(self, made: Any) -> Samples:
        """The package marks what it makes as made by a machine, inaudibly; so it stays."""
        sound = made[0].float().cpu().numpy()
        if not np.isfinite(sound).all():
            raise ModelError("the model made something that is no sound")
        marked: Samples = self._model.watermarker.apply_watermark(sound, sample_rate=self._model.sr)
        return marked


@dataclass(frozen=True, slots=True)
class _Seam:
    """The end of a piece, which the next one makes again: mel frames, excitation, sound."""

    frames: Any
    source: Any
    sound: Samples


def cross_faded(ending: Samples, beginning: Samples) -> Samples:
    """`beginning`, its first samples blended from `ending`, which is the same sound with less known of what follows."""
    angle = np.pi * (np.arange(len(ending), dtype=np.float32) + 0.5) / len(ending)
    share: NDArray[np.float32] = (0.5 - 0.5 * np.cos(angle)).astype(np.float32)
    joined = beginning.copy()
    joined[: len(ending)] = share * beginning[: len(ending)] + (1 - share) * ending
    return joined


def _text_tokens(model: ChatterboxTTS, text: str) -> Any:
    """With start and end; twice, the second time for the guidance."""
    hp = model.t3.hp
    tokens = model.tokenizer.text_to_tokens(punc_norm(text)).to(model.device)
    return torch.nn.functional.pad(
        torch.nn.functional.pad(tokens, (1, 0), value=hp.start_text_token), (0, 1), value=hp.stop_text_token
    ).repeat(2, 1)
