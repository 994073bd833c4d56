"""A database is brought up to date once, whole, however many start at once, and is what the models say."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, select, update
from sqlalchemy.ext.asyncio import create_async_engine

from storage import migrate as migrating
from storage.database import Database
from storage.migrate import alembic_config, current_revision, head_revision, is_current, migrate
from storage.models import Base, EngineFact
from tests.conftest import COUNTER, _admin


@pytest.fixture(params=["sqlite", "postgresql"])
async def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The address of a database of each kind that holds nothing yet."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"
        return
    server: str = request.getfixturevalue("postgres")
    name = f"empty_{next(COUNTER)}"
    await _admin(server, f"CREATE DATABASE {name}")
    yield server.replace("/postgres?", f"/{name}?")
    await _admin(server, f"DROP DATABASE {name} WITH (FORCE)")


def test_the_revisions_are_one_line() -> None:
    script = ScriptDirectory.from_config(alembic_config())
    assert len(script.get_heads()) == 1
    line = [one.revision for one in script.walk_revisions()][::-1]
    assert line == sorted(line)
    assert [one.down_revision for one in script.walk_revisions()][::-1] == [None, *line[:-1]]


async def test_the_migrations_build_what_the_models_say(empty_url: str) -> None:
    database = Database(empty_url)
    assert await migrate(database)
    async with database.writer.connect() as connection:
        assert await connection.run_sync(_differences) == []
    assert await is_current(database)
    assert not await migrate(database)
    await database.close()


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, Base.metadata))


async def test_indexes_with_conditions_are_those_of_the_models(empty_url: str) -> None:
    """Comparing does not look at an index's WHERE, and the rules rest on some of them."""
    database = Database(empty_url)
    await migrate(database)
    async with database.writer.connect() as connection:
        found = await connection.run_sync(_conditions)
    await database.close()
    wanted = {
        str(index.name)
        for table in Base.metadata.tables.values()
        for index in table.indexes
        if index.dialect_options["sqlite"].get("where") is not None
    }
    assert wanted
    assert found == wanted


def _conditions(connection: Connection) -> set[str]:
    word = connection.dialect.name
    return {
        str(index["name"])
        for table in Base.metadata.tables
        for index in inspect(connection).get_indexes(table)
        if index.get("dialect_options", {}).get(f"{word}_where") is not None
    }


async def test_every_older_database_comes_up_to_date(empty_url: str) -> None:
    script = ScriptDirectory.from_config(alembic_config())
    first = [one.revision for one in script.walk_revisions()][-1]
    database = Database(empty_url)

    def begin(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, first)

    async with database.writer.begin() as connection:
        await connection.run_sync(begin)
    assert await current_revision(database) == first and not await is_current(database)
    assert await migrate(database)
    assert await current_revision(database) == head_revision()
    async with database.writer.connect() as connection:
        assert await connection.run_sync(_differences) == []
    await database.close()


async def test_many_starting_at_once_migrate_once(empty_url: str) -> None:
    starting = [Database(empty_url) for _ in range(4)]
    done = await asyncio.gather(*(migrate(one) for one in starting))
    assert sorted(done) == [False, False, False, True]
    assert await is_current(starting[0])
    await asyncio.gather(*(one.close() for one in starting))


async def test_a_file_that_another_process_is_changing_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")  # not in the mode that lets others read meanwhile: refused at once
        database = Database(f"sqlite+aiosqlite:///{path}")
        starting = asyncio.create_task(migrate(database))
        await asyncio.sleep(0.3)
        assert not starting.done()
        raw.execute("ROLLBACK")
        assert await starting
        await database.close()


async def test_a_failing_migration_leaves_nothing_behind(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(empty_url)

    def fail(_: Connection) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(migrating, "_note_oldest", fail)
    with pytest.raises(RuntimeError, match="disk is full"):
        await migrate(database)
    assert await current_revision(database) is None
    async with database.writer.connect() as connection:
        left = set(await connection.run_sync(lambda found: inspect(found).get_table_names()))
    assert left <= {"alembic_version"}
    monkeypatch.undo()
    assert await migrate(database)
    await database.close()


async def test_a_file_is_copied_before_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE keepsake (word TEXT)")
        raw.execute("INSERT INTO keepsake VALUES ('kept')")
        raw.commit()
    database = Database(f"sqlite+aiosqlite:///{path}")
    assert await migrate(database)
    await database.close()
    (copy,) = tmp_path.glob("old.db.before-*")
    with closing(sqlite3.connect(copy)) as raw:
        assert raw.execute("SELECT word FROM keepsake").fetchall() == [("kept",)]
        assert raw.execute("SELECT count(*) FROM sqlite_master").fetchone() == (1,)


async def test_code_that_is_too_old_changes_nothing(database: Database) -> None:
    async with database.write() as session:
        fact = (
            await session.execute(select(EngineFact).where(EngineFact.name == "oldest_code"))
        ).scalar_one()
        assert fact.value == {"version": migrating.OLDEST_CODE}
        await session.execute(
            update(EngineFact).where(EngineFact.name == "oldest_code").values(value={"version": 99})
        )
    with pytest.raises(migrating.TooOld, match="version 99 or newer, and this is"):
        await migrate(database)


def test_a_later_database_serves_older_code(migrated_sqlite: Path, tmp_path: Path) -> None:
    path = tmp_path / "later.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        assert migrating._is_current(connection)
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
        assert not migrating._is_current(connection)
    engine.dispose()


async def test_the_zone_of_a_moment_survives(database_url: str) -> None:
    """Instants are UTC on both: a column without its zone would shift every due time by the server's."""
    engine = create_async_engine(database_url)
    async with engine.connect() as connection:
        kinds = await connection.run_sync(_moments)
    await engine.dispose()
    assert (
        kinds == {"DATETIME"} if database_url.startswith("sqlite") else kinds == {"TIMESTAMP WITH TIME ZONE"}
    )


def _moments(connection: Connection) -> set[str]:
    found = inspect(connection)
    named = (column for table in Base.metadata.tables for column in found.get_columns(table))
    return {
        f"{column['type']}{' WITH TIME ZONE' if getattr(column['type'], 'timezone', False) else ''}"
        for column in named
        if str(column["name"]).endswith(("_at", "_until"))
    }
