from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from bot.domain import breaker, lifetimes
from bot.domain.house import House
from bot.jobs import sweep
from sandbox.platforms import testing_meta
from sandbox.platforms.testing import Twins
from storage.database import Database
from storage.models import Breaker, Delivery, Grant, Notice
from tests.domain.crowd import (
    a_post,
    all_incidents,
    crowd,
    linked_as,
    live,
    news,
    planted,
    states,
    told,
    work,
)
from tests.domain.logins import link_first
from tests.support import a_client, another, grant_of, house_at, linked


async def all_due(house: House, twins: Twins) -> None:
    """As if all had been linked in the same minute, and it is time to renew them."""
    twins.advance(hours=1.6)
    async with house.db.write() as session:
        await session.execute(update(Grant).values(next_due_at=house.clock.now()))


async def the_breaker(house: House) -> Breaker | None:
    async with house.db.read() as session:
        return await session.get(Breaker, "x")


async def test_an_outage_is_told_to_the_operator_once_and_kills_nothing(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        clients = [await a_client(house, f"client-{index}", f"C{index}") for index in range(5)]
        pattern = await linked(house, twins, "x", clients[0])
        await planted(house, twins, pattern, clients, [str(5000 + index) for index in range(19)])
        await all_due(house, twins)
        twins.world.set_fault("unavailable", "x")
        before = len(twins.world.ledger.find("fault_met", platform="x"))
        await live(house, twins, hours=1)
        calls = len(twins.world.ledger.find("fault_met", platform="x")) - before
        assert calls < 20 + 25  # everybody once at most, then one trial at a time
        (outage,) = await all_incidents(database)
        assert (outage.kind, outage.state) == ("platform", "open")
        twins.world.faults.clear()
        ended = house.clock.now()
        await live(house, twins, minutes=10)
        async with database.read() as session:
            renewed = await session.scalar(
                select(func.count()).select_from(Grant).where(Grant.last_refreshed_at >= ended)
            )
        assert renewed == 20 and await states(house) == {"live": 20}
        assert not twins.world.ledger.spent_refreshes()
        (outage,) = await all_incidents(database)
        assert outage.state == "closed" and await news(database) == ["recovered"]
        async with database.read() as session:
            query = select(Notice.audience).where(Notice.topic.like("incident%"))
            audiences = list((await session.execute(query)).scalars())
        assert audiences == ["operations", "operations"]


async def test_what_waited_comes_back_spread_over_minutes(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        await crowd(house, twins, "x", [await a_client(house)], 12)
        await all_due(house, twins)
        async with database.write() as session:
            for _ in range(breaker.OPENS_AFTER):
                await breaker.silent(session, "x", house.clock.now())
        await sweep.refresh_due(house)
        async with database.read() as session:
            dues = sorted(due for due in (await session.execute(select(Grant.next_due_at))).scalars() if due)
        row = await the_breaker(house)
        assert row is not None and row.retry_at is not None and dues[0] > row.retry_at
        assert dues[-1] - dues[0] > timedelta(seconds=20)
        assert dues[-1] - row.retry_at < breaker.SPREAD + timedelta(minutes=1)


async def test_an_outage_is_not_over_because_the_last_access_token_ended_in_it(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        await work(house)
        twins.world.set_fault("unavailable", "x")
        async with house.db.write() as session:
            for _ in range(breaker.OPENS_AFTER):
                await breaker.silent(session, "x", house.clock.now())
        await live(house, twins, hours=5)
        (outage,) = await all_incidents(database)
        assert (outage.kind, outage.state) == ("platform", "open") and await news(database) == []
        twins.world.faults.clear()
        await live(house, twins, hours=1)
        (outage,) = await all_incidents(database)
        assert (outage.state, (await grant_of(house, connection)).state) == ("closed", "live")


async def test_an_outage_that_flaps_is_one_episode(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        await linked(house, twins, "x")
        for _ in range(3):
            async with database.write() as session:
                for _ in range(breaker.OPENS_AFTER):
                    await breaker.silent(session, "x", house.clock.now())
            twins.advance(seconds=60)
            async with database.write() as session:
                await breaker.answered(session, "x", house.clock.now())
            twins.advance(seconds=60)
        assert len(await all_incidents(database)) == 1
        assert len(await told(database)) == 1 and await news(database) == ["recovered"]


async def test_posts_wait_for_the_end_of_an_outage(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        await a_post(house, connection, minutes=2)
        twins.world.set_fault("unavailable", "x")
        async with database.write() as session:
            for _ in range(breaker.OPENS_AFTER):
                await breaker.silent(session, "x", house.clock.now())
        await live(house, twins, minutes=10)
        async with database.read() as session:
            delivery = (await session.execute(select(Delivery))).scalar_one()
        assert (delivery.state, delivery.reason, delivery.steps) == ("blocked", "waiting", 0)
        twins.world.faults.clear()
        await live(house, twins, minutes=15)
        assert len(twins.world.ledger.find("post_created", platform="x")) == 1
        assert await news(database) == ["recovered"]


async def test_answers_to_preparing_keep_an_outage_from_being_seen(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    """Sends whose answers are lost say nothing; a container that was made just before each says enough."""
    async with house_at(twins, database, tmp_path, platforms=("threads",)) as house:
        testing_meta.populate(twins)
        connection = await link_first(house, twins, "threads", testing_meta.THREADER)
        async with database.write() as session:
            for _ in range(breaker.OPENS_AFTER - 1):
                await breaker.silent(session, "threads", house.clock.now())
        await a_post(house, connection)
        twins.world.set_fault("lost_before", "threads", group="publish", count=1)
        for _ in range(4):
            await work(house)
            twins.advance(seconds=60)
        assert twins.world.ledger.find("fault_met", platform="threads", kind="lost_before")
        async with house.db.read() as session:
            row = await session.get(Breaker, "threads")
        assert row is not None and row.state == "closed" and row.failures <= 1
        assert await all_incidents(database, "platform") == []


async def test_a_refused_post_is_an_answer(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        async with database.write() as session:
            for _ in range(breaker.OPENS_AFTER - 1):
                await breaker.silent(session, "x", house.clock.now())
        await a_post(house, connection)
        twins.world.set_fault("spam_block", "x", group="publish")
        await work(house)
        row = await the_breaker(house)
        assert row is not None and (row.state, row.failures) == ("closed", 0)


async def test_one_trial_at_a_time_whoever_asks(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        async with database.write() as session:
            for _ in range(breaker.OPENS_AFTER):
                await breaker.silent(session, "x", house.clock.now())
        twins.advance(hours=1)

        async def take(one: House) -> bool:
            async with one.db.write() as session:
                return await breaker.take_trial(session, "x", one.clock.now())

        taken = await asyncio.gather(*(take(another(house, f"process-{number}")) for number in range(4)))
        assert sorted(taken) == [False, False, False, True]


async def test_a_limit_of_our_app_pauses_renewals_and_is_no_outage(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        await crowd(house, twins, "x", [await a_client(house)], 3)
        connection = await linked_as(house, twins, "x", await a_client(house, "client-b", "C2"), "1001")
        await all_due(house, twins)
        twins.world.set_fault("rate_limited", "x", group="refresh", value=600)
        await sweep.refresh_due(house)
        met = len(twins.world.ledger.find("fault_met", kind="rate_limited"))
        twins.advance(seconds=60)
        async with database.write() as session:
            await session.execute(update(Grant).values(next_due_at=house.clock.now()))
        await sweep.refresh_due(house)
        assert len(twins.world.ledger.find("fault_met", kind="rate_limited")) == met
        assert await all_incidents(database) == []
        assert (await grant_of(house, connection)).state == "live"


async def test_a_failing_grant_does_not_starve_the_others(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        rows = await crowd(house, twins, "x", [await a_client(house)], 6)
        await all_due(house, twins)
        twins.world.set_fault("lost_before", "x", account=rows[0].account_id, group="refresh")
        await work(house)
        generations = [(await grant_of(house, row)).generation for row in rows]
        assert generations == [1, 2, 2, 2, 2, 2]
        assert (await grant_of(house, rows[0])).state == "live"


async def test_grants_that_cannot_even_be_tended_stop_nobody_and_are_tried_ever_less_often(
    twins: Twins, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tokens that do not open, on the grants that are due longest and fill the whole batch."""
    monkeypatch.setattr(sweep, "BATCH", 2)
    async with house_at(twins, database, tmp_path) as house:
        rows = await crowd(house, twins, "x", [await a_client(house)], 6)
        await all_due(house, twins)
        poisoned = [row.grant_id for row in rows[:3]]
        async with house.db.write() as session:
            longest = house.clock.now() - timedelta(minutes=5)
            broken = {"access_token": "1.k.n.broken", "next_due_at": longest}
            await session.execute(update(Grant).where(Grant.id.in_(poisoned)).values(**broken))
        pauses = []
        for _ in range(7):
            await work(house)
            first = await grant_of(house, rows[0])
            assert first.next_due_at is not None
            pauses.append(first.next_due_at - house.clock.now())
            twins.offset[0] += pauses[-1].total_seconds() + 1
        assert [(await grant_of(house, row)).generation > 1 for row in rows] == [False] * 3 + [True] * 3
        assert timedelta(seconds=50) < pauses[0] <= lifetimes.BACKOFF_FIRST
        assert all(later > earlier for earlier, later in itertools.pairwise(pauses[:6]))
        assert max(pauses) <= lifetimes.BACKOFF_MOST
        assert await all_incidents(database) == []
