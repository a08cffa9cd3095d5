# ruff: noqa: RUF001 - phonemes are meant
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from engines.ports import SpokenWord
from engines.tts.alignment import align, written_words
from engines.tts.clauses import ClauseSplitter
from engines.tts.lexicon import Lexicon
from engines.tts.silence import JOINT_MS, LEAD_MS, TAIL_MS, SpeechTrim, joint
from engines.tts.spoken_text import MAX_SPOKEN, NO_LEXICON, SpokenText, WayBack, speakable

SAID = [
    # money
    ("Your total is $3.50.", "Your total is three dollars and fifty cents."),
    ("It costs $0.99, or $1.", "It costs ninety-nine cents, or one dollar."),
    ("That will be €20, please.", "That will be twenty euros, please."),
    ("We raised $1.2 million.", "We raised one point two million dollars."),
    (
        "The balance is £1,234.56.",
        "The balance is one thousand two hundred and thirty-four pounds and fifty-six pence.",
    ),
    ("12.50 USD, 5 € or $10-$20", "twelve dollars and fifty cents, five euros or ten dollars to twenty dollars"),
    ("1.2 million people, -$5 a month", "one point two million people, minus five dollars a month"),
    ("$20k-$30k", "twenty thousand dollars to thirty thousand dollars"),
    ("C$5, A$10.50, $ 5", "five Canadian dollars, ten Australian dollars and fifty cents, five dollars"),
    ("It is $5/month.", "It is five dollars per month."),
    # times
    ("Your appointment is at 10:30.", "Your appointment is at ten thirty."),
    ("We close at 5 pm.", "We close at five P M."),
    ("From 9:00 a.m. to 5:05 p.m.", "From nine A M to five oh five P M."),
    ("At 9:00, 14:45, 00:30", "At nine o'clock, fourteen forty-five, twelve thirty A M"),
    ("Open 9am-5pm", "Open nine A M to five P M"),
    ("5:30pm-6:30pm", "five thirty P M to six thirty P M"),
    ("9am-5:30pm, 9am-5", "nine A M to five thirty P M, nine A M to five"),
    ("10am-2.30pm, 9:30 a.m. - 5 p.m.", "ten A M to two thirty P M, nine thirty A M to five P M."),
    # dates
    ("On 3 March 2026.", "On the third of March, twenty twenty-six."),
    ("the 3rd of May", "the third of May"),
    ("March 3rd, 2026 works", "March third, twenty twenty-six works"),
    ("It is due 2026-11-24.", "It is due November twenty-fourth, twenty twenty-six."),
    ("Shipped 11/24/2026", "Shipped November twenty-fourth, twenty twenty-six"),
    (
        "Shipped 24/11/2026 or 3.2.2026",
        "Shipped November twenty-fourth, twenty twenty-six or February third, twenty twenty-six",
    ),
    ("At 2026-11-24T10:30:00Z", "At November twenty-fourth, twenty twenty-six at ten thirty"),
    ("In 1999, March 2026 and the 1990s", "In nineteen ninety-nine, March twenty twenty-six and the nineteen nineties"),
    ("on March 3, 2026, at 10:30", "on March third, twenty twenty-six, at ten thirty"),
    ("In May 2026, on 3 May 2026, or", "In May twenty twenty-six, on the third of May, twenty twenty-six, or"),
    ("The '90s, mid-90s, 2024-2025", "The 'nineties, mid-nineties, twenty twenty-four to twenty twenty-five"),
    ("At 9:00 o'clock, 24:00, 8.30am", "At nine o'clock, twenty-four hundred, eight thirty A M"),
    ("100k users call 911.", "one hundred thousand users call nine one one."),
    ("Due 24-11-2026", "Due November twenty-fourth, twenty twenty-six"),
    ("Due 11-24-2026", "Due November twenty-fourth, twenty twenty-six"),
    # telephone numbers, codes, addresses
    ("Call 415.555.0100", "Call four one five, five five five, zero one zero zero"),
    ("123-45-6789 or 4-8-2", "one two three, four five, six seven eight nine or four, eight, two"),
    ("12-34-56, 9-1-1", "one two, three four, five six, nine, one, one"),
    ("San Francisco 94105-1234", "San Francisco nine four one zero five, one two three four"),
    ("The code is: 1234", "The code is: one two three four"),
    (
        "Dial ext. 1234, Apt. #5, see fig. 3",
        "Dial extension one two three four, apartment number five, see figure three",
    ),
    ("code X7K-9Q2", "code X seven K-nine Q two"),
    ("Call +1 415 555 0100.", "Call plus one, four one five, five five five, zero one zero zero."),
    ("Call +14155550100", "Call plus one, four one five, five five five, zero one zero zero"),
    (
        "(415) 555-0100 or 555-0199",
        "four one five, five five five, zero one zero zero or five five five, zero one nine nine",
    ),
    ("020 7946 0958", "zero two zero, seven nine four six, zero nine five eight"),
    ("Your order number is 48213.", "Your order number is four eight two one three."),
    ("Flight BA 2490, gate B12", "Flight BA two four nine zero, gate B twelve"),
    ("Your code is 0042, room 204", "Your code is zero zero four two, room two zero four"),
    ("the card ending in 4242", "the card ending in four two four two"),
    ("Order #A-1023 is #1", "Order number A one zero two three is number one"),
    ("Write to a.smith@example.com.", "Write to a dot smith at example dot com."),
    ("bob_42@mail-box.co.uk", "bob underscore four two at mail dash box dot co dot uk"),
    ("Mail <anna@example.com> or see www.example.com.", "Mail anna at example dot com or see example dot com."),
    ("Go to example.com/help today", "Go to example dot com today"),
    (
        "It is 192.168.1.1, version 2.10.3",
        "It is one nine two dot one six eight dot one dot one, version two point ten point three",
    ),
    # numbers
    ("You are 3rd in line, the 21st today", "You are third in line, the twenty-first today"),
    (
        "1,250 people and 3.5% of 15",
        "one thousand two hundred and fifty people and three point five percent of fifteen",
    ),
    ("5-7 days, pages 10–12", "five to seven days, pages ten to twelve"),
    ("It is -5 or 25°C", "It is minus five or twenty-five degrees Celsius"),
    ("It is −5°C → cold", "It is minus five degrees Celsius cold"),
    ("5 kg, 1 km, 50 km/h, 12 m²", "five kilograms, one kilometer, fifty kilometers per hour, twelve square meters"),
    ("1/2, 2/3, 1 1/2, 24/7", "one half, two thirds, one and a half, twenty-four seven"),
    ("2 *2, or", "two times two, or"),
    ("5 * 3, 2×3 & more", "five times three, two times three and more"),
    ("9" * 16, "nine nine nine, " * 4 + "nine nine nine nine"),
    # abbreviations
    ("Dr. Smith vs. Mrs. Jones", "Doctor Smith versus Missus Jones"),
    ("In St. Louis, at 221B Baker St.", "In Saint Louis, at two two one B Baker Street."),
    ("We close at 5:30 p.m. Please call back.", "We close at five thirty P M. Please call back."),
    ("At 5 p.m. Monday, 9 a.m. Eastern", "At five P M Monday, nine A M Eastern"),
    ("It is 12 Main St. Thanks.", "It is twelve Main Street. Thanks."),
    ("Mix 8 oz. of it", "Mix eight ounces of it"),
    ("Visit St. Mary's Hospital at Baker St. today", "Visit Saint Mary's Hospital at Baker Street today"),
    ("See Dr. Lee at 12 Oak Dr. Turn left", "See Doctor Lee at twelve Oak Drive. Turn left"),
    ("On 42nd St. and 5 Elm Dr.", "On forty-second Street and five Elm Drive."),
    ("Fine. No. 25 is Ms. Lee", "Fine. number twenty-five is Ms Lee"),
    # markdown, tags, pictures, what cannot be said
    ("## Your **order** is `ready`!", "Your order is ready!"),
    ("- [x] *Milk* and __eggs__", "Milk and eggs"),
    ("It costs **$3.50**.", "It costs three dollars and fifty cents."),
    ("See [our page](https://example.com/a?b=(c)) now", "See our page now"),
    ("![A map](https://example.com/map.png)", "A map"),
    ("Look: https://example.com/a_b?c=1. Then call.", "Look:. Then call."),
    ("Great 🙂👍🏽! It's 1️⃣ →", "Great! It's one"),
    ("<speak>Hi &amp; <audio src='http://169.254.169.254/'/>bye</speak>", "Hi and bye"),
    ("If price <b and c> d <i>or</i> <br /> <!-- no -->e", "If price b and c d or e"),
    ("{{7*7}} &lol; snake_case", "seven times seven and lol; snake case"),
    ("Hi\x00\u202e you\ud800", "Hi you"),
    ("[[həloʊ]]", "həloʊ"),
]


