"""A made clause as the bytes of a file, and back. Pure.

::

    magic, 8 bytes | digest, 32 bytes | length of the head, 4 bytes | head, JSON | sound, 16-bit little-endian

The digest is of the phrase's name and of all that follows it: a file that is torn, damaged, renamed or of another kind
is told from a good one before anything in it is believed.
"""

import json
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from engines.ports import Speech, SpokenWord

_MAGIC = b"phrase1\n"
_DIGEST_BYTES = 32
_LENGTH_BYTES = 4
_HEAD_AT = len(_MAGIC) + _DIGEST_BYTES + _LENGTH_BYTES


def name_of(*parts: object) -> str:
    """The name of a thing that is told apart by these parts: 32 hexadecimal digits."""
    return blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def serialize(name: str, pieces: Sequence[Speech]) -> bytes:
    """The file of a phrase."""
    head = json.dumps(
        [
            {
                "samples": len(piece.pcm),
                "exact": piece.exact,
                "more": piece.more,
                "words": [[word.text, word.offset, word.start, word.end] for word in piece.words],
            }
            for piece in pieces
        ]
    ).encode()
    sound = b"".join(piece.pcm.astype("<i2").tobytes() for piece in pieces)
    body = len(head).to_bytes(_LENGTH_BYTES) + head + sound
    return _MAGIC + _digest(name, body) + body


def parse(name: str, data: bytes) -> tuple[Speech, ...] | None:
    """What `serialize` made under this name; None where it is anything else."""
    body = data[len(_MAGIC) + _DIGEST_BYTES :]
    if not data.startswith(_MAGIC) or data[len(_MAGIC) : -len(body)] != _digest(name, body):
        return None
    end = _HEAD_AT + int.from_bytes(body[:_LENGTH_BYTES])
    return tuple(_pieces(json.loads(data[_HEAD_AT:end]), data[end:]))


def _pieces(head: list[dict[str, Any]], sound: bytes) -> Iterator[Speech]:
    samples = np.frombuffer(sound, "<i2").astype(np.int16, copy=False)
    start = 0
    for piece in head:
        end = start + piece["samples"]
        words = tuple(SpokenWord(*word) for word in piece["words"])
        yield Speech(samples[start:end], words, exact=piece["exact"], more=piece["more"])
        start = end


def _digest(name: str, body: bytes) -> bytes:
    return blake2b(name.encode() + body, digest_size=_DIGEST_BYTES).digest()
