"""What the engine says of itself: that it lives, that it stood still, and what waits."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from bot.domain.house import House, wall_now
from bot.jobs import engine as jobs
from bot.jobs import sweep
from bot.jobs.engine import Engine
from sandbox.platforms.testing import Twins
from storage.database import Database
from storage.models import Grant, Notice, Process
from tests.support import another, house_at, linked


async def gaps(database: Database) -> list[Notice]:
    async with database.read() as session:
        return list((await session.scalars(select(Notice).where(Notice.topic == "engine.gap"))).all())


async def test_a_bot_that_stood_still_says_so_though_it_was_not_started_again(
    twins: Twins, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        await linked(house, twins, "x")
        both = [Engine(house), Engine(another(house, "two"))]
        for engine in both:
            await engine.start()
            await engine.tick()
        assert await gaps(database) == []
        stopped = house.clock.now()
        twins.advance(hours=3)  # the machine slept, or its database was away
        monkeypatch.setattr(jobs, "wall_now", lambda: wall_now() + timedelta(hours=3))
        for engine in both:
            await engine.tick()
            await engine.tick()
        (told,) = await gaps(database)
        since, until = (datetime.fromisoformat(told.facts[name]) for name in ("from", "to"))
        assert abs(since - stopped) < timedelta(minutes=1)
        assert until - since > timedelta(hours=2, minutes=59)
        assert told.facts["late"] == 1


async def test_what_waits_is_counted_and_how_long_the_oldest_does(
    twins: Twins, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        await linked(house, twins, "x")
        engine, meters = Engine(house), house.meters.registry
        await engine.tick()
        assert meters.get_sample_value("lamplighter_oldest_overdue_seconds") == 0
        async with database.write() as session:
            an_hour_ago = house.clock.now() - timedelta(hours=1)
            await session.execute(update(Grant).values(next_due_at=an_hour_ago))

        async def nothing(_: House) -> int:
            return 0

        monkeypatch.setattr(sweep, "refresh_due", nothing)
        await engine.tick()
        assert meters.get_sample_value("lamplighter_overdue_grants") == 1
        oldest = meters.get_sample_value("lamplighter_oldest_overdue_seconds")
        assert oldest is not None and 3600 <= oldest < 3700


async def test_a_process_is_known_to_live_before_a_long_tick_ends(
    twins: Twins, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        rounds = list[list[str]]()

        async def much(_: House) -> int:
            async with database.write() as session:
                rounds.append(list((await session.scalars(select(Process.id))).all()))
                await session.execute(delete(Process))
            return int(len(rounds) < 3)

        monkeypatch.setattr(sweep, "refresh_due", much)
        monkeypatch.setattr(jobs, "BEAT_EVERY", 0.0)
        await Engine(house).tick()
        assert rounds == [[], [house.owner], [house.owner]]
