"""The tables of `calls.sqlite`. Each change of them is a migration, in `migrations/versions`."""

from sqlalchemy import Column, Float, Index, Integer, MetaData, Table, Text

METADATA = MetaData()

CALLS = Table(
    "calls",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("provider_id", Text, nullable=False),
    Column("dialplan", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("duration_s", Float, nullable=False),
    Column("ended_reason", Text),
    Column("summary", Text, nullable=False),
    Column("record", Text, nullable=False),
    Index("calls_by_start", "started_at", "id"),
    Index("calls_by_provider_id", "provider_id"),
    Index("calls_by_state", "state"),
)
"""A call a row: what one looks for, and its record as JSON, whole and (for lists) without what grows with a call.

`started_at` is ISO 8601 in UTC with milliseconds, so that texts compare as times do.
"""

EVENTS = Table(
    "events",
    METADATA,
    Column("call", Text, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("type", Text, nullable=False),
    Column("event", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""What happened, in order (`seq` counts from 1 in each call), as JSON; `at` in seconds since the call began."""
