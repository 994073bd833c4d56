"""SQLite without a hop to a thread for every statement.

A statement on an index takes some ten microseconds; a hop to the driver's thread and back takes ten times
that, and a refresh makes dozens. So what cannot wait runs where it is asked for, in the event loop's thread.
What may wait for another process or for the disk (`BEGIN IMMEDIATE`, `COMMIT`, schema changes) still goes to
the driver's thread.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import aiosqlite
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool
from sqlalchemy.util import await_only

BUSY_SECONDS = 30
TURN_SECONDS = 0.02  # after so long in one transaction the rest of the process has a turn
QUICK = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "SAVEPOINT", "RELEASE", "ROLLBACK")


class Connection(aiosqlite.Connection):
    """A connection whose quick statements run at once."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._thread.daemon = True
        self._cut = False  # a call in the thread was given up, and may still run there
        self._turn_since = time.monotonic()

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self._cut or not _is_quick(fn, args):
            try:
                return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]
            except asyncio.CancelledError:
                self._cut = True
                raise
            finally:
                self._turn_since = time.monotonic()
        if not self._running or self._connection is None:
            raise ValueError("Connection closed")
        if time.monotonic() - self._turn_since > TURN_SECONDS:
            await _give_others_a_turn()
            self._turn_since = time.monotonic()
        return fn(*args, **kwargs)


def _is_quick(fn: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    name = fn.__name__
    if isinstance(getattr(fn, "__self__", None), sqlite3.Connection):
        return name in ("cursor", "rollback")
    if name not in ("execute", "executemany"):
        return True  # fetching and closing of what was executed
    statement: str = args[0]
    return statement.startswith(QUICK) or statement == "BEGIN"


async def _give_others_a_turn() -> None:
    """A cancellation that comes meanwhile waits until the statement is done: a statement that is cut short
    costs its connection, and with it the transactions of all that share it."""
    try:
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        assert task is not None
        task.uncancel()
        asyncio.get_running_loop().call_soon(task.cancel)


def sqlite_engine(url: str, *, size: int, begin: str) -> AsyncEngine:
    """An engine of `size` connections whose transactions start with `begin`."""
    engine = create_async_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=size,
        max_overflow=0,
        pool_timeout=2 * BUSY_SECONDS,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False, "async_creator_fn": _connect},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own transaction control off
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
        _use_wal(cursor)
        for pragma in ("synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _use_wal(cursor: Any) -> None:
    """Where several open a new file at once, SQLite refuses all but one and does not wait, as that could be
    a deadlock. So the wait is ours."""
    ends = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > ends:
                raise
        await_only(asyncio.sleep(0.02))


def _connect(path: str, **options: Any) -> Connection:
    return Connection(partial(sqlite3.connect, path, **options))
