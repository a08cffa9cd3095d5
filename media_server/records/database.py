"""`calls.sqlite` made ready at start, whatever it is found to be. Blocks; for a thread.

* There is none: it is made, readable by its owner only.
* It is of an older schema: it is copied (`calls.sqlite.before-REVISION`), then migrated.
* It is of a newer one, or somebody else's: refused. What a newer version wrote is not ours to touch.
* It is corrupt: moved aside (`calls.sqlite.corrupt-TIME`), with a warning, and a new one is begun: calls matter more.
* It is locked for longer than `BUSY_S`: refused. A write-ahead log that a crash left is SQLite's to work off.
"""

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import URL, NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from media_server.errors import ConfigError

BUSY_S = 5.0
"""How long another program may hold the database at start."""
CHECKED_BYTES = 256 << 20
"""A larger database is not read through at every start."""

_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_BESIDE = ("", "-wal", "-shm")
_VERSION = "alembic_version"

log = structlog.get_logger(__name__)


def prepare(path: Path) -> None:
    """Make the database ready.

    Raises:
        ConfigError: It is another's or a newer version's, it is locked, or there is no room for it.
    """
    try:
        try:
            _bring_up(path)
        except sqlite3.DatabaseError as error:
            if _primary(error) not in _CORRUPT:
                raise
            _move_aside(path)
            _bring_up(path)
    except sqlite3.Error as error:
        raise ConfigError(f"{path}: {error} (data_dir)") from error
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error} (data_dir)") from error


def _bring_up(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    with closing(sqlite3.connect(path, timeout=BUSY_S)) as connection:
        revision, tables = _revision(connection, path)
        if revision is None and tables:
            raise ConfigError(f"{path} is no database of calls; move it away")
        if revision == scripts.get_current_head():
            return
        if revision is not None and revision not in {script.revision for script in scripts.walk_revisions()}:
            raise ConfigError(f"{path} was written by a newer version of this program (its schema is {revision})")
        if revision is not None:
            _back_up(connection, path.with_name(f"{path.name}.before-{scripts.get_current_head()}"))
    _migrate(path, config)


def _revision(connection: sqlite3.Connection, path: Path) -> tuple[str | None, set[str]]:
    """The schema's revision, and the names of the tables; raises where the file is corrupt."""
    if path.stat().st_size <= CHECKED_BYTES:
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            error = sqlite3.DatabaseError(verdict)
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if _VERSION not in tables:
        return None, tables
    row = connection.execute(f"SELECT version_num FROM {_VERSION}").fetchone()  # noqa: S608 - a constant of ours
    return (None if row is None else str(row[0])), tables


def _back_up(connection: sqlite3.Connection, copy: Path) -> None:
    os.close(os.open(copy, os.O_CREAT | os.O_RDWR | os.O_TRUNC, 0o600))
    with closing(sqlite3.connect(copy)) as target:
        connection.backup(target)
    log.info("records_backed_up", copy=copy.name)


def _migrate(path: Path, config: Config) -> None:
    engine = create_engine(
        URL.create("sqlite", database=str(path)), poolclass=NullPool, connect_args={"timeout": BUSY_S}
    )
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise error.orig from error
        raise
    finally:
        engine.dispose()


def _move_aside(path: Path) -> None:
    suffix = f".corrupt-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    for beside in _BESIDE:
        part = path.with_name(path.name + beside)
        if part.exists():
            part.rename(path.with_name(path.name + suffix + beside))
    log.error("records_corrupt", moved_to=path.name + suffix)


def _primary(error: sqlite3.Error) -> int:
    """The primary result code; the extended ones stand in the higher bits."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
