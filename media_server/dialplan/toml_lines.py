"""Where the keys of a TOML document stand. Pure.

`tomllib` tells no lines of what is right TOML and yet says something wrong. So this reads a document that `tomllib` has
taken, a second time, and only for its keys: strings, comments and nested values are stepped over. Keys within an inline
table stand on the line of the table.
"""

import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

Place: TypeAlias = tuple[str | int, ...]
"""A key's path, with the number of each element of an array of tables: ("route", 0, "called")."""

_TOKEN = re.compile(
    r"""
      (?P<string> \"{3} (?:\\.|[^\\])*? \"{3} | '{3} .*? '{3} | "(?:\\.|[^"\\\n])*" | '[^'\n]*' )
    | (?P<comment> \#[^\n]* )
    | (?P<newline> \n )
    | (?P<mark> [][{}=.,] )
    | (?P<bare> [A-Za-z0-9_:+-]+ )
    | (?P<space> [^\S\n]+ )
    """,
    re.VERBOSE | re.DOTALL,
)

Token: TypeAlias = tuple[str, str, int]
"""Kind, text, line."""


def key_lines(text: str) -> Mapping[Place, int]:
    """The line (from 1) of each key, table and element of an array of tables in a right TOML document."""
    found: dict[Place, int] = {}
    table: Place = ()
    arrays: dict[Place, int] = {}
    for statement in _statements(text):
        line = statement[0][2]
        if statement[0][1] == "[":
            many = len(statement) > 1 and statement[1][1] == "["
            table = _header([name for kind, name, _ in statement if kind in ("bare", "string")], arrays, many=many)
            found.setdefault(table, line)
        else:
            place = table
            for kind, name, _ in statement:
                if name == "=":
                    break
                if kind in ("bare", "string"):
                    place = (*place, _name(name))
                    found.setdefault(place, line)
    return found


def _statements(text: str) -> Iterator[list[Token]]:
    """The document's headers and `key = value`s, each without comments and space."""
    statement: list[Token] = []
    depth, line = 0, 1
    for match in _TOKEN.finditer(text):
        kind, token = match.lastgroup or "", match[0]
        if kind == "newline" and depth == 0:
            if statement:
                yield statement
            statement = []
        elif kind not in ("newline", "comment", "space"):
            statement.append((kind, token, line))
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token, 0)
        line += token.count("\n")
    if statement:
        yield statement


def _header(names: list[str], arrays: dict[Place, int], *, many: bool) -> Place:
    """The place that a header opens; arrays on the way stand for their latest element."""
    place: Place = ()
    for at, name in enumerate(names):
        place = (*place, _name(name))
        if many and at == len(names) - 1:
            arrays[place] = arrays.get(place, -1) + 1
        if place in arrays:
            place = (*place, arrays[place])
    return place


def _name(token: str) -> str:
    return token[1:-1] if token[0] in "\"'" else token
