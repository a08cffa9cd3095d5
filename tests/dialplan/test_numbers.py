import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_server.dialplan.numbers import Regex, parse_form


@pytest.mark.parametrize(
    ("form", "fits", "others"),
    [
        ("+15550100", ["+15550100"], ["15550100", "+155501000", ""]),
        ("+1555*", ["+1555", "+15550100"], ["+1556", "1555"]),
        ("*9196", ["+15559196", "9196"], ["+1555919", ""]),
        ("*", ["", "+1", "client:x"], []),
        ("client:alice", ["client:alice"], ["client:bob", "alice"]),
        ("_NXXNXXXXXX", ["2125550100"], ["1125550100", "212555010", "21255501000"]),
        ("_+1NXX.", ["+12120", "+121200"], ["+1212", "+11120"]),
        ("_9!", ["9", "9123"], ["8"]),
        ("_ZX[13-5]", ["101", "994"], ["001", "992", "1011"]),
        ("_.", ["1", "+1"], [""]),
    ],
)
def test_each_form_fits_what_it_says(form: str, fits: list[str], others: list[str]) -> None:
    parsed = parse_form(form)
    assert str(parsed) == form
    assert [number for number in fits if not parsed.fits(number)] == []
    assert [number for number in others if parsed.fits(number)] == []


@pytest.mark.parametrize("form", ["", "+", "12 34", "+1*5", "*1*", "**", "_", "_12A", "_1.2", "_[", "_[a]", "_[]", "x"])
def test_what_is_no_form_is_refused(form: str) -> None:
    with pytest.raises(ValueError, match=r"wanted|no pattern"):
        parse_form(form)


def test_a_withheld_number_is_known_by_all_its_names() -> None:
    form = parse_form("Anonymous", anonymous=True)
    assert all(form.fits(number) for number in ("", "anonymous", "Restricted", "+266696687"))
    assert not form.fits("+15550100")
    with pytest.raises(ValueError, match="wanted"):
        parse_form("anonymous")


def test_an_expression_takes_the_whole_number_and_linear_time() -> None:
    assert Regex(r"\+1555\d{4}").fits("+15550100")
    assert not Regex(r"\+1555\d{4}").fits("+155501000")
    began = time.perf_counter()
    assert not Regex("(a*)*b").fits("a" * 256)
    assert not Regex("(a|aa)+$").fits("a" * 255 + "b")
    assert time.perf_counter() - began < 0.5


@given(st.text(max_size=40))
def test_any_text_is_a_form_or_a_value_error(text: str) -> None:
    try:
        form = parse_form(text, anonymous=True)
    except ValueError:
        return
    assert form.fits(text) in (True, False)
