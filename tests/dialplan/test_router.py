import ast
from datetime import datetime
from pathlib import Path
from textwrap import dedent
from types import MappingProxyType

import pytest

from media_server.dialplan.folders import dialplan_folders
from media_server.dialplan.loader import constant_phrases
from media_server.dialplan.router import DEFAULT, Router
from media_server.dialplan.routes import Incoming
from media_server.dialplan.sources import MAX_FILE
from media_server.errors import ConfigError, NotFound

PLAN = "async def {name}(call):\n    await call.say('I am {name}.')\n"

MODEL = """
from pydantic import BaseModel

class Settings(BaseModel):
    bar: str
    tables: int = 12

async def mine(call): ...
"""


def write(folder: Path, routes: str, *plans: str) -> Path:
    (folder / "routes.toml").write_text(dedent(routes))
    for name in plans:
        (folder / f"{name}.py").write_text(PLAN.format(name=name))
    return folder


def route(called: str, more: str = "", plan: str = "mine") -> str:
    return f"\n[[route]]\ncalled = {called}\ndialplan = '{plan}'\n{more}"


def test_the_shipped_routes_lead_to_parrot_and_echo() -> None:
    router = Router.load(dialplan_folders(None))
    assert router.route(Incoming("+15550100")).plan.name == "parrot"
    assert router.route(Incoming("+15559196")).plan.name == "echo"
    assert "Hello! Say something, and I say it back." in router.phrases[""]


def test_the_operators_folder_wins_and_may_use_the_shipped_ones(tmp_path: Path) -> None:
    router = Router.load(
        dialplan_folders(write(tmp_path, 'default = "mine"' + route("'+15550199'", plan="echo"), "mine"))
    )
    assert router.route(Incoming("+1")).plan.name == "mine"
    assert router.route(Incoming("+15550199")).plan.name == "echo"
    assert router.phrases == {"": ("I am mine.",)}


def test_the_first_route_that_fits_wins_and_all_its_conditions_hold(tmp_path: Path) -> None:
    routes = """
        default = "rest"
        timezone = "Europe/Berlin"
        language = "en"
        [settings]
        bar = "+1"
        [[route]]
        name = "office"
        called = ["+1555*", "*9196"]
        caller_regex = '\\+49.*'
        hours = "Mon-Fri 09:00-17:30"
        dialplan = "mine"
        language = "de"
        voice = "anna"
        settings = { bar = "+2", shop = "x" }
        [[route]]
        caller = "anonymous"
        dialplan = "mine"
        [[route]]
        direction = "outbound"
        dialplan = "mine"
    """
    router = Router.load([write(tmp_path, routes, "mine", "rest")])
    noon = datetime.fromisoformat("2026-12-24T12:00+01:00")
    office = router.route(Incoming("+15550100", "+49301", noon))
    assert (office.name, office.language, office.voice) == ("office", "de", "anna")
    assert dict(office.settings) == {"bar": "+2", "shop": "x"}
    assert office.place == f"{tmp_path}/routes.toml:7"
    rest = router.route(Incoming("+15550100", "+1", noon))
    assert (rest.name, rest.plan.name, rest.language, dict(rest.settings)) == (DEFAULT, "rest", "en", {"bar": "+1"})
    assert router.route(Incoming("+44", "", noon)).plan.name == "mine"
    assert router.route(Incoming("+44", "+1", noon, "outbound")).plan.name == "mine"
    evening = Incoming("+15550100", "+49301", datetime.fromisoformat("2026-12-24T18:00+01:00"))
    assert [tried.mismatch for tried in router.tried(evening)] == [
        "hours: it is Thu 18:00 in Europe/Berlin, not Mon-Fri 09:00-17:30",
        "caller: +49301 is not anonymous",
        "direction: inbound, not outbound",
        "",
    ]
    assert set(router.phrases) == {"", "anna"}


def test_a_route_is_found_by_its_name_or_its_dialplan(tmp_path: Path) -> None:
    routes = "default = 'rest'" + route("'1'") + route("'2'", "name = 'second'")
    router = Router.load([write(tmp_path, routes, "mine", "rest")])
    assert router.named("second").place.endswith(":6")
    assert router.named("mine").place.endswith(":2")
    assert router.named("rest").name == DEFAULT
    with pytest.raises(NotFound):
        router.named("nowhere")


