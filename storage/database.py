"""Transactions on SQLite (WAL, one writer a process) and PostgreSQL, and the lease clock.

`write()` and `read()` each yield a session inside one transaction. Sessions hold rows only as long as that
transaction: nothing here is cached, and no lock is ever held across a network call.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import event, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool
from sqlalchemy.sql import func

BUSY_SECONDS = 30
BEGIN_TRIES = 3
READERS = 4


class Database:
    """The two engines of one process: a writer and readers (the same pool on PostgreSQL)."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        if self.is_sqlite:
            path = make_url(url).database
            if path and path != ":memory:":
                Path(path).parent.mkdir(parents=True, exist_ok=True)
            self.writer = _sqlite_engine(url, size=1, begin="BEGIN IMMEDIATE")
            self.reader = _sqlite_engine(url, size=READERS, begin="BEGIN")
        else:
            self.writer = self.reader = create_async_engine(url, pool_size=8, max_overflow=8)
        self._write_session = async_sessionmaker(self.writer, expire_on_commit=False)
        self._read_session = async_sessionmaker(self.reader, expire_on_commit=False)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """One writing transaction: committed at the end, rolled back on any error or cancellation."""
        async with self._write_session() as session:
            await self._begin(session)
            yield session
            await session.commit()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """One reading transaction: a consistent picture that is never written back."""
        async with self._read_session() as session:
            yield session

    async def _begin(self, session: AsyncSession) -> None:
        # Only taking SQLite's write lock can time out; after it nothing in the transaction waits for others.
        for attempt in range(BEGIN_TRIES):
            try:
                await session.connection()
                return
            except OperationalError:
                await session.rollback()
                if attempt + 1 == BEGIN_TRIES:
                    raise

    async def lease_now(self, session: AsyncSession) -> datetime:
        """The lease clock: the database's own on PostgreSQL, the machine's on SQLite. Never virtual."""
        if self.is_sqlite:
            return datetime.now(UTC)
        now: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
        return now.astimezone(UTC)

    async def close(self) -> None:
        await self.writer.dispose()
        if self.reader is not self.writer:
            await self.reader.dispose()


def _sqlite_engine(url: str, *, size: int, begin: str) -> AsyncEngine:
    engine = create_async_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=size,
        max_overflow=0,
        pool_timeout=2 * BUSY_SECONDS,
        connect_args={"timeout": BUSY_SECONDS},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own transaction control off
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
