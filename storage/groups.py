"""Group commit for SQLite: writing transactions that wait for the one writer share its next commit.

Each runs by itself, one after the other, inside a savepoint of one `BEGIN IMMEDIATE`; all learn of their
success only after the one `COMMIT`. One that fails is rolled back to its savepoint and fails alone. If the
commit fails, all fail. Nobody's cancellation reaches another: the transaction belongs to a task of its own.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

BEGIN_TRIES = 3
MEMBERS_MOST = 64
OPEN_MOST = 0.05  # seconds after which a group takes nobody in any more: the first one waits for its commit


class Broken(OperationalError):
    """SQLite itself rolled the whole transaction back (a full disk, say)."""

    def __init__(self) -> None:
        super().__init__("COMMIT", None, Exception("the transaction was rolled back"))


@dataclass(eq=False)
class _Member:
    """One writing transaction: waits for its `turn`, says that it has `left`, waits until it is `settled`."""

    turn: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    connection: AsyncConnection | None = None
    kept: bool = False  # its savepoint was released
    error: BaseException | None = None


class Groups:
    """The queue of writing transactions of one process before its one writer."""

    def __init__(self, writer: AsyncEngine) -> None:
        self._writer = writer
        self._waiting: deque[_Member] = deque()
        self._runner: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def member(self) -> AsyncIterator[AsyncSession]:
        """One writing transaction. What it wrote is on the disk when this ends without an error."""
        member = _Member()
        self._waiting.append(member)
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())
        try:
            await member.turn.wait()
            if member.error is not None:
                raise member.error
            async with _session(member) as session:
                yield session
        finally:
            member.left.set()
        await member.settled.wait()
        if member.error is not None:
            raise member.error

    async def close(self) -> None:
        """Waits for what is under way."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner

    async def _run(self) -> None:
        while first := self._next():
            members = [first]
            try:
                async with self._writer.connect() as connection:
                    await self._together(connection, members)
            except BaseException as error:
                for member in members:
                    member.error = error
                if not isinstance(error, Exception):
                    raise
            finally:
                for member in members:
                    member.turn.set()
                    member.settled.set()
        self._runner = None

    async def _together(self, connection: AsyncConnection, members: list[_Member]) -> None:
        await _begin(connection)
        since = time.monotonic()
        member: _Member | None = members[0]
        while member is not None:
            member.connection = connection
            member.turn.set()
            await member.left.wait()
            if not member.kept and not await _in_transaction(connection):
                raise Broken
            full = len(members) >= MEMBERS_MOST or time.monotonic() - since > OPEN_MOST
            member = None if full else self._next()
            if member is not None:
                members.append(member)
        if any(one.kept for one in members):
            await connection.commit()

    def _next(self) -> _Member | None:
        """The next in the queue that has not gone away while it waited."""
        while self._waiting:
            member = self._waiting.popleft()
            if not member.left.is_set():
                return member
        return None


@asynccontextmanager
async def _session(member: _Member) -> AsyncIterator[AsyncSession]:
    """A session on a savepoint of its own."""
    session = AsyncSession(
        member.connection, join_transaction_mode="create_savepoint", expire_on_commit=False
    )
    try:
        yield session
        await session.commit()
        member.kept = True
    finally:
        await session.close()


async def _begin(connection: AsyncConnection) -> None:
    # Only taking SQLite's write lock can time out; after it nothing in the transaction waits for others.
    for attempt in range(BEGIN_TRIES):
        try:
            await connection.begin()
            return
        except OperationalError:
            await connection.rollback()
            if attempt + 1 == BEGIN_TRIES:
                raise


async def _in_transaction(connection: AsyncConnection) -> bool:
    if connection.closed or connection.invalidated:
        return False
    raw = await connection.get_raw_connection()
    return bool(getattr(raw.driver_connection, "in_transaction", False))
