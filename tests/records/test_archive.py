import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from media_server.call.events import CallerSaid, SlotHeard
from media_server.call.record import CallRecord
from media_server.errors import NotFound
from media_server.records import store as store_module
from media_server.records import writer as writer_module
from media_server.records.store import Wanted
from media_server.telemetry import metrics
from tests.records.archived import Line, archive, numbered

CALL = numbered(0xC0FFEE)


@pytest.fixture
def line() -> Line:
    return Line()


async def until_written(folder: Path, count: int) -> None:
    """Until another program sees so many events."""
    async with asyncio.timeout(5):
        while True:
            with closing(sqlite3.connect(folder / "calls.sqlite")) as connection:
                if connection.execute("SELECT count(*) FROM events").fetchone() == (count,):
                    return
            await asyncio.sleep(0.02)


def whole(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("calls.sqlite*"))


async def test_a_call_is_found_after_a_restart(tmp_path: Path, line: Line) -> None:
    async with archive(tmp_path, line):
        line.begin(CALL)
        line.say(CALL, "a table for four")
        line.end(CALL)
    async with archive(tmp_path, Line()) as again:
        record = CallRecord.model_validate_json(await again.store.record(CALL))
        assert record == line.records[CALL]
        events = await again.store.events(CALL)
        assert [seq for seq, _ in events] == [1, 2, 3]
        assert "a table for four" in events[1][1]
        [(place, summary)] = await again.store.summaries(Wanted(state="ended", provider_id=record.provider_id), 10)
        assert place.id == CALL
        assert "a table for four" not in summary, "lists are small"


async def test_what_happened_is_on_the_disk_while_the_call_lives(tmp_path: Path, line: Line) -> None:
    async with archive(tmp_path, line):
        line.begin(CALL)
        line.say(CALL, "hello")
        begun = asyncio.get_running_loop().time()
        await until_written(tmp_path, 2)
        assert asyncio.get_running_loop().time() - begun <= 0.5


async def test_a_call_under_which_the_server_died_ends_at_the_next_start_with_all_that_happened(
    tmp_path: Path, line: Line
) -> None:
    async with archive(tmp_path, line):
        line.begin(CALL)
        line.say(CALL, "hello", at=4.25)
        line.tell(SlotHeard(call=CALL, at=5.0, name="people", filled=True, value="4"))
    async with archive(tmp_path, Line()) as again:
        record = CallRecord.model_validate_json(await again.store.record(CALL))
        assert (record.state, record.ended_reason, record.duration_s) == ("ended", "server_crash", 5.0)
        assert [each.text for each in record.transcript] == ["hello"]
        assert [(each.type, each.name, each.detail) for each in record.happenings] == [("slot", "people", "4")]


async def test_a_locked_database_holds_up_nothing_and_is_written_once_it_is_free(
    tmp_path: Path, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_PRAGMAS", (*store_module._PRAGMAS[:3], "PRAGMA busy_timeout = 20"))
    monkeypatch.setattr(writer_module, "FIRST_RETRY_S", 0.05)
    failed = metrics.RECORDS_FAILED._value.get()
    async with archive(tmp_path, line) as kept:
        with closing(sqlite3.connect(tmp_path / "calls.sqlite", isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            line.begin(CALL)
            line.end(CALL)
            async with asyncio.timeout(5):
                while metrics.RECORDS_FAILED._value.get() == failed:  # noqa: ASYNC110 - a counter
                    await asyncio.sleep(0.02)
            with pytest.raises(NotFound):
                await kept.store.record(CALL)
            holder.execute("ROLLBACK")
        await until_written(tmp_path, 2)
        assert '"ended"' in await kept.store.record(CALL)


async def test_a_flood_of_events_is_bounded_and_the_record_is_whole_all_the_same(
    tmp_path: Path, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "MAX_EVENTS", 10)
    dropped = metrics.RECORDS_DROPPED._value.get()
    async with archive(tmp_path, line) as kept:
        line.begin(CALL)
        for number in range(30):
            line.say(CALL, f"word {number}")
        line.end(CALL)
        await until_written(tmp_path, 10)
        record = CallRecord.model_validate_json(await kept.store.record(CALL))
    assert metrics.RECORDS_DROPPED._value.get() == dropped + 22
    assert len(record.transcript) == 30


async def test_words_that_are_no_unicode_are_kept_too(tmp_path: Path, line: Line) -> None:
    async with archive(tmp_path, line) as kept:
        line.begin(CALL)
        event = CallerSaid(call=CALL, at=1, turn=1, text="x", reason="complete")
        line.tell(event.model_copy(update={"text": "half a pair: \ud800"}))
        line.end(CALL)
        await until_written(tmp_path, 3)
        assert "half a pair" in await kept.store.record(CALL)


async def test_old_calls_go_with_their_sound_and_what_nobody_knows_goes_by_its_age(tmp_path: Path, line: Line) -> None:
    old, new, orphan = numbered(1), numbered(2), numbered(3)
    async with archive(tmp_path, line) as kept:
        line.begin(old, started_at="2020-01-01T00:00:00.000+00:00")
        line.end(old)
        line.begin(new, started_at="2999-01-01T00:00:00.000+00:00")
        line.end(new)
        for call in (old, new, orphan):
            kept.recordings.wav(call).write_bytes(b"sound")
        kept.recordings.inputs(old).write_text("{}")
        (kept.recordings.folder / f"{old}-1.wav").write_bytes(b"a voice message")
        os.utime(kept.recordings.wav(orphan), (1e9, 1e9))
    async with archive(tmp_path, Line(), keep_days=30) as again:
        assert [place.id for place, _ in await again.store.summaries(Wanted(), 10)] == [new]
        assert await again.store.events(old) == []
        assert [path.name for path in again.recordings.folder.iterdir()] == [f"{new}.wav"]


async def test_nothing_of_a_deleted_call_remains_in_the_file(tmp_path: Path, line: Line) -> None:
    async with archive(tmp_path, line) as kept:
        line.begin(CALL)
        line.say(CALL, "my secret illness")
        line.end(CALL)
        await until_written(tmp_path, 3)
        await kept.delete(CALL)
        with pytest.raises(NotFound):
            await kept.store.record(CALL)
    assert b"secret illness" not in whole(tmp_path)


async def test_a_call_deleted_before_it_was_written_does_not_come_back(tmp_path: Path, line: Line) -> None:
    async with archive(tmp_path, line) as kept:
        line.begin(CALL)
        line.end(CALL)
        await kept.delete(CALL)
        other = numbered(7)
        line.begin(other)
        await until_written(tmp_path, 1)
        with pytest.raises(NotFound):
            await kept.store.record(CALL)
