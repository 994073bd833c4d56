"""A town on a real SQLite file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bot.http import PlatformHttp
from tests.web.web_fakes import Town, fresh_database, make_town


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with fresh_database(tmp_path) as database, PlatformHttp() as http:
        made = make_town(database, tmp_path, http)
        await made.settle_in()
        yield made
        await made.house.tasks.drain()


@pytest.fixture
async def browser(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    async with town.browser() as client:
        yield client
