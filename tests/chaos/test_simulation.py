"""A simulated agency over weeks of house time, and crowds that fall due at once.

The suite's size takes about a minute. LAMPLIGHTER_SIMULATION="clients connections days crowd" asks for more:
`LAMPLIGHTER_SIMULATION="200 1000 400 5000" python -m pytest tests/chaos/test_simulation.py --timeout 0`.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from bot.domain.house import House
from bot.jobs import sweep
from sandbox.platforms.testing import Twins
from storage.database import Database
from storage.models import Client, Connection, Grant, Incident, Notice
from tests.domain.crowd import all_incidents, crowd, live, states, told
from tests.support import a_client, an_invitation, another, grant_of, house_at, walk

SIZES = [int(word) for word in os.environ.get("LAMPLIGHTER_SIMULATION", "5 12 8 60").split()]
CLIENTS, CONNECTIONS, DAYS, CROWD = SIZES
SEED = 20261120
ENDS = ("revoked", "password_changed")  # what only a person can cure
HICCUPS = ("lost_before", "html_error", "unavailable")  # what nobody should ever hear of
MESSAGES_MOST = 6  # of one incident, in all channels together


@dataclass
class Agency:
    """What was done to whom, so that every death can be accounted for. `ended` counts by grant."""

    house: House
    twins: Twins
    chance: random.Random
    rows: list[Connection]
    ended: Counter[str] = field(default_factory=Counter)
    to_relink: dict[str, int] = field(default_factory=dict)  # connection: on which day
    unanswered: set[str] = field(default_factory=set)  # accounts at X whose answer was lost after it counted

    async def one_day(self, day: int) -> None:
        """Something happens, somebody repairs what happened before, and the day passes."""
        for row_id in [key for key, due in self.to_relink.items() if due <= day]:
            await self._relink(row_id)
        what = self.chance.choice(("calm", "calm", "outage", "end", "end", "hiccup", "lost"))
        if what == "outage":
            await self._outage(self.chance.choice(("x", "instagram")))
        elif what == "end":
            self._end(day)
        elif what == "hiccup":
            row = self.chance.choice(self.rows)
            kind = self.chance.choice(HICCUPS)
            self.twins.world.set_fault(kind, row.platform, row.account_id, count=1)
        elif what == "lost":
            self._lose_an_answer(day)
        await live(self.house, self.twins, days=1)

    async def _outage(self, platform: str) -> None:
        fault = self.twins.world.set_fault("unavailable", platform)
        await live(self.house, self.twins, hours=self.chance.uniform(0.5, 3))
        self.twins.world.faults.clear(id=fault.id)

    def _end(self, day: int) -> None:
        well = [row for row in self.rows if row.id not in self.to_relink]
        row = self.chance.choice(well)
        self.twins.world.set_fault(self.chance.choice(ENDS), row.platform, row.account_id)
        self._expect(row, day)

    def _lose_an_answer(self, day: int) -> None:
        """On a rotating platform the token is spent with its answer; only a person can cure that."""
        well = [row for row in self.rows if row.platform == "x" and row.id not in self.to_relink]
        if well:
            row = self.chance.choice(well)
            self.unanswered.add(row.account_id)
            self.twins.world.set_fault("lost_after", "x", row.account_id, group="refresh", count=1)
            self._expect(row, day)

    def _expect(self, row: Connection, day: int) -> None:
        self.ended[row.grant_id] += 1
        self.to_relink[row.id] = day + self.chance.randint(3, 6)

    async def _relink(self, row_id: str) -> None:
        del self.to_relink[row_id]
        row = next(row for row in self.rows if row.id == row_id)
        async with self.house.db.read() as session:
            client = await session.get_one(Client, row.client_id)
        token = await an_invitation(self.house, client, row.platform, row.id)
        await walk(self.house, self.twins, token, **{"as": row.account_id})


async def test_weeks_of_an_agency(
    twins: Twins, database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        clients = [await a_client(house, f"client-{index}", f"C{index}") for index in range(CLIENTS)]
        at_x = max(CONNECTIONS // 12, 2)
        rows = await crowd(house, twins, "x", clients, at_x)
        rows += await crowd(house, twins, "instagram", clients, CONNECTIONS - at_x)
        agency = Agency(house, twins, random.Random(SEED), rows)
        for day in range(DAYS):
            await agency.one_day(day)
        await live(house, twins, days=3)  # the last deaths are found by then
        await _nothing_was_lost(agency)
        await _each_death_was_told_once(agency, database)
        await _messages_are_bounded(database, capsys)
        spent = {entry.account for entry in twins.world.ledger.spent_refreshes()}
        assert spent <= agency.unanswered


async def _nothing_was_lost(agency: Agency) -> None:
    """Whoever was not ended by a person or a lost answer lives, with tokens that work."""
    now = agency.house.clock.now()
    for row in agency.rows:
        grant = await grant_of(agency.house, row)
        if row.id in agency.to_relink:
            assert grant.state == "dead", f"{row.platform} {row.account_id}: its end was not noticed"
        else:
            assert grant.state == "live", f"{row.platform} {row.account_id}: {grant.state} {grant.reason}"
            assert grant.access_expires_at is not None and grant.access_expires_at > now


async def _each_death_was_told_once(agency: Agency, database: Database) -> None:
    dead = [one for one in await all_incidents(database) if one.severity == "dead"]
    found = Counter(one.grant_id for one in dead if one.kind == "grant")
    assert found == agency.ended
    assert {one.kind for one in dead} <= {"grant", "client", "platform"}


async def _messages_are_bounded(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    async with database.read() as session:
        query = (
            select(Incident.kind, Incident.id, func.count(Notice.id))
            .join(Notice, Notice.subject_id == Incident.id)
            .where(Notice.topic.like("incident%"))
            .group_by(Incident.kind, Incident.id)
        )
        counted = (await session.execute(query)).all()
    most = {kind: max(row[2] for row in counted if row[0] == kind) for kind in {row[0] for row in counted}}
    with capsys.disabled():
        print(f"\n{len(counted)} incidents in {DAYS} days; messages of one, at most: {most}")
    assert max(most.values()) <= MESSAGES_MOST


async def test_a_crowd_survives_an_outage_of_an_hour(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        clients = [await a_client(house, f"client-{index}", f"C{index}") for index in range(10)]
        await crowd(house, twins, "x", clients, CROWD)
        await _all_due(house, twins)
        twins.world.set_fault("unavailable", "x")
        await live(house, twins, hours=1)
        twins.world.faults.clear()
        ended = house.clock.now()
        await live(house, twins, minutes=10)
        async with database.read() as session:
            fresh = select(func.count()).select_from(Grant).where(Grant.last_refreshed_at >= ended)
            assert await session.scalar(fresh) == CROWD
        assert await states(house) == {"live": CROWD}
        roots, replies = await told(database), await told(database, topic="incident.news")
        assert [one.audience for one in [*roots, *replies]] == ["operations", "operations"]
        per_minute = Counter(
            entry.at.replace(second=0, microsecond=0)
            for entry in twins.world.ledger.find("token_presented", platform="x", kind="refresh")
            if entry.at >= ended
        )
        assert max(per_minute.values()) <= CROWD * 0.75  # spread over minutes, no stampede


@pytest.mark.parametrize("killed", [0, 2])
async def test_four_processes_share_what_is_due(
    twins: Twins, database: Database, tmp_path: Path, killed: int
) -> None:
    if database.is_sqlite:
        pytest.skip("one process owns an SQLite file")
    async with house_at(twins, database, tmp_path) as house:
        clients = [await a_client(house, f"client-{index}", f"C{index}") for index in range(10)]
        await crowd(house, twins, "x", clients, CROWD)
        await _all_due(house, twins)
        houses = [another(house, f"process-{number}") for number in range(4)]
        tasks = [asyncio.create_task(_until_nothing_is_due(one)) for one in houses]
        while killed and len(twins.world.ledger.find("token_spent", platform="x")) < CROWD // 4:
            await asyncio.sleep(0)
        for task in tasks[:killed]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await house.tasks.drain()
        await _pass_leases(house)
        await live(houses[-1], twins, minutes=30)  # a call that may have left is repeated only near the end
        spent = Counter(entry.account for entry in twins.world.ledger.find("token_spent", platform="x"))
        assert set(spent.values()) == {1} and len(spent) == CROWD
        assert not twins.world.ledger.spent_refreshes()
        assert await states(house) == {"live": CROWD}


async def _until_nothing_is_due(house: House) -> None:
    while await sweep.refresh_due(house):
        pass


async def _all_due(house: House, twins: Twins) -> None:
    twins.advance(hours=1.6)
    async with house.db.write() as session:
        await session.execute(update(Grant).values(next_due_at=house.clock.now()))


async def _pass_leases(house: House) -> None:
    """As if the dead processes' leases were over: the lease clock cannot be advanced."""
    async with house.db.write() as session:
        past = (await house.db.lease_now(session)) - timedelta(seconds=1)
        await session.execute(update(Grant).where(Grant.lease_until > past).values(lease_until=past))
