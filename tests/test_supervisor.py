import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from media_server import restarts
from media_server.control import Alive, Bound, Draining, Failed, Ready, parse, serialize
from media_server.errors import ProtocolViolation, StartFailed
from media_server.restarts import Restarts
from media_server.supervisor import Addresses, Down, Drains, News, Role, Supervisor, Up

FAKE = Path(__file__).with_name("fake_role.py")


def fake(name: str, kind: str, folder: Path, needs: tuple[str, ...] = ()) -> Role:
    def command(fd: int) -> Sequence[str]:
        return (sys.executable, "-m", "tests.fake_role", kind, str(folder), str(fd))

    def settings(addresses: Addresses) -> str:
        return " ".join([name, *(f"{known}={addresses[known].port}" for known in sorted(addresses))])

    return Role(name, command, settings, needs)


def gone(pid: int, seconds: float = 10.0) -> bool:
    """Wait for a process that may not be our child to be gone."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], seconds)[0])
    finally:
        os.close(fd)


def journal(folder: Path) -> list[str]:
    return (folder / "journal").read_text().splitlines()


@asynccontextmanager
async def running(*roles: Role) -> AsyncIterator[tuple[Supervisor, Callable[[], "asyncio.Future[News]"]]]:
    news: asyncio.Queue[News] = asyncio.Queue()
    supervisor = Supervisor(roles, news.put_nowait)
    task = asyncio.create_task(supervisor.run())
    try:
        yield supervisor, lambda: asyncio.ensure_future(asyncio.wait_for(news.get(), 10))
    finally:
        if not supervisor._stop.is_set():
            supervisor.stop()
        await asyncio.wait_for(task, 10)


def pid_of(news: News) -> int:
    assert isinstance(news, Up)
    pid = news.details["pid"]
    assert isinstance(pid, int)
    return pid


async def test_a_role_learns_the_addresses_of_those_it_needs_and_ends_before_them(tmp_path: Path) -> None:
    async with running(fake("asr", "steady", tmp_path), fake("media", "steady", tmp_path, ("asr",))) as (_, news):
        first, second = await news(), await news()
        assert {first.name, second.name} == {"asr", "media"}
        assert isinstance(first, Up)
        assert first.address == Bound("127.0.0.1", 5000)
        assert first.seconds > 0
        pids = [pid_of(first), pid_of(second)]
    assert all(gone(pid, 0) for pid in pids)
    assert journal(tmp_path)[1].endswith(" media asr=5000")
    assert journal(tmp_path)[2:] == ["released media asr=5000", "released asr"]


async def test_a_dead_role_is_started_again_with_its_own_address(tmp_path: Path) -> None:
    async with running(fake("asr", "steady", tmp_path)) as (_, news):
        pid = pid_of(await news())
        os.kill(pid, signal.SIGKILL)
        down = await news()
        assert isinstance(down, Down)
        assert down.code == -signal.SIGKILL
        assert down.reason == "it was ended by SIGKILL"
        assert 0 < down.seconds <= restarts.FIRST_S
        assert pid_of(await news()) != pid
    assert journal(tmp_path)[1].endswith(" asr asr=5000")


async def test_a_role_that_cannot_work_ends_the_start_with_its_one_line(tmp_path: Path) -> None:
    roles = fake("tts", "steady", tmp_path), fake("asr", "unusable", tmp_path)
    with pytest.raises(StartFailed, match=r"^asr: the model is corrupt$"):
        await asyncio.wait_for(Supervisor(roles, lambda _: None).run(), 10)
    starts = [line.split() for line in journal(tmp_path) if line.startswith("start")]
    assert len([start for start in starts if start[2] == "asr"]) == 1
    assert all(gone(int(start[1]), 0) for start in starts)


async def test_a_role_that_never_gets_ready_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match=r"^asr: it ended with exit code 1$"):
        await asyncio.wait_for(Supervisor([fake("asr", "crashing", tmp_path)], lambda _: None).run(), 20)
    assert len(journal(tmp_path)) == restarts.TRIES


async def test_a_third_stop_ends_at_once_who_does_not_end(tmp_path: Path) -> None:
    async with running(fake("asr", "stubborn", tmp_path)) as (supervisor, news):
        pid = pid_of(await news())
        for _ in range(3):
            supervisor.stop()
        assert await asyncio.to_thread(gone, pid, 5)


@pytest.mark.parametrize("kind", ["silent", "stuck"])
async def test_a_role_that_hangs_is_killed_and_started_again(tmp_path: Path, kind: str) -> None:
    role = replace(fake("asr", kind, tmp_path), silent_s=0.5)
    async with running(role) as (_, news):
        pid = pid_of(await news())
        down = await news()
        assert isinstance(down, Down)
        assert down.code == -signal.SIGKILL
        assert "sign of life" in down.reason or "hangs" in down.reason
        assert pid_of(await news()) != pid


async def test_a_stopped_role_is_killed_though_its_process_is_there(tmp_path: Path) -> None:
    async with running(replace(fake("asr", "steady", tmp_path), silent_s=0.5)) as (_, news):
        pid = pid_of(await news())
        os.kill(pid, signal.SIGSTOP)
        assert isinstance(await news(), Down)
        assert pid_of(await news()) != pid


async def test_what_has_something_to_finish_is_let_finish_while_the_others_go_on(tmp_path: Path) -> None:
    roles = fake("asr", "steady", tmp_path), replace(fake("media", "draining", tmp_path, ("asr",)), drain_s=5.0)
    async with running(*roles) as (supervisor, news):
        await news()
        await news()
        supervisor.stop()
        assert await news() == Drains("media", 2)
    assert journal(tmp_path)[2:] == ["drain media asr=5000", "released media asr=5000", "released asr"]


async def test_a_second_stop_does_not_wait_for_what_is_not_finished(tmp_path: Path) -> None:
    roles = fake("asr", "steady", tmp_path), replace(fake("media", "steady", tmp_path, ("asr",)), drain_s=3600.0)
    async with running(*roles) as (supervisor, news):
        await news()
        await news()
        supervisor.stop()
        supervisor.stop()
    assert journal(tmp_path)[-2:] == ["released media asr=5000", "released asr"]


def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys; from pathlib import Path; from tests.test_supervisor import *\n"
        "folder = Path(sys.argv[1])\n"
        "roles = fake('asr', 'steady', folder), fake('media', 'steady', folder, ('asr',))\n"
        "asyncio.run(Supervisor(roles, lambda news: print(news.details['pid'], flush=True)).run())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        pids = [int(supervisor.stdout.readline()) for _ in range(2)]
        supervisor.kill()
        assert all(gone(pid) for pid in pids)
    assert sorted(journal(tmp_path)[2:]) == ["released asr", "released media asr=5000"]


def test_events_survive_the_pipe() -> None:
    for event in (Bound("::1", 8001), Ready({"decode_ms": 190}), Alive(0.5), Draining(3), Failed("no")):
        assert parse(serialize(event)) == event
    for line in (b"", b"[]", b'{"event": "fell"}', b'{"event": "bound"}', b"\xff"):
        with pytest.raises(ProtocolViolation):
            parse(line)


def test_restarts_wait_longer_and_longer_up_to_a_limit() -> None:
    worst = Restarts(lambda: 1.0)
    worst.ready(0.0)
    assert [worst.died(float(now)) for now in range(20, 180, 20)] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    best = Restarts(lambda: 0.0)
    best.ready(0.0)
    assert best.died(1.0) == 0.1


def test_a_role_that_dies_again_and_again_is_left_alone_for_a_while() -> None:
    role = Restarts(lambda: 1.0)
    for now in (10.0, 15.0, 20.0, 25.0, 30.0):
        role.ready(now - 1.0)
        assert role.died(now) != restarts.BREAK_S
    role.ready(32.0)
    assert role.died(33.0) == restarts.BREAK_S
    assert role.broken
    role.ready(70.0)
    assert role.died(85.0) == restarts.BREAK_S
    role.ready(120.0)
    assert role.died(120.0 + restarts.LOOP_S) == 0.2
    assert not role.broken


def test_some_health_is_a_new_life() -> None:
    role = Restarts(lambda: 1.0)
    role.ready(0.0)
    assert [role.died(1.0), role.died(2.0)] == [0.2, 0.4]
    role.ready(3.0)
    assert role.died(3.0 + restarts.HEALTHY_S) == 0.2
    role.ready(70.0)
    assert role.died(71.0) == 0.4


def test_who_never_was_ready_is_given_three_tries() -> None:
    role = Restarts(lambda: 1.0)
    assert [role.died(0.0), role.died(1.0), role.died(2.0)] == [0.2, 0.4, None]
