"""Brings a database up to date, safely when several processes start at once.

PostgreSQL: one transaction under an advisory lock. SQLite: `BEGIN IMMEDIATE`, after a copy of the file.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from storage.database import Database

CODE_VERSION = 1
"""Raised with every release whose rows older code would misread."""

ADVISORY_LOCK = 7_202_611_201
HERE = Path(__file__).parent


class TooOld(Exception):
    """This code is older than the oldest that may run on the database."""


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


async def migrate(database: Database) -> bool:
    """Upgrades to the newest revision; true if anything was done."""
    if await current_revision(database) == head_revision():
        return False
    if database.is_sqlite:
        _copy_sqlite(database.url)
    async with database.writer.begin() as connection:
        if not database.is_sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ADVISORY_LOCK})
        return await connection.run_sync(_upgrade)


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection) -> bool:
    if _revision(connection) == head_revision():  # another process was faster
        return False
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return True


def _copy_sqlite(url: str) -> None:
    path = make_url(url).database
    if not path or not Path(path).exists() or Path(path).stat().st_size == 0:
        return
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    with sqlite3.connect(path) as source, sqlite3.connect(f"{path}.before-{stamp}") as copy:
        source.backup(copy)
