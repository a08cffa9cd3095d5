"""Written amounts through the real voice to the real recogniser, and words of theirs back to what was written."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soxr

from engines.ports import ASR_RATE, Listening, Speech
from engines.tts.lexicon import Lexicon
from engines.tts.reader import Reader
from tests.engines.asr.loaded import whisper
from tests.engines.tts.voice import VOICE, piper

pytestmark = pytest.mark.models


def heard(models_dir: Path, speeches: list[Speech]) -> str:
    pcm = np.concatenate([speech.pcm for speech in speeches]).astype(np.float32) / 32768
    return whisper(models_dir).transcribe(soxr.resample(pcm, piper().sample_rate, ASR_RATE), Listening()).text


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("Your total today is **$3.50**, including tax.", "350"),
        ("We will put €20 back on your card.", "20"),
        ("The project has raised $1.2 million so far.", "12million"),
        ("Your appointment is at 10:30 tomorrow morning.", "1030"),
        ("We are open from 9:00 a.m. to 5:30 p.m. on weekdays.", "530pm"),
        ("Dr. Smith can see you on 3 March 2026.", "3ofmarch2026"),
        ("Your contract ends on 2026-11-24, as we agreed.", "november242026"),
        ("The parcel was shipped on 11/24/2026 from Boston.", "november242026"),
        ("Please call us back at +1 415 555 0100.", "4155550100"),
        ("My direct line is (212) 555-0147, any time.", "2125550147"),
        ("You get a discount of 15% on this order.", "15"),
        ("Your order number is 48213, please write it down.", "48213"),
        ("Please write to a.smith@example.com about it.", "smithatexample"),
    ],
)
def test_what_is_heard_has_the_amount_that_was_written(models_dir: Path, written: str, amount: str) -> None:
    understood: list[str] = []
    for _ in range(3):  # the voice says it a little differently each time, and the ear is not perfect
        speeches = list(Reader(piper()).synthesize(written, VOICE))
        understood.append(re.sub(r"[^a-z0-9]|(?<=[0-9])(?:st|nd|rd|th)", "", heard(models_dir, speeches).lower()))
        if amount in understood[-1]:
            return
    raise AssertionError(understood)
    words = [word for speech in speeches for word in speech.words]
    assert all(written[word.offset :].startswith(word.text) for word in words)
    assert " ".join(word.text for word in words) == written
    assert all(0 <= left.start < left.end <= right.start + 1e-6 for left, right in pairwise(words))


def test_a_name_is_said_as_the_lexicon_has_it(models_dir: Path) -> None:
    written = "Your doctor tomorrow is Nguyen, as always."
    speeches = list(Reader(piper(), Lexicon({"Nguyen": "Mister Winter"})).synthesize(written, VOICE))
    assert "winter" in heard(models_dir, speeches).lower()
    assert "Nguyen," in [word.text for speech in speeches for word in speech.words]


def test_what_has_nothing_to_say_asks_nothing_of_the_voice() -> None:
    assert list(Reader(piper()).synthesize("🙂 https://example.com/a", "no such voice")) == []
