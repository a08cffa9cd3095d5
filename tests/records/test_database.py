import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from media_server.errors import ConfigError
from media_server.records import database
from media_server.records.database import prepare
from media_server.records.tables import METADATA


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calls.sqlite"


def execute(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def test_the_migrations_make_the_tables_that_the_code_knows_and_nobody_else_may_read_them(path: Path) -> None:
    prepare(path)
    prepare(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), METADATA)
    assert differences == []


def test_what_a_newer_version_wrote_is_refused_and_left_alone(path: Path) -> None:
    prepare(path)
    execute(path, "UPDATE alembic_version SET version_num = '9999'")
    before = path.read_bytes()
    with pytest.raises(ConfigError, match=r"newer version .*9999"):
        prepare(path)
    assert path.read_bytes() == before


def test_somebody_elses_database_is_refused(path: Path) -> None:
    execute(path, "CREATE TABLE recipes (name TEXT)")
    with pytest.raises(ConfigError, match="no database of calls"):
        prepare(path)


@pytest.mark.parametrize("wreck", ["garbage", "torn"])
def test_a_corrupt_database_is_moved_aside_and_a_new_one_begun(path: Path, wreck: str) -> None:
    if wreck == "garbage":
        path.write_bytes(b"this is no database at all" * 500)
    else:
        prepare(path)
        whole = path.read_bytes()
        path.write_bytes(whole[:4096] + b"\xaa" * (len(whole) - 4096))
    prepare(path)
    aside = [other.name for other in path.parent.glob("calls.sqlite.corrupt-*")]
    assert len(aside) == 1
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM calls").fetchone() == (0,)


def test_an_older_schema_is_copied_before_it_is_migrated(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(path)
    execute(
        path,
        "INSERT INTO calls VALUES ('c1', 'CA1', 'echo', 'ended', '2026', 1.0, 'completed', '{}', '{}')",
    )
    monkeypatch.setattr("alembic.script.ScriptDirectory.get_current_head", lambda _self: "0002")
    prepare(path)
    copy = path.with_name("calls.sqlite.before-0002")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT id FROM calls").fetchall() == [("c1",)]


def test_a_database_that_another_program_holds_is_refused_clearly(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.1)
    prepare(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ConfigError, match="locked"):
            prepare(path)


def test_a_folder_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match="data_dir"):
        prepare(tmp_path / "file" / "calls.sqlite")
