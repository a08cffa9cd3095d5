"""Files that change under a running server. Time is real here: it is the disk that is watched."""

import asyncio
import gc
import sys
import threading
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from media_server.dialplan.loading import load_beside, load_within
from media_server.dialplan.reload import PHRASES_S, LivePlans
from media_server.dialplan.router import Router
from media_server.dialplan.routes import Incoming
from media_server.dialplan.watched import changed, snapshot
from media_server.errors import ConfigError, EngineUnavailable

ROUTES = 'default = "mine"\n'
PLAN = "from helper import word\nasync def mine(call): return word() + {}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "routes.toml").write_text(ROUTES)
    (tmp_path / "mine.py").write_text(PLAN.format("'1'"))
    (tmp_path / "helper.py").write_text("def word(): return 'a'\n")
    return tmp_path


@asynccontextmanager
async def watching(plans: LivePlans) -> AsyncIterator[list[str]]:
    told: list[str] = []
    plans.tell = told.append
    task = asyncio.create_task(plans.run())
    try:
        yield told
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool], seconds: float = 3.0) -> float:
    began = time.perf_counter()
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - of the disk
            await asyncio.sleep(0.01)
    return time.perf_counter() - began


async def answer(plans: LivePlans) -> Any:
    plan: Callable[[Any], Awaitable[Any]] = plans.router.route(Incoming("1")).plan.plan
    return await plan(None)


async def test_a_save_is_used_within_a_second_and_calls_under_way_keep_theirs(folder: Path) -> None:
    plans = LivePlans([folder], [folder])
    old = plans.router.route(Incoming("1")).plan
    async with watching(plans) as told:
        assert await answer(plans) == "a1"
        (folder / "mine.py").write_text(PLAN.format("'2'"))
        first = plans.router
        assert await until(lambda: plans.router is not first) < 1.0
        assert await answer(plans) == "a2"
        second = plans.router
        (folder / "helper.py").write_text("def word(): return 'b'\n")  # the same size, in the same second
        assert await until(lambda: plans.router is not second) < 1.0
        assert await answer(plans) == "b2"
        assert await old.plan(None) == "a1"  # type: ignore[arg-type,func-returns-value]
        assert told == ["mine.py: loaded anew", "helper.py: loaded anew"]


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("mine.py", "async def mine(call):\n    await call.say(", "mine.py:2: "),
        ("mine.py", "async def min", "mine.py:1: "),
        ("mine.py", "", "no function 'mine'"),
        ("mine.py", "#" * (10 << 20), "larger than 1 MB"),
        ("helper.py", "def wor", "helper.py:1: "),
        ("helper.py", "#" * (10 << 20), "larger than 1 MB"),
        ("helper.py", "import mine\n", "mine.py:1: ImportError"),
        ("routes.toml", "default = ", "routes.toml:1: "),
        ("routes.toml", "default = 'mine'\ndefault = 'mine'", "routes.toml:2: "),
        ("routes.toml", "#" * (10 << 20), "larger than 1 MB"),
    ],
)
async def test_what_is_broken_is_refused_and_the_old_plan_answers_on(
    folder: Path, name: str, text: str, complaint: str
) -> None:
    plans = LivePlans([folder], [folder], look_s=0.01)
    before = plans.router
    async with watching(plans) as told:
        (folder / name).write_text(text)
        await until(lambda: bool(told))
        assert complaint in told[0]
        assert "answer on" in told[0]
        assert plans.router is before
        assert await answer(plans) == "a1"
        assert sys.modules["helper"].word() == "a"
        (folder / "routes.toml").write_text(ROUTES)
        (folder / "helper.py").write_text("def word(): return 'c'\n")
        (folder / "mine.py").write_text(PLAN.format("'3'"))
        await until(lambda: plans.router is not before)
        assert await answer(plans) == "c3"


async def test_a_folder_that_is_gone_changes_nothing(folder: Path) -> None:
    plans = LivePlans([folder], [folder], look_s=0.01)
    async with watching(plans) as told:
        moved = folder.rename(folder.with_name("elsewhere"))  # noqa: ASYNC240 - of the disk
        await until(lambda: bool(told))
        assert await answer(plans) == "a1"
        moved.rename(folder)
        await until(lambda: len(told) > 1)
        assert "loaded anew" in told[1]


