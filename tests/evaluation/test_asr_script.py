import random

from media_server.evaluation.asr_script import Answer, HeardFinal, Utterance, answers, script
from media_server.phone.speech_folder import Recording
from tests.phone.tones import quiet, tone

SPOKEN = Recording("a", quiet(0.1) + tone(0.5) + quiet(0.2), "la")


def test_utterances_stand_where_the_script_says_and_end_with_their_voice() -> None:
    made = script([SPOKEN], seconds=3.0, silence_s=1.0, chance=random.Random(1))
    assert len(made.utterances) == 2
    for each in made.utterances:
        assert made.pcm[2 * each.begin : 2 * each.end] == SPOKEN.pcm
        assert each.voiced_end - each.begin == 4800
        assert made.pcm[2 * each.end : 2 * (each.end + 8000)] == quiet(1.0)
    assert 4000 <= made.utterances[0].begin <= 12000
    assert made.seconds * 8000 == made.utterances[-1].end + 8000


def test_an_idle_stream_is_silence() -> None:
    assert script([], seconds=1.5, silence_s=1.0, chance=random.Random(1)).pcm == quiet(1.5)


def test_what_is_said_depends_on_the_seed_alone() -> None:
    many = [Recording(str(number), tone(0.2), "") for number in range(20)]
    one, same, other = (script(many, seconds=9, silence_s=1, chance=random.Random(seed)) for seed in (1, 1, 2))
    assert one == same != other


def utterance(begin: float, end: float, voiced_end: float) -> Utterance:
    return Utterance(SPOKEN, round(8000 * begin), round(8000 * end), round(8000 * voiced_end))


TWO = [utterance(1.0, 2.0, 1.9), utterance(4.0, 5.0, 4.81)]


def test_an_answer_is_timed_from_the_message_with_the_last_voiced_sample() -> None:
    finals = [HeardFinal("One.", 1.1, 1.9, 2.42), HeardFinal("Two.", 4.1, 4.8, 5.24)]
    assert answers(TWO, finals, 320) == [Answer("One.", 500.0), Answer("Two.", 400.0)]


def test_several_finals_of_an_utterance_are_joined_and_the_last_one_counts() -> None:
    finals = [HeardFinal("One", 1.1, 1.4, 1.9), HeardFinal("and two.", 1.6, 1.9, 2.92)]
    assert answers(TWO, finals, 320) == [Answer("One and two.", 1000.0), Answer(None, None)]


def test_a_final_behind_an_utterance_is_still_its_own_and_one_before_the_first_too() -> None:
    finals = [HeardFinal("Hm.", 0.2, 0.4, 0.9), HeardFinal("Two.", 5.1, 5.4, 5.84)]
    assert answers(TWO, finals, 320)[0].text == "Hm."
    assert answers(TWO, finals, 320)[1] == Answer("Two.", 1000.0)
