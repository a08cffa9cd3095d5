import ast
from pathlib import Path

import pytest

from media_server.dialplan.loader import constant_phrases
from media_server.dialplan.router import Router
from media_server.errors import ConfigError
from media_server.server import dialplan_folders

PLAN = "async def {name}(call):\n    await call.say('I am {name}.')\n"


def write(folder: Path, routes: str, *plans: str) -> Path:
    (folder / "routes.toml").write_text(routes)
    for name in plans:
        (folder / f"{name}.py").write_text(PLAN.format(name=name))
    return folder


def test_the_shipped_routes_lead_to_parrot_and_echo() -> None:
    router = Router(dialplan_folders(None))
    assert router.route("+15550100").name == "parrot"
    assert router.route("+15559196").name == "echo"
    assert "Hello! Say something, and I say it back." in router.phrases


def test_the_operators_folder_wins_and_may_use_the_shipped_ones(tmp_path: Path) -> None:
    routes = 'default = "mine"\n[[route]]\ncalled = "+15550199"\ndialplan = "echo"\n'
    router = Router(dialplan_folders(write(tmp_path, routes, "mine")))
    assert router.route("+1").name == "mine"
    assert router.route("+15550199").name == "echo"
    assert router.phrases == ["I am mine."]


@pytest.mark.parametrize(
    ("routes", "place"),
    [
        ('default = "nowhere"', "nowhere"),
        ('default = "mine"\nother = 1', "other"),
        ('default = "mine"\n[[route]]\ncalled = "12a"\ndialplan = "mine"', "route.0.called"),
        ('default = "../mine"', "default"),
        ("default =", "routes.toml"),
    ],
)
def test_a_broken_table_is_named_with_its_place(tmp_path: Path, routes: str, place: str) -> None:
    with pytest.raises(ConfigError, match=place):
        Router([write(tmp_path, routes, "mine")])


def test_a_broken_dialplan_is_named_with_file_and_line(tmp_path: Path) -> None:
    write(tmp_path, 'default = "mine"')
    (tmp_path / "mine.py").write_text("async def mine(call):\n    await call.say(\n")
    with pytest.raises(ConfigError, match=r"mine\.py:2"):
        Router([tmp_path])
    (tmp_path / "mine.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(ConfigError, match=r"mine\.py.*nothing_of_that_name"):
        Router([tmp_path])
    (tmp_path / "mine.py").write_text("def other(): ...\n")
    with pytest.raises(ConfigError, match="no function 'mine'"):
        Router([tmp_path])


def test_constant_texts_are_found_and_others_are_not() -> None:
    source = """
async def f(call, name):
    await call.say('One.')
    await call.say(f'{name}')
    await call.ask('Two?')
    say('x')
"""
    assert constant_phrases(ast.parse(source)) == ("One.", "Two?")
