"""`media-server chat`, as it is typed: in a process of its own, with lines piped in."""

import subprocess
import sys
from pathlib import Path

import pytest

from media_server.call.events import AgentSaid, Fault, SlotHeard
from media_server.errors import ConfigError
from media_server.testing.chat_lines import (
    HangUp,
    Interrupt,
    Press,
    Say,
    Show,
    agent_line,
    note_line,
    parse_line,
    parse_setting,
)
from media_server.testing.chat_lines import Silence as SayNothing

STORY = """
from media_server.dialplan import Call, Number


async def story(call: Call) -> None:
    await call.say(f"Hello {call.settings['name']}.")
    count = await call.ask("How many?", Number(1, 9))
    call.note(count=count)
    async for turn in call.turns():
        if turn.text == "crash":
            raise ValueError("no good")
        await call.say(f"It was a dark and stormy night, and somebody said {turn.text or turn.dtmf}.")
"""


def chat(folder: Path, lines: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "story.py").write_text(STORY)
    return subprocess.run(
        [sys.executable, "-m", "media_server.cli", "chat", str(folder / "story.py"), *arguments],
        input=lines,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_chat_from_the_greeting_to_the_error_with_its_line(tmp_path: Path) -> None:
    lines = "two\n/press 5\n/interrupt stop\nBob\n/silence\n/help\ncrash\n"
    ended = chat(tmp_path, lines, "--setting", "name=Ann")
    shown = ended.stdout.splitlines()
    assert shown[:2] == ["agent   Hello Ann.", "agent   How many?"]
    assert "        slot  number = 2" in shown
    assert "        note  count = 2" in shown
    assert "agent   It was a dark and stormy night, and somebody said 5." in shown
    assert any(line.startswith("agent   It was") and line.endswith("⟂") for line in shown)
    assert "agent   It was a dark and stormy night, and somebody said stop." in shown
    assert "agent   Are you still there?" in shown
    assert any("/interrupt TEXT" in line for line in shown)
    assert shown[-2].startswith("ended   dialplan error")
    assert shown[-1] == f"{tmp_path / 'story.py'}:11: ValueError: no good"
    assert ended.returncode == 1
    assert ended.stderr == ""


def test_the_end_of_the_lines_hangs_up(tmp_path: Path) -> None:
    ended = chat(tmp_path, "three\nhello\n", "--setting", "name=Ann")
    shown = ended.stdout.splitlines()
    assert shown[-2] == "agent   It was a dark and stormy night, and somebody said hello."
    assert shown[-1].startswith("ended   caller hangup")
    assert ended.returncode == 0


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "media_server.cli", "chat", str(tmp_path / "no.py")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert ended.returncode != 0
    assert "no.py" in ended.stderr


@pytest.mark.parametrize(
    ("line", "typed"),
    [
        ("hello there\n", Say("hello there")),
        ("/press 5#", Press("5#")),
        ("/interrupt no, wait", Interrupt("no, wait")),
        ("/silence", SayNothing()),
        ("/hangup", HangUp()),
        ("\x1b\n", None),
        ("   ", None),
    ],
)
def test_what_a_line_asks_for(line: str, typed: object) -> None:
    assert parse_line(line) == typed


@pytest.mark.parametrize("line", ["/press x", "/press", "/interrupt", "/dance"])
def test_what_cannot_be_understood_is_told(line: str) -> None:
    assert isinstance(parse_line(line), Show)


def test_settings_are_what_they_look_like() -> None:
    assert [parse_setting(each)[1] for each in ("a=1", "a=1.5", "a=true", "a=x=y", "a=")] == [1, 1.5, True, "x=y", ""]
    with pytest.raises(ConfigError):
        parse_setting("a")


def test_a_line_that_was_cut_shows_what_was_heard_of_it_and_secrets_are_not_shown() -> None:
    assert agent_line(AgentSaid(call="c", at=1, text="one two", heard="one", complete=False)) == "one ⟂"
    secret = SlotHeard(call="c", at=1, name="pin", filled=True, value=None, secret=True)
    assert note_line(secret) == "slot  pin = (secret)"
    assert note_line(Fault(call="c", at=1, code="x", message="y")) == "fault  x: y"
