"""A cloned voice as bytes: safetensors, with what is known of the voice in the header. Pure.

Nothing in such a file can run, unlike in a pickle. Still it is not believed: its numbers must be finite, and hash to
what its header says.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from math import isfinite
from secrets import token_hex
from typing import ClassVar

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from engines.errors import EnginesError
from engines.ports import VoiceTensors

MOST_BYTES = 64 << 20
"""Of one voice."""

_SLUG = 48
_ID = re.compile(r"[a-z0-9_-]{1,64}")
_LENGTH = 8  # bytes of the header's length, which come first


class BrokenVoice(EnginesError):
    """A voice's file is not what it should be."""

    code: ClassVar[str] = "broken_voice"


@dataclass(frozen=True, slots=True)
class ClonedVoice:
    """What is known of a voice.

    Attributes:
        id: Of `[a-z0-9_-]{1,64}`; see `new_id`.
        name: What its maker called it.
        engine: The model that made it, and alone can speak with it.
        created: When, with its time zone.
        consent: What was said of the speaker's consent.
        reference_s: Seconds of the recording that it was made of.
        description: In its maker's words; may be empty.
        language: The code of the language of the recording; may be empty.
    """

    id: str
    name: str
    engine: str
    created: datetime
    consent: str
    reference_s: float
    description: str = ""
    language: str = ""


def is_id(text: str) -> bool:
    """Whether it may be a voice's id: no path, no file name but our own."""
    return _ID.fullmatch(text) is not None


def new_id(name: str) -> str:
    """An id that reads like the name and was never used before: what is kept of a deleted voice is no other one's."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:_SLUG].strip("-")
    return f"{slug or 'voice'}-{token_hex(6)}"


def serialize(voice: ClonedVoice, tensors: VoiceTensors) -> bytes:
    """The file of a voice.

    Raises:
        BrokenVoice: The tensors cannot be kept.
    """
    # In one piece each: safetensors takes the memory as it lies there.
    packed = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
    _check_finite(packed)
    described = {name: str(value) for name, value in asdict(voice).items() if name != "id"}
    data = save(packed, {**described, "created": voice.created.isoformat(), "sha256": _digest(packed)})
    if len(data) > MOST_BYTES:
        raise BrokenVoice(f"{len(data)} bytes; {MOST_BYTES} at most")
    return data


def parse(voice: str, data: bytes) -> tuple[ClonedVoice, VoiceTensors]:
    """The voice of a file that has this id.

    Raises:
        BrokenVoice: It is none.
    """
    try:
        tensors: VoiceTensors = load(data)
        described = json.loads(data[_LENGTH : _LENGTH + int.from_bytes(data[:_LENGTH], "little")])["__metadata__"]
        about, digest = _described(voice, described), described["sha256"]
    except (SafetensorError, KeyError, TypeError, ValueError) as error:  # KeyError also for types that numpy has not
        raise BrokenVoice(f"no voice: {error}") from error
    _check_finite(tensors)
    if digest != _digest(tensors):
        raise BrokenVoice("it is not what was written")
    return about, tensors


def _described(voice: str, described: Mapping[str, str]) -> ClonedVoice:
    """KeyError, ValueError where it is no description."""
    created, seconds = datetime.fromisoformat(described["created"]), float(described["reference_s"])
    if created.tzinfo is None or not isfinite(seconds):
        raise ValueError("its description does not fit")
    texts = {name: described[name] for name in ("name", "engine", "consent", "description", "language")}
    return ClonedVoice(voice, created=created, reference_s=seconds, **texts)


def _check_finite(tensors: VoiceTensors) -> None:
    if not tensors:
        raise BrokenVoice("there is nothing in it")
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise BrokenVoice(f"{name[:64]!r} holds what is no number")


def _digest(tensors: VoiceTensors) -> str:
    digest = sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name}\0{tensor.dtype.str}\0{tensor.shape}\0".encode())
        digest.update(tensor.tobytes())
    return digest.hexdigest()
