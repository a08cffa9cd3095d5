"""A Chatterbox of random weights, for tests: the package's own classes and file formats, fewer and thinner layers.

What it makes is noise, but noise that depends on the voice, and of a known length: a clause ends by itself after
`TOKENS` speech tokens of 40 ms. It needs the environment of the extra `chatterbox`.
"""

import atexit
import warnings
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import torch
from chatterbox.models.s3gen import S3Gen, s3gen
from chatterbox.models.t3 import T3, llama_configs
from chatterbox.models.t3.modules.cond_enc import T3Cond
from chatterbox.models.voice_encoder import VoiceEncoder
from chatterbox.tts import Conditionals
from s3tokenizer.model_v2 import S3TokenizerV2
from tokenizers import AddedToken, Tokenizer
from tokenizers.models import BPE

from engines.tts.chatterbox import ChatterboxEngine
from tests.engines.tts.made_up_voice import voice_tensors

VOICE = "chatterbox-tiny"
TOKENS = 45
_LAYERS = 10  # the package looks into the tenth
_LOUD, _SHUT = 10.0, -5.0
_CONSTANT, _POSITION = 0, 1


@cache
def checkpoint() -> Path:
    """Its folder, built once a process and gone with it."""
    folder = Path(mkdtemp(prefix="chatterbox-tiny-"))
    atexit.register(rmtree, folder)
    build(folder)
    return folder


@cache
def chatterbox() -> ChatterboxEngine:
    """The engine, loaded once; for it no time passes, however busy the machine is."""
    torch.set_num_threads(1)
    return ChatterboxEngine(checkpoint(), voice=VOICE, clock=lambda: 0.0)


def build(folder: Path) -> None:
    """Write a checkpoint; from then on this process takes Chatterbox to be as small."""
    _thin()
    torch.manual_seed(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        language, sound, encoder = T3(), S3Gen(), VoiceEncoder()
    _end_after(TOKENS, language)
    _let_voices_differ(sound)
    torch.save({"model": [_half(language)]}, folder / "t3_cfg.pt")
    torch.save(_half(sound), folder / "s3gen.pt")
    torch.save(encoder.state_dict(), folder / "ve.pt")
    _tokenizer().save(str(folder / "tokenizer.json"))
    _voice().save(folder / "conds.pt")


def _thin() -> None:
    llama_configs.LLAMA_CONFIGS["Llama_520M"].update(
        num_hidden_layers=_LAYERS, intermediate_size=64, num_attention_heads=2, num_key_value_heads=2
    )
    vars(S3TokenizerV2.__init__.__defaults__[0]).update(n_audio_state=64, n_audio_head=1, n_audio_layer=1)
    thinner = {
        "UpsampleConformerEncoder": {"num_blocks": 1, "linear_units": 64},
        "ConditionalDecoder": {"n_blocks": 1, "num_mid_blocks": 1},
        "HiFTGenerator": {"base_channels": 32},
    }
    for name, sizes in thinner.items():
        whole = getattr(s3gen, name)
        setattr(s3gen, name, lambda _whole=whole, _sizes=sizes, **given: _whole(**given | _sizes))


def _end_after(tokens: int, language: T3) -> None:
    """Make tokens that stand for no sound impossible, and the one that ends a clause certain from a position on.

    All inputs say `_LOUD` in one dimension, and in another one from that position on; it gets through to the head.
    """
    hp = language.hp
    with torch.no_grad():
        for embedding in (language.text_emb, language.speech_emb):
            embedding.weight[:, _CONSTANT] = _LOUD
            embedding.weight[:, _POSITION] = 0
        language.speech_pos_emb.emb.weight[:, _POSITION] = 0
        language.speech_pos_emb.emb.weight[tokens:, _POSITION] = _LOUD
        head = language.speech_head.weight
        head[:, (_CONSTANT, _POSITION)] = 0
        head[hp.start_speech_token :, _CONSTANT] = _SHUT
        head[hp.stop_speech_token, _POSITION] = -4 * _SHUT


def _let_voices_differ(sound: S3Gen) -> None:
    """Measured: the spectra of two voices differ ten times as much as those of two clauses of one."""
    with torch.no_grad():
        sound.flow.spk_embed_affine_layer.weight *= 100
        sound.flow.decoder.estimator.final_proj.weight *= 10
        sound.mel2wav.conv_post.parametrizations.weight.original0 *= 5


def _half(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.half() if value.is_floating_point() else value for name, value in module.state_dict().items()}


def _tokenizer() -> Tokenizer:
    signs = ["[STOP]", "[UNK]", "[SPACE]", *(chr(code) for code in range(33, 127))]
    unused = (f"<{number}>" for number in range(len(signs), 255))
    vocabulary = {sign: number for number, sign in enumerate([*signs, *unused, "[START]"])}
    tokenizer = Tokenizer(BPE(vocabulary, [], unk_token="[UNK]"))
    tokenizer.add_special_tokens([AddedToken(sign) for sign in ("[START]", "[STOP]", "[UNK]", "[SPACE]")])
    return tokenizer


def _voice() -> Conditionals:
    tensors = {name: torch.from_numpy(tensor) for name, tensor in voice_tensors(1).items()}
    language = T3Cond(
        speaker_emb=tensors.pop("speaker_emb"),
        cond_prompt_speech_tokens=tensors.pop("cond_prompt_speech_tokens"),
        emotion_adv=0.5 * torch.ones(1, 1, 1),
    )
    return Conditionals(language, {**tensors, "prompt_token_len": torch.tensor([25]), "prompt_feat_len": None})
