"""An utterance over streams that are lost: no word is missing, none is said twice."""

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from media_server.protocol.tts_stream import Word, Words
from media_server.speech.spoken import Rewind, Spoken

RATE = 8000
LETTER = 400


def made(text: str) -> list[bytes | Words]:
    """What an engine makes of a text: a word at a time, in two pieces of sound, each letter of its own sound."""
    chunks: list[bytes | Words] = []
    at = 0.0
    for found in re.finditer(r"\S+\s*", text):
        seconds = len(found[0]) * LETTER / RATE
        word = Word(
            text=found[0].strip(), offset=found.start(), start=at, end=at + len(found[0].strip()) * LETTER / RATE
        )
        chunks.append(Words(context_id="u", words=[word], exact=True))
        sound = b"".join(letter.encode() * 2 * LETTER for letter in found[0])
        chunks += [sound[: len(sound) // 4 * 2], sound[len(sound) // 4 * 2 :]]
        at += seconds
    return chunks


@given(st.lists(st.integers(0, 40), max_size=3), st.integers(1, 12))
def test_wherever_the_stream_is_lost_each_word_sounds_once(losses: list[int], most: int) -> None:
    text = "one two three four five"
    spoken, heard, words = Spoken(RATE), bytearray(), list[Word]()
    spoken.add(text[:9], more=True)
    spoken.add(text[9:], more=False)
    for loss in [*losses, 1000]:
        asked = ""
        while (piece := spoken.ask(most)) is not None:
            asked += piece[0]
        for chunk in made(asked)[:loss]:
            arrived = spoken.receive(chunk)
            if isinstance(arrived, Words):
                words += arrived.words
            elif isinstance(arrived, bytes):
                heard += arrived
        if loss < 1000:
            rewind = spoken.lose()
            assert isinstance(rewind, Rewind)
            del heard[rewind.sample * 2 :]
            words = [word for word in words if round(word.end * RATE) <= rewind.sample]
    letters = re.sub(r"(.)\1*", r"\1", heard.decode()[:: LETTER * 2])
    assert letters.replace(" ", "") == re.sub(r"(.)\1*", r"\1", text).replace(" ", "")
    assert [word.text for word in words] == text.split()
    assert [text[word.offset :].startswith(word.text) for word in words] == [True] * 5
    assert all(one.end <= other.start for one, other in pairwise(words))


def test_text_is_asked_for_in_pieces_and_its_end_once() -> None:
    spoken = Spoken(RATE)
    spoken.add("abc", more=True)
    assert spoken.ask(2) == ("ab", True)
    assert spoken.ask(2) == ("c", True)
    assert spoken.ask(2) is None
    spoken.add("", more=False)
    assert spoken.ask(2) == ("", False)
    assert spoken.ask(2) is None
