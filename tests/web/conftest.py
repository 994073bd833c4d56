"""A town on a real SQLite file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from web_fakes import Town, make_town

from bot.http import PlatformHttp
from storage.database import Database
from storage.migrate import migrate


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/town.db")
    await migrate(database)
    async with PlatformHttp() as http:
        made = make_town(database, tmp_path, http)
        await made.settle_in()
        yield made
        await made.house.tasks.drain()
    await database.close()


@pytest.fixture
async def browser(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    async with town.browser() as client:
        yield client
