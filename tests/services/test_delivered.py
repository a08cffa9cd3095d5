from engines.ports import SpokenWord
from media_server.services.delivered import Delivered


def test_a_word_is_spoken_when_the_last_of_its_sound_was_sent() -> None:
    delivered = Delivered(10_000)
    delivered.tell([SpokenWord("One,", 0, 0.1, 0.4), SpokenWord("two.", 5, 0.5, 0.9)])
    ends = []
    for _ in range(10):
        delivered.send(bytes(1000))
        ends.append(delivered.spoken)
    assert ends == [0, 0, 0, 4, 4, 4, 4, 4, 9, 9]
    delivered.tell([SpokenWord("Three.", 10, 1.0, 1.3)])
    delivered.send(bytes(2995))
    assert delivered.spoken == 16  # a sample lost by resampling is none of a word's
    assert delivered.seconds == 1.2995


def test_nothing_sent_is_nothing_spoken() -> None:
    delivered = Delivered(8000)
    delivered.tell([SpokenWord("One", 0, 0.0, 0.4)])
    assert (delivered.spoken, delivered.seconds) == (0, 0.0)
