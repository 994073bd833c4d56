"""Transactions on SQLite (WAL, one writer a process) and PostgreSQL, and the lease clock.

`write()` and `read()` each yield a session inside one transaction. Sessions hold rows only as long as that
transaction: nothing here is cached, and no lock is ever held across a network call.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.sql import func

from storage.groups import Groups
from storage.sqlite import sqlite_engine

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
            self.writer = sqlite_engine(url, size=1, begin="BEGIN IMMEDIATE")
            self.reader = sqlite_engine(url, size=READERS, begin="BEGIN")
        else:
            self.writer = self.reader = create_async_engine(url, pool_size=8, max_overflow=8)
        self._groups = Groups(self.writer) if self.is_sqlite else None
        self._write_session = async_sessionmaker(self.writer, expire_on_commit=False)
        self._read_session = async_sessionmaker(self.reader, expire_on_commit=False)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """One writing transaction: committed at the end, rolled back on any error or cancellation.

        On SQLite those that wait for the writer share a commit; each returns when it is on the disk.
        A cancellation that comes during the commit leaves open whether it was made, as a crash would."""
        if self._groups is not None:
            async with self._groups.member() as session:
                yield session
            return
        async with self._write_session() as session:
            yield session
            await session.commit()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """One reading transaction: a consistent picture that is never written back."""
        async with self._read_session() as session:
            yield session

    async def lease_now(self, session: AsyncSession) -> datetime:
        """The lease clock: the database's own on PostgreSQL, the machine's on SQLite. Never virtual."""
        if self.is_sqlite:
            return datetime.now(UTC)
        now: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
        return now.astimezone(UTC)

    async def close(self) -> None:
        if self._groups is not None:
            await self._groups.close()
        await self.writer.dispose()
        if self.reader is not self.writer:
            await self.reader.dispose()