@pytest.mark.parametrize(("written", "spoken"), SAID)
def test_what_is_written_is_read_out(written: str, spoken: str) -> None:
    assert speakable(written).text == spoken


@pytest.mark.parametrize(
    "text", ["", " \n", "**", "---", "🙂🙂", "https://example.com/a.", "<br/>", "...?!", "\ud800", "```"]
)
def test_what_has_nothing_to_say_says_nothing(text: str) -> None:
    assert speakable(text) == SpokenText("", ())


def test_a_voice_of_another_language_gets_its_numbers_as_they_are_written() -> None:
    assert speakable("**3,50 €** am 3. März um 10:30 🙂", language="de").text == "3,50 € am 3. März um 10:30"


def told(written: str, lexicon: Lexicon = NO_LEXICON) -> list[tuple[str, int, str]]:
    """The written words, their places, and what is said for each."""
    spoken = speakable(written, lexicon)
    return [(word.written, word.offset, spoken.text[word.start : word.end]) for word in spoken.words]


def test_each_spoken_word_stands_for_a_written_one() -> None:
    assert told("So **$3.50**, on 3 March 2026 — see [our page](https://x.org/) 🙂 R2-D2") == [
        ("So", 0, "So"),
        ("**$3.50**,", 3, "three dollars and fifty cents,"),
        ("on", 14, "on"),
        ("3 March 2026", 17, "the third of March, twenty twenty-six"),
        ("see", 32, "see"),
        ("[our", 36, "our"),
        ("page](https://x.org/)", 41, "page"),
        ("R2-D2", 65, "R two-D two"),
    ]


