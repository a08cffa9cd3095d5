# ruff: noqa: RUF001 - phonemes are meant
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from engines.tts.alignment import align, written_words
from engines.tts.silence import JOINT_MS, LEAD_MS, TAIL_MS, SpeechTrim, joint
from engines.tts.spoken_text import speakable


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Dr. Smith and Mrs. Jones.", "Dr  Smith and Mrs  Jones."),
        ("Fine. No. 25°C, 3.50 €", "Fine. No. 25°C, 3.50 €"),
        ("Hi\x00\u202e🙂 you\ud800", "Hi    you "),
        ("[[həloʊ]]", "  həloʊ  "),
    ],
)
def test_what_cannot_be_said_becomes_spaces(text: str, spoken: str) -> None:
    assert speakable(text) == spoken


@given(st.text(st.characters(), max_size=100))
def test_offsets_hold(text: str) -> None:
    assert len(speakable(text)) == len(text)


def test_written_words_have_letters_or_digits() -> None:
    assert [(word.text, word.offset) for word in written_words(" Well — no, no! 🙂 ")] == [
        ("Well", 1),
        ("no,", 8),
        ("no!", 12),
    ]


def test_words_that_merge_and_words_that_grow_find_their_sounds() -> None:
    words = ["ˈɪn", "ðə", "hˈaʊs", "θɹˈiː pɔɪnt fˈaɪv"]
    clause = list("ɪnðə hˈaʊs θɹˈiː pɔɪnt fˈaɪv.")
    alignment = align([list(word) for word in words], clause)
    assert ["".join(clause[slice(*span)]) for span in alignment.spans if span] == [
        "ɪn",
        "ðə",
        "hˈaʊs",
        "θɹˈiː pɔɪnt fˈaɪv",
    ]
    assert alignment.share > 0.9


PHONEMES = st.lists(st.sampled_from("abcdeˈː ,"), max_size=30)


@given(st.lists(PHONEMES, max_size=6), PHONEMES)
def test_any_alignment_is_in_order(words: list[list[str]], clause: list[str]) -> None:
    alignment = align(words, clause)
    assert len(alignment.spans) == len(words)
    spans = [span for span in alignment.spans if span is not None]
    assert all(0 <= start < end <= len(clause) for start, end in spans)
    assert all(left[0] <= right[0] and left[1] <= right[1] for left, right in pairwise(spans))


def trimmed(samples: NDArray[np.float32], cuts: list[int], usual_peak: float = 0.5) -> tuple[NDArray[np.float32], int]:
    trim = SpeechTrim(22050, usual_peak)
    return np.concatenate([trim.push(part) for part in np.split(samples, sorted(cuts))]), trim.start


def test_silence_is_cut_to_the_edges_that_a_joint_fills_up() -> None:
    rate = 22050
    samples = np.zeros(rate, np.float32)
    samples[5000:9000] = 0.5
    samples[4900:5000] = 0.001
    kept, start = trimmed(samples, [])
    end = start + len(kept)
    assert 0 <= 5000 - start - rate * LEAD_MS // 1000 <= rate * 2 // 1000
    assert end == 9000 + rate * TAIL_MS // 1000
    assert abs((9000 - end) + (start - 5000) - joint(rate)) >= rate * (JOINT_MS - 3) // 1000
    assert len(trimmed(np.zeros(1000, np.float32), [])[0]) == 0
    assert len(trimmed(np.zeros(0, np.float32), [])[0]) == 0
    assert len(trimmed(np.full(100, 0.5, np.float32), [])[0]) == 100


@given(st.lists(st.integers(0, 22050), max_size=8))
def test_silence_is_cut_the_same_from_a_sound_in_parts(cuts: list[int]) -> None:
    samples = np.zeros(22050, np.float32)
    samples[5000:9000] = 0.5
    samples[14000:15000] = 0.1
    samples[4900:5000] = samples[15100:15200] = 0.001
    kept, start = trimmed(samples, cuts)
    whole, whole_start = trimmed(samples, [])
    assert start == whole_start
    assert np.array_equal(kept, whole)


def test_a_pause_is_held_back_until_it_is_known_not_to_be_the_end() -> None:
    trim = SpeechTrim(1000, 0.5)
    speech, silence = np.full(100, 0.5, np.float32), np.zeros(200, np.float32)
    assert len(trim.push(np.concatenate((speech, silence)))) == 100 + TAIL_MS
    assert len(trim.push(silence)) == 0
    assert len(trim.push(speech)) == 400 - TAIL_MS + 100
