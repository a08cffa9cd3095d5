import asyncio
import time
from pathlib import Path

from media_server.telemetry.blocked_by import BLOCK_S, TOLD_AFTER_S, BlockWatch

BLOCKS = """
import time

def block(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.01)
"""


async def blocked(file: str, seconds: float, theirs: str) -> list[tuple[str, int, float]]:
    """What is told of a block by that file's code."""
    told: list[tuple[str, int, float]] = []
    scope: dict[str, object] = {}
    exec(compile(BLOCKS, file, "exec"), scope)
    watch = BlockWatch(lambda name: name == theirs, lambda *block: told.append(block))
    task = asyncio.create_task(watch.run())
    await asyncio.sleep(0.1)
    block = scope["block"]
    assert callable(block)
    block(seconds)
    await asyncio.sleep(0.3)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return told


async def test_the_line_of_an_author_that_blocks_the_loop_is_named(tmp_path: Path) -> None:
    file = str(tmp_path / "slow.py")
    [(place, line, seconds)] = await blocked(file, 0.5, file)
    assert place == file
    assert line in (6, 7)
    assert 0.3 < seconds < 1.0


async def test_a_block_that_lasts_is_told_before_it_is_over_and_once() -> None:
    [(_, _, seconds)] = await blocked("slow.py", TOLD_AFTER_S + 0.4, "slow.py")
    assert TOLD_AFTER_S < seconds < TOLD_AFTER_S + 0.3


async def test_short_blocks_and_those_of_others_are_not_told() -> None:
    assert await blocked("slow.py", BLOCK_S / 4, "slow.py") == []
    assert await blocked("library.py", 0.4, "slow.py") == []


async def test_waiting_is_no_block() -> None:
    told: list[object] = []
    watch = BlockWatch(lambda _file: True, lambda *block: told.append(block))
    task = asyncio.create_task(watch.run())
    began = time.monotonic()
    await asyncio.sleep(0.5)
    assert time.monotonic() - began >= 0.5
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert told == []
