from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.domain import pausing
from bot.domain.auditing import Actor
from bot.jobs import sweep
from sandbox.platforms.testing import Twins
from storage.database import Database
from storage.models import Client
from tests.domain.test_publishing import queued, the
from tests.support import a_client, house_at, linked


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has one writer
async def test_a_pause_holds_what_was_claimed_while_it_was_pressed(
    twins: Twins, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        connection = await linked(house, twins, "x", client)
        (key,) = await queued(house, twins, connection)
        commit, done = asyncio.Event(), asyncio.Event()
        stood = asyncio.Event()

        async def press() -> None:
            async with house.db.write() as session:
                row = await session.get_one(Client, client.id)
                assert await pausing.pause(session, Actor(client.workspace_id, "U1"), row, house.clock.now())
                await session.flush()
                stood.set()
                await commit.wait()
            done.set()

        task = asyncio.create_task(press())
        await stood.wait()
        kind = type(house.platforms["x"])
        real = kind.prepare

        async def prepare(*args: Any) -> Any:
            commit.set()
            await done.wait()
            return await real(*args)

        monkeypatch.setattr(kind, "prepare", prepare)
        await sweep.publish_due(house)
        commit.set()
        await task
        assert (await the(house, key)).state != "published"
        assert not twins.world.ledger.posts()
