from pathlib import Path

from structlog.testing import capture_logs

from media_server.desk import Desk
from media_server.dialplan.loader import load_plan


async def failure(folder: Path, source: str) -> Exception:
    (folder / "mine.py").write_text(source)
    plan = load_plan("mine", [folder]).plan
    try:
        await plan(None)  # type: ignore[arg-type]
    except ValueError as error:
        return error
    raise AssertionError("it does not fail")


async def test_an_error_is_shown_with_the_authors_own_line_and_its_message(tmp_path: Path) -> None:
    lines: list[str] = []
    desk = Desk(lines.append, [tmp_path], shown=True)
    error = await failure(tmp_path, "import json\nasync def mine(call):\n    json.loads('{\\x1b')\n")
    desk.failed("7f3a" + "0" * 28, error)
    assert f"7f3a  FAILED  {tmp_path}/mine.py:3: JSONDecodeError: Expecting property name" in lines[0]
    assert lines[0].endswith("the caller hears an apology")
    desk.failed("7f3a", ValueError("red\x1b[31m\nalert" + "x" * 1000))
    assert "\x1b" not in lines[1]
    assert len(lines[1]) < 400


async def test_where_nobody_develops_no_message_is_shown(tmp_path: Path) -> None:
    lines: list[str] = []
    desk = Desk(lines.append, [tmp_path], shown=False)
    desk.failed("7f3a", ValueError("what a caller said"))
    desk.tell("mine.py: loaded anew")
    assert lines == []


def test_who_blocks_all_calls_is_told_once_a_minute_with_the_remedy(tmp_path: Path) -> None:
    lines: list[str] = []
    desk = Desk(lines.append, [tmp_path], shown=True)
    file = str(tmp_path / "mine.py")
    assert desk.is_authors(file)
    assert not desk.is_authors(str(tmp_path / ".venv" / "site-packages" / "x.py"))
    with capture_logs() as logs:
        desk.blocked(file, 12, 0.41)
        desk.blocked(file, 12, 0.41)
    [entry] = logs
    assert entry["place"] == f"{file}:12"
    assert len(lines) == 1
    assert "mine.py:12: it kept all calls waiting for 0.4 s" in lines[0]
    assert "await asyncio.to_thread" in lines[0]