@pytest.mark.parametrize(
    ("routes", "message"),
    [
        ('default = "nowhere"', "1: default: there is no dialplan 'nowhere'"),
        ('default = "mine"\nother = 1', "2: other: there is no such key"),
        ('default = "mine"\nrouts = []', r"2: routs: .*did you mean route\?"),
        ('default = "../mine"', "1: default: "),
        ("default =", "1: Invalid value"),
        ('default = "mine"\ndefault = "mine"', "2: Cannot overwrite a value"),
        ('default = "mine"\n[[route]]\ncalled = "1"\ncalled = "2"\ndialplan = "mine"', "4: Cannot overwrite a value"),
        ("[[route]]", "1: default: it is missing"),
        ("default = 'mine'" + route("'12a'"), "3: called: '12a': a number such as"),
        ("default = 'mine'" + route("['1', 2]"), "3: called: a text, or a list"),
        ("default = 'mine'" + route("'1'", "calller = '2'"), r"5: calller: .*did you mean caller\?"),
        ("default = 'mine'" + route("'1'", plan="other"), "4: dialplan: there is no dialplan 'other'"),
        ("default = 'mine'" + route("'1'", "hours = 'Mon 9-17'"), "5: hours: 'Mon 9-17': hours such as"),
        ("default = 'mine'" + route("'1'", "hours = 'Mon'"), "5: hours: they want a timezone"),
        ("default = 'mine'\ntimezone = 'Mars/Base'", "2: timezone: .* is no time zone"),
        ("default = 'mine'\ntimezone = '../../etc/passwd'", "2: timezone: .* is no time zone"),
        ("default = 'mine'" + route("'1'", "called_regex = '('"), "5: called_regex: missing"),
        ("default = 'mine'" + route("'1'", r"called_regex = '(a)\1'"), "5: called_regex: "),
        ("default = 'mine'" + route("'1'", "called_regex = '((a{9}){9}){999}'"), "5: called_regex: "),
        ("default = 'mine'\n[[route]]\ndialplan = 'mine'", "2: it fits every call"),
        ("default = 'mine'" + 2 * route("'1'", "name = 'x'"), "9: name: 'x' is another route's name"),
        ("default = 'mine'\nroute = 1", "2: "),
        ("default = 'mine'\nx = " + 5000 * "[", "nested too deeply"),
        ("default = 'mine'\n#" + MAX_FILE * "#", "larger than 1 MB"),
        ("default = 'mine'\nx = '''half wri", "2: "),
    ],
)
def test_a_broken_table_is_named_with_its_line(tmp_path: Path, routes: str, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"routes\.toml:(\d+: |.*){message}|{message}") as caught:
        Router.load([write(tmp_path, routes, "mine")])
    line, _, _ = message.partition(":")
    if line.isdigit():
        assert f"routes.toml:{line}: " in caught.value.message


def test_routes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "routes.toml").write_bytes(b"default = '\xff'")
    with pytest.raises(ConfigError, match="not UTF-8"):
        Router.load([tmp_path])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("async def mine(call):\n    await call.say(\n", r"mine\.py:2: "),
        ("\n\nimport nothing_of_that_name\n", r"mine\.py:3: ModuleNotFoundError: .*nothing_of_that_name"),
        ("def other(): ...\n", "no function 'mine'"),
        ("\ndef mine(call): ...\n", r"mine\.py:2: a dialplan is an `async def`"),
        ("if 1:\n\tx = 1\n        y = 2\n", r"mine\.py:3: inconsistent use of tabs"),
        ("def at():\n    1 / 0\nat()\n", r"mine\.py:2: ZeroDivisionError"),
        ("import sys\nsys.exit('bye')\n", r"mine\.py:2: SystemExit: bye"),
        ("x = '\0'\n", r"mine\.py"),
        ("(" * 5000 + ")" * 5000, r"mine\.py"),
        ("#" * (MAX_FILE + 1), r"mine\.py: it is larger than 1 MB"),
        ("from a import one\n", r"b\.py:1: ImportError: cannot import name 'one'"),
        ("import broken\n", r"broken\.py:2: "),
    ],
)
def test_a_broken_dialplan_is_named_with_file_and_line(tmp_path: Path, source: str, message: str) -> None:
    write(tmp_path, 'default = "mine"')
    (tmp_path / "a.py").write_text("from b import two\none = 1\n")
    (tmp_path / "b.py").write_text("from a import one\ntwo = 2\n")
    (tmp_path / "broken.py").write_text("x = 1\ny = (\n")
    (tmp_path / "mine.py").write_text(source)
    with pytest.raises(ConfigError, match=message):
        Router.load([tmp_path])


@pytest.mark.parametrize("model", [MODEL, MODEL.replace("(BaseModel)", "").replace("class", "@dataclass\nclass")])
def test_a_dialplans_settings_are_checked_against_its_model(tmp_path: Path, model: str) -> None:
    write(tmp_path, "default = 'mine'\n[settings]\nbar = '+1'\nof_another = 2" + route("'2'", "settings.tables = 3"))
    (tmp_path / "mine.py").write_text("from dataclasses import dataclass\n" + model)
    router = Router.load([tmp_path])
    assert router.route(Incoming("1")).settings == MappingProxyType({"bar": "+1", "tables": 12})
    assert router.route(Incoming("2")).settings == MappingProxyType({"bar": "+1", "tables": 3})


@pytest.mark.parametrize(
    ("routes", "message"),
    [
        ("default = 'mine'", "1: settings.bar: it is missing"),
        ("default = 'mine'\n\n[settings]\nbar = 1", "4: settings.bar: Input should be a valid string"),
        (
            "default = 'mine'\n[settings]\nbar = ''" + route("'1'", "[route.settings]\ntables = 'x'"),
            "8: settings.tables",
        ),
        ("default = 'mine'\n[settings]\nbar = ''" + route("'1'", "settings = { bra = 1 }"), "7: settings.bra: .*bar"),
    ],
)
def test_settings_that_do_not_fit_are_named_with_their_line(tmp_path: Path, routes: str, message: str) -> None:
    write(tmp_path, routes)
    (tmp_path / "mine.py").write_text(MODEL)
    with pytest.raises(ConfigError, match=rf"routes\.toml:{message}"):
        Router.load([tmp_path])


def test_constant_texts_are_found_and_others_are_not() -> None:
    source = """
async def f(call, name):
    await call.say('One.')
    await call.say(f'{name}')
    await call.ask('Two?')
    say('x')
    await call.gather(slot, question='Three?')
    await call.ask('Four?', again='Five?', day=('Six?', slot), of=(7, slot), confirm=f'{name}')
"""
    assert constant_phrases(ast.parse(source)) == ("One.", "Two?", "Three?", "Four?", "Six?", "Five?")
