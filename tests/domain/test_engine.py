"""What the engine says of itself: that it lives, that it stood still, and what waits; and that it goes on."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import incident_threads, incidents, reminding, taking, versions_ahead
from bot.domain.house import House, wall_now
from bot.domain.outcomes import Judgement, Outcome
from bot.jobs import engine as jobs
from bot.jobs import sweep
from bot.jobs.engine import Engine
from bot.platforms.errors import Reason
from sandbox.platforms.testing import Twins
from storage import engine as engine_rows
from storage.database import Database
from storage.models import Client, Connection, Grant, Incident, Notice, Process
from tests.domain.crowd import news
from tests.support import a_client, another, grant_of, house_at, linked


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


async def breaks(_: House) -> int:
    raise ValueError("poison")


@pytest.mark.parametrize(
    "step", ["taking.ask_others", "reminding.remind", "exchanging.recover", "media_use.tidy"]
)
async def test_what_breaks_in_one_duty_stops_no_renewal_and_no_other_duty(
    twins: Twins, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    module, name = step.split(".")
    monkeypatch.setattr(getattr(sweep, module), name, breaks)
    done = list[str]()

    async def noted(_: House) -> int:
        done.append("versions")
        return 0

    monkeypatch.setattr(versions_ahead, "tell", noted)
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        async with database.write() as session:
            await session.execute(update(Grant).values(next_due_at=house.clock.now()))
        await Engine(house).tick()
        assert (await grant_of(house, connection)).generation == 2 and done == ["versions"]
        async with database.read() as session:
            assert await engine_rows.last_sweep(session) is not None


@pytest.mark.parametrize("what", ["asked", "reminded"])
async def test_an_alert_that_cannot_be_told_keeps_no_other_waiting_and_is_told_later(
    twins: Twins, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        first, second = [await linked(house, twins, word, client) for word in ("x", "instagram")]
        for connection in (first, second):
            async with house.db.write() as session:
                why = Judgement(Outcome.DEAD, Reason.SUSPENDED, "x")
                await incidents.connection_in_trouble(session, house, connection, why, house.clock.now())
        async with house.db.write() as session:
            await session.execute(update(Client).values(backup=["U0BACK"]))
            now, later = house.clock.now(), house.clock.now() + timedelta(days=30)
            times = {"next_at": now, "remind_at": later} if what == "asked" else {"remind_at": now}
            await session.execute(update(Incident).values(**times))
        poisoned = await told_of(database, first)
        real = incident_threads.reply

        async def reply(session: AsyncSession, incident: Incident, *of_it: Any, **more: Any) -> None:
            await real(session, incident, *of_it, **more)
            if incident.id == poisoned:
                raise ValueError("poison")

        duty = taking.ask_others if what == "asked" else reminding.remind
        with monkeypatch.context() as patched:
            patched.setattr(incident_threads, "reply", reply)
            await duty(house)
        word = "backup" if what == "asked" else "reminder"
        assert await news(database) == [word]
        await duty(house)
        assert await news(database) == [word], "not at every tick"
        twins.advance(seconds=11 * 60)
        await duty(house)
        assert await news(database, poisoned) == [word] and await news(database) == [word] * 2


async def told_of(database: Database, connection: Connection) -> str:
    async with database.read() as session:
        query = select(Incident.id).where(Incident.connection_id == connection.id)
        return (await session.scalars(query)).one()
