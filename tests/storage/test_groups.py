"""Writing transactions that share a commit on SQLite: each learns of its own end, after the disk has it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from storage import groups
from storage.database import Database
from storage.models import EngineFact

OLDEST_CODE = "oldest_code"  # every migrated database holds that fact
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def note(session: AsyncSession, name: str) -> None:
    session.add(EngineFact(name=name, value={}, at=datetime.now(UTC)))
    await session.flush()


async def noted(database: Database) -> set[str]:
    """What is on the disk, by another connection."""
    async with database.read() as session:
        return set((await session.execute(select(EngineFact.name))).scalars()) - {OLDEST_CODE}


async def write(database: Database, name: str, then: Callable[[], Awaitable[Any]] | None = None) -> None:
    async with database.write() as session:
        await note(session, name)
        if then is not None:
            await then()


@pytest.fixture
def commits(database: Database) -> Iterator[list[object]]:
    """One entry for each commit of the writer."""
    seen: list[object] = []

    @event.listens_for(database.writer.sync_engine, "commit")
    def note_it(connection: object) -> None:
        seen.append(connection)

    yield seen


@ON_SQLITE
async def test_those_that_wait_share_a_commit(database: Database, commits: list[object]) -> None:
    names = {f"fact-{number}" for number in range(40)}
    await asyncio.gather(*(write(database, name) for name in names))
    assert await noted(database) == names
    assert len(commits) <= 10  # how many come in time for the next one is the machine's affair


async def test_each_is_on_the_disk_when_it_returns(database: Database) -> None:
    async def one(name: str) -> None:
        await write(database, name)
        assert name in await noted(database)

    await asyncio.gather(*(one(f"fact-{number}") for number in range(20)))


async def test_one_that_fails_fails_alone(database: Database) -> None:
    async def fail() -> None:
        raise KeyError("mine")

    jobs = [write(database, f"fact-{number}", fail if number % 3 == 1 else None) for number in range(9)]
    ends = await asyncio.gather(*jobs, return_exceptions=True)
    assert [isinstance(end, KeyError) for end in ends] == [number % 3 == 1 for number in range(9)]
    assert await noted(database) == {f"fact-{number}" for number in range(9) if number % 3 != 1}


async def test_a_refused_row_fails_its_own_transaction_only(database: Database) -> None:
    ends = await asyncio.gather(*(write(database, "the same") for _ in range(4)), return_exceptions=True)
    assert sum(end is None for end in ends) == 1
    await write(database, "another")
    assert await noted(database) == {"the same", "another"}


@ON_SQLITE
async def test_a_commit_that_fails_fails_all_that_share_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_: AsyncConnection) -> None:
        raise OperationalError("COMMIT", None, Exception("disk I/O error"))

    with monkeypatch.context() as patched:
        patched.setattr(AsyncConnection, "commit", refuse)
        ends = await asyncio.gather(
            *(write(database, f"fact-{number}") for number in range(5)), return_exceptions=True
        )
    assert all(isinstance(end, OperationalError) for end in ends)
    assert await noted(database) == set()
    await write(database, "afterwards")
    assert await noted(database) == {"afterwards"}


@ON_SQLITE
async def test_a_transaction_that_sqlite_gave_up_is_nobodys_success(database: Database) -> None:
    """A full disk, say, ends the whole transaction: nothing of it may be told as stored."""

    async def give_up() -> None:
        async with database.write() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("ROLLBACK")
            raise KeyError("full")

    ends = await asyncio.gather(
        write(database, "before"), give_up(), write(database, "after"), return_exceptions=True
    )
    assert isinstance(ends[0], groups.Broken) and isinstance(ends[1], Exception) and ends[2] is None
    assert await noted(database) == {"after"}


@pytest.mark.parametrize("moment", ["waiting", "inside"])
async def test_a_cancelled_one_takes_nobody_with_it(database: Database, moment: str) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def stay() -> None:
        inside.set()
        await go_on.wait()

    first = asyncio.create_task(write(database, "first", stay))
    await inside.wait()
    second = asyncio.create_task(write(database, "second", stay if moment == "inside" else None))
    third = asyncio.create_task(write(database, "third"))
    await asyncio.sleep(0.01)
    (second if moment == "waiting" else first).cancel()
    await asyncio.sleep(0.01)
    go_on.set()
    await asyncio.wait({first, second, third})
    kept = {"first", "third"} if moment == "waiting" else {"second", "third"}
    if not database.is_sqlite and moment == "waiting":
        kept = await noted(database)  # it does not wait there, and may have ended before it was cancelled
    assert await noted(database) == kept and {"third"} <= kept


@ON_SQLITE
async def test_one_cancelled_during_the_commit_leaves_the_others_theirs(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, committing, go_on = AsyncConnection.commit, asyncio.Event(), asyncio.Event()

    async def slowly(connection: AsyncConnection) -> None:
        committing.set()
        await go_on.wait()
        await real(connection)

    monkeypatch.setattr(AsyncConnection, "commit", slowly)
    tasks = [asyncio.create_task(write(database, f"fact-{number}")) for number in range(3)]
    await committing.wait()
    assert not any(task.done() for task in tasks), "told before the disk had it"
    tasks[1].cancel()
    with suppress(asyncio.CancelledError):
        await tasks[1]
    go_on.set()
    await asyncio.gather(tasks[0], tasks[2])
    assert await noted(database) == {"fact-0", "fact-1", "fact-2"}


@ON_SQLITE
async def test_a_long_transaction_gives_the_others_their_turn(database: Database) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    async with database.write() as session:
        before, ends = turns, time.monotonic() + 30
        while turns < before + 3 and time.monotonic() < ends:
            await session.execute(text("SELECT 1"))
        assert turns >= before + 3
    counting.cancel()


@ON_SQLITE
async def test_a_cancellation_in_such_a_turn_waits_for_the_statement(database: Database) -> None:
    """Cut short, the statement would cost the connection, and with it what others wrote on it."""

    async def for_long() -> None:
        async with asyncio.timeout(0.05), database.write() as session:
            ends = time.monotonic() + 0.15
            while time.monotonic() < ends:
                await session.execute(text("SELECT 1"))

    ends = await asyncio.gather(write(database, "short"), for_long(), return_exceptions=True)
    assert ends[0] is None and isinstance(ends[1], TimeoutError)
    assert await noted(database) == {"short"}
