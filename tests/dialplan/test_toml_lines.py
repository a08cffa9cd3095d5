import tomllib
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from media_server.dialplan.toml_lines import key_lines

DOCUMENT = '''
default = "a"  # [not.a.table]
text = """
key = 1
[[route]]
"""
many = [
    1,  # ]
    "]",
]

[settings]
"quoted key" = { inner = 1 }
a.b = 'x'

[[route]]
called = "1"
[route.settings]
x = 1
[[route]]
called = "2"
'''


def test_each_key_has_its_line_and_what_is_in_values_is_none() -> None:
    lines = key_lines(DOCUMENT)
    assert lines == {
        ("default",): 2,
        ("text",): 3,
        ("many",): 7,
        ("settings",): 12,
        ("settings", "quoted key"): 13,
        ("settings", "a"): 14,
        ("settings", "a", "b"): 14,
        ("route", 0): 16,
        ("route", 0, "called"): 17,
        ("route", 0, "settings"): 18,
        ("route", 0, "settings", "x"): 19,
        ("route", 1): 20,
        ("route", 1, "called"): 21,
    }


NAMES = st.sampled_from(["a", "b", '"c d"', "'e'"])
VALUES = st.sampled_from(["1", '"x = 1"', "[1, [2,\n 3]]", "'''\n[t]\nk = 1\n'''", '"\\"#"', '""""q" """', "{ z = 1 }"])


@given(
    st.lists(st.tuples(NAMES, VALUES, st.sampled_from(["", " # c = 1", "\n\n"])), max_size=4, unique_by=lambda e: e[0])
)
def test_every_top_key_of_a_right_document_is_found(entries: list[tuple[str, str, str]]) -> None:
    text = "".join(f"{name} = {value}{after}\n" for name, value, after in entries)
    parsed: Mapping[str, object] = tomllib.loads(text)
    lines = key_lines(text)
    assert {place[0] for place in lines} == set(parsed)
    rows = text.split("\n")
    assert all(str(place[0]) in rows[line - 1] for place, line in lines.items())