def word(text: str, spoken: str, start: float, nth: int = 0) -> SpokenWord:
    """A spoken word that lasts 0.1 s."""
    offset = [place.start() for place in re.finditer(rf"\b{text}\b", spoken)][nth]
    return SpokenWord(text, offset, start, start + 0.1)


def test_a_written_word_is_told_once_when_its_last_spoken_word_has_ended() -> None:
    written = "Now $3.50, yes"
    spoken = speakable(written)
    assert spoken.text == "Now three dollars and fifty cents, yes"
    back = WayBack(spoken)
    now, three = word("Now", spoken.text, 0.0), word("three", spoken.text, 0.2)
    assert back.written((now, three), more=True) == (SpokenWord("Now", 0, 0.0, 0.1),)
    assert back.written((word("and", spoken.text, 0.4),), more=True) == ()
    last = (word("cents", spoken.text, 0.6), word("yes", spoken.text, 0.8))
    assert back.written(last, more=False) == (SpokenWord("$3.50,", 4, 0.2, 0.7), SpokenWord("yes", 11, 0.8, 0.9))


def test_a_written_word_whose_last_sound_is_not_known_is_told_at_the_next_one_or_the_end() -> None:
    spoken = speakable("$3.50 and $4.50")
    back = WayBack(spoken)
    assert back.written((word("three", spoken.text, 0.0),), more=True) == ()
    told_late = back.written((word("and", spoken.text, 0.5, nth=1), word("four", spoken.text, 0.7)), more=False)
    assert [(each.text, each.start) for each in told_late] == [("$3.50", 0.0), ("and", 0.5), ("$4.50", 0.7)]
    assert back.written((word("cents", spoken.text, 0.9, nth=1),), more=False) == ()


def test_a_lexicon_says_whole_words_in_its_own_way() -> None:
    lexicon = Lexicon(
        {"Nguyen": "win", "SQL": "sequel", "gif": "jif", "St. Ives": "saint eyevz", "C++": "see plus plus"}
    )
    written = "Nguyen's SQL, nguyen and MySQL: GIF in St. Ives, C++."
    assert speakable(written, lexicon).text == "win's sequel, nguyen and MySQL: jif in saint eyevz, see plus plus."
    assert told(written, lexicon)[0] == ("Nguyen's", 0, "win's")
    assert ("St. Ives,", 39, "saint eyevz,") in told(written, lexicon)


ANYTHING = st.text(st.characters(), max_size=200) | st.text(
    "3.5:/-+$€% @aAmM[](){}*_#`<>!&;,\n\ud800\u202e\u0301٣²½🙂", max_size=200
)
PHRASES = st.lists(st.sampled_from([written for written, _ in SAID]) | ANYTHING, max_size=4).map(" ".join)


@given(ANYTHING | PHRASES, st.sampled_from(["en-us", "de"]))
def test_any_text_is_read_in_order_within_bounds(written: str, language: str) -> None:
    spoken = speakable(written, Lexicon({"a": "x" * 200}), language)
    assert len(spoken.text) <= max(len(written), MAX_SPOKEN)
    assert all(left.offset + len(left.written) <= right.offset for left, right in pairwise(spoken.words))
    assert all(left.end <= right.start for left, right in pairwise(spoken.words))
    for said in spoken.words:
        assert written[said.offset : said.offset + len(said.written)] == said.written != ""
        assert 0 <= said.start < said.end <= len(spoken.text)
    back = WayBack(spoken)
    heard = [
        SpokenWord(each.text, each.offset, float(number), number + 1.0)
        for number, each in enumerate(written_words(spoken.text))
    ]
    assert [(each.text, each.offset) for each in back.written(heard, more=False)] == [
        (each.written, each.offset) for each in spoken.words
    ]


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "9",
        "1,",
        "1.",
        "1 ",
        "12-",
        "a@",
        "a.",
        "http://",
        "](",
        "[a](b)",
        "<a",
        "<a b=",
        "<a b",
        "\u0301",
        "\ud800",
        "a1",
        "$1",
        "1/",
        "\n",
        "\n" * 9_980 + "http://ex.com/a",
        "\n \n\t" * 100 + "# a",
    ],
)
def test_fifty_thousand_characters_hang_nothing(piece: str) -> None:
    """What is quadratic in the text takes minutes here, what is linear half a second."""
    text = (piece * 50_000)[:50_000]
    speakable(text)
    splitter = ClauseSplitter()
    assert "".join(splitter.feed(text) + splitter.flush()) == text


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