async def test_a_dialplan_that_imports_for_ever_is_given_up_while_the_loop_goes_on(folder: Path) -> None:
    plans = LivePlans([folder], [folder], load_s=0.3, look_s=0.01)
    async with watching(plans) as told:
        (folder / "mine.py").write_text("\nwhile True:\n    pass\n")
        longest, before = 0.0, time.perf_counter()
        while not told:
            await asyncio.sleep(0.005)
            now = time.perf_counter()
            longest, before = max(longest, now - before), now
        assert "mine.py:" in told[0]
        assert "not imported after 0.3 s" in told[0]
        assert longest < 0.25
        assert await answer(plans) == "a1"
        (folder / "mine.py").write_text(PLAN.format("'2'"))
        await until(lambda: len(told) > 1)
        assert await answer(plans) == "a2"
    await until(lambda: not [thread for thread in threading.enumerate() if thread.name == "dialplans"])


def test_a_start_that_hangs_is_given_up_with_its_place(folder: Path) -> None:
    (folder / "helper.py").write_text("import time\nwhile True:\n    time.sleep(0.01)\n")
    with pytest.raises(ConfigError, match=r"helper\.py:\d: the dialplans are not imported"):
        LivePlans([folder], [folder], load_s=0.2)


async def test_what_a_loading_raises_comes_to_who_waits() -> None:
    def fail() -> None:
        raise ConfigError("no")

    with pytest.raises(ConfigError, match="no"):
        load_within(fail, [])
    with pytest.raises(ConfigError, match="no"):
        await load_beside(fail, [])


async def test_phrases_are_made_before_the_swap_but_a_voice_that_is_gone_does_not_hold_it_up(folder: Path) -> None:
    plans = LivePlans([folder], [folder], look_s=0.01)
    prepared: list[tuple[bool, Router]] = []
    slow = asyncio.Event()

    async def prepare(router: Router) -> None:
        prepared.append((plans.router is router, router))
        if slow.is_set():
            raise EngineUnavailable

    plans.prepare = prepare
    async with watching(plans) as told:
        (folder / "mine.py").write_text(PLAN.format("'2'"))
        await until(lambda: bool(told))
        assert prepared == [(False, plans.router)]
        slow.set()
        (folder / "mine.py").write_text(PLAN.format("'3'"))
        assert await until(lambda: len(told) > 1) < PHRASES_S + 1.0
        assert await answer(plans) == "a3"


def test_generations_whose_calls_are_over_are_freed(folder: Path) -> None:
    for turn in range(3):
        (folder / "mine.py").write_text(PLAN.format(f"'{turn}'") + "class Big: pass\n")
        router = Router.load([folder])
        module = sys.modules[router.route(Incoming("1")).plan.plan.__module__]
        helper = sys.modules["helper"]
        if turn == 0:
            held = router.route(Incoming("1")).plan
            dead = weakref.ref(module.Big), weakref.ref(helper.word)
            name = module.__name__
        del router, module, helper
    gc.collect()
    assert dead[0]() is not None
    assert name in sys.modules
    del held
    gc.collect()
    assert (dead[0](), dead[1]()) == (None, None)
    assert name not in sys.modules
    assert len([name for name in sys.modules if name.startswith("dialplan_mine_")]) <= 1


def test_a_package_beside_a_dialplan_is_found_and_one_that_is_installed_wins(folder: Path) -> None:
    (folder / "luigi").mkdir()
    (folder / "luigi" / "tables.py").write_text("from luigi.sizes import four\n")
    (folder / "luigi" / "sizes.py").write_text("four = 4\n")
    (folder / "yarl.py").write_text("raise RuntimeError\n")
    (folder / "calendar.py").write_text("raise RuntimeError\n")
    source = "import calendar, yarl\nfrom luigi import tables\nasync def mine(call): return tables.four\n"
    (folder / "mine.py").write_text(source)
    old = Router.load([folder]).route(Incoming("1")).plan.plan
    (folder / "luigi" / "sizes.py").write_text("four = 5\n")
    new = Router.load([folder]).route(Incoming("1")).plan.plan
    assert (asyncio.run(old(None)), asyncio.run(new(None))) == (4, 5)  # type: ignore[arg-type]
    assert not list(folder.rglob("__pycache__"))


def test_what_is_watched_are_sources_routes_and_prompts_and_links_in_a_circle_are_not_followed(folder: Path) -> None:
    before = snapshot([folder])
    (folder / "inner").mkdir()
    (folder / "inner" / "loop").symlink_to(folder)
    (folder / ".venv").mkdir()
    (folder / "env").mkdir()
    for path in (
        "inner/a.py",
        "prompt.md",
        "test_mine.py",
        "data.db",
        ".hidden.py",
        ".venv/b.py",
        "env/c.py",
        "env/pyvenv.cfg",
    ):
        (folder / path).write_text("")
    assert changed(before, snapshot([folder])) == ["a.py", "prompt.md"]
    assert snapshot([folder / "nowhere"]) == {}
