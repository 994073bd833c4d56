"""Brings a database up to date, safely when several processes start at once.

PostgreSQL: one transaction under an advisory lock. SQLite: `BEGIN IMMEDIATE`, after a copy of the file.
A release only adds, so older code may go on running on a newer database, back to the version that stands in
`engine_facts`.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, inspect, select, text, update
from sqlalchemy.engine import make_url

from storage.database import Database
from storage.models import EngineFact

CODE_VERSION = 1
"""Raised with every release that later ones may want to tell from older code."""

OLDEST_CODE = 1
"""The oldest code that may run on a database that this code has migrated: it would not misread its rows."""

OLDEST_FACT = "oldest_code"

ADVISORY_LOCK = 7_202_611_201
HERE = Path(__file__).parent


class TooOld(Exception):
    """This code is older than the oldest that may run on the database. The text is for the operator."""

    def __init__(self, oldest: int) -> None:
        super().__init__(
            f"This version of Lamplighter is too old for its database: that needs code of version {oldest} "
            f"or newer, and this is {CODE_VERSION}. Install the release that ran here last, or a newer one."
        )
        self.oldest = oldest


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE / "migrations"))
    return config


def head_revision() -> str:
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    assert head is not None
    return head


async def current_revision(database: Database) -> str | None:
    """The revision that the database is at, or None for an empty one."""
    async with database.reader.connect() as connection:
        return await connection.run_sync(_revision)


async def is_current(database: Database) -> bool:
    """Whether this code can run on the database as it is: at its own newest revision, or at a later one."""
    async with database.reader.connect() as connection:
        return await connection.run_sync(_is_current)


async def check_age(database: Database) -> None:
    """Raises TooOld where the database says that this code may not run on it any more."""
    async with database.reader.connect() as connection:
        oldest = await connection.run_sync(_oldest)
    if oldest > CODE_VERSION:
        raise TooOld(oldest)


async def migrate(database: Database) -> bool:
    """Upgrades to the newest revision; true if anything was done. Raises TooOld."""
    await check_age(database)
    if await is_current(database):
        return False
    if database.is_sqlite:
        _copy_sqlite(database.url)
    async with database.writer.begin() as connection:
        if not database.is_sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ADVISORY_LOCK})
        return await connection.run_sync(_upgrade)


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _is_current(connection: Connection) -> bool:
    found = _revision(connection)
    return found is not None and (found == head_revision() or not _is_known(found))


def _is_known(revision: str) -> bool:
    known = ScriptDirectory.from_config(alembic_config()).walk_revisions()
    return any(script.revision == revision for script in known)


def _oldest(connection: Connection) -> int:
    if not inspect(connection).has_table(EngineFact.__tablename__):
        return 0
    query = select(EngineFact.value).where(EngineFact.name == OLDEST_FACT)
    return int((connection.execute(query).scalar_one_or_none() or {}).get("version", 0))


def _upgrade(connection: Connection) -> bool:
    if _is_current(connection):  # another process was faster
        return False
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    _note_oldest(connection)
    return True


def _note_oldest(connection: Connection) -> None:
    before = _oldest(connection)
    value = {"version": max(before, OLDEST_CODE)}
    if before:
        connection.execute(update(EngineFact).where(EngineFact.name == OLDEST_FACT).values(value=value))
    else:
        connection.execute(insert(EngineFact).values(name=OLDEST_FACT, value=value))


def _copy_sqlite(url: str) -> None:
    path = make_url(url).database
    if not path or not Path(path).exists() or Path(path).stat().st_size == 0:
        return
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(f"{path}.before-{stamp}")) as copy:
        source.backup(copy)
