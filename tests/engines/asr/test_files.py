"""How a recording is cut, without models: a voice is a 1, silence a 0."""

import numpy as np
import pytest

from engines.asr.files import RATE, Cutter, Piece
from tests.engines.asr.voice import Voice

WINDOW = 512


def sound(*parts: tuple[float, int]) -> bytes:
    """Seconds, voiced or not."""
    return b"".join(np.full(int(seconds * RATE), voiced, dtype="<i2").tobytes() for seconds, voiced in parts)


def cut(pcm: bytes, chunk: int) -> list[Piece]:
    cutter = Cutter(Voice(WINDOW))
    pieces = [piece for at in range(0, len(pcm), chunk) for piece in cutter.receive(pcm[at : at + chunk])]
    return pieces + cutter.finish()


@pytest.mark.parametrize("chunk", [999, 32_000, 1 << 20])
def test_pieces_are_cut_at_silences_and_hold_all_of_the_voice(chunk: int) -> None:
    pcm = sound((1, 0), (2, 1), (0.3, 0), (1, 1), (0.8, 0), (1.5, 1), (0.1, 0))
    pieces = cut(pcm, chunk)
    edges = [edge / RATE for piece in pieces for edge in (piece.start, piece.end)]
    assert edges == pytest.approx([0.8, 4.5, 4.9, 6.7], abs=0.15)
    assert sum(int(piece.audio.sum()) for piece in pieces) == int(4.5 * RATE)


def test_who_never_pauses_is_cut_before_the_model_is_full() -> None:
    pieces = cut(sound((0.5, 0), (100, 1)), 32_000)
    assert all(len(piece.audio) <= 29 * RATE for piece in pieces)
    assert sum(int(piece.audio.sum()) for piece in pieces) == 100 * RATE
    assert pieces[-1].end == int(100.5 * RATE)


def test_silence_is_no_piece() -> None:
    assert cut(sound((30, 0)), 32_000) == []
    assert cut(b"", 1) == []
