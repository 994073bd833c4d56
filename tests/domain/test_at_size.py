"""An outage and a revocation at the size of a large agency, on a real SQLite file and real HTTP."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from bot.domain.house import House
from bot.jobs.engine import STEP_LEAST
from bot.renderers import build_renderers
from sandbox.platforms.ledger import Entry
from sandbox.platforms.testing import Twins
from storage.database import Database
from storage.models import Client, Connection, Grant, Incident, Invitation, Notice
from tests.domain.crowd import all_incidents, live, news, planted, states, told
from tests.support import a_client, house_at, linked

CLIENTS = 30
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def agency(house: House, twins: Twins, number: int) -> tuple[list[Client], list[Connection]]:
    """Clients with so many accounts on X, and one more account that showed how."""
    clients = [await a_client(house, f"client-{index}", f"C{index}") for index in range(CLIENTS)]
    pattern = await linked(house, twins, "x", clients[0])
    accounts = [str(50_000 + index) for index in range(number)]
    return clients, await planted(house, twins, pattern, clients, accounts)


async def all_due(house: House, twins: Twins) -> None:
    twins.advance(hours=1.6)
    async with house.db.write() as session:
        await session.execute(update(Grant).values(next_due_at=house.clock.now()))


@ON_SQLITE
async def test_an_hour_without_a_platform_costs_nobody_anything(
    twins: Twins, database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tokens that fall due in an outage: none dies, the operator hears of it twice, all are renewed minutes
    after its end, spread out."""
    number = 1000
    async with house_at(twins, database, tmp_path) as house:
        await agency(house, twins, number - 1)
        await all_due(house, twins)
        twins.world.set_fault("unavailable", "x")
        await live(house, twins, hours=1)
        in_vain = len(twins.world.ledger.find("fault_met", platform="x"))
        twins.world.faults.clear()
        ended = house.clock.now()
        await live(house, twins, minutes=8)  # five to the trial at most, then half a minute and two
        async with database.read() as session:
            fresh = select(func.count()).select_from(Grant).where(Grant.last_refreshed_at >= ended)
            assert await session.scalar(fresh) == number
        assert await states(house) == {"live": number}
        assert not twins.world.ledger.spent_refreshes()
        said = [*await told(database), *await told(database, topic="incident.news")]
        assert [one.audience for one in said] == ["operations", "operations"]
        seconds = Counter(
            int((entry.at - ended).total_seconds()) for entry in _renewals(twins) if entry.at >= ended
        )
        steps = Counter(second // STEP_LEAST for second in seconds.elements())  # the clock moves in steps
        minutes = Counter(second // 60 for second in seconds.elements())
        with capsys.disabled():
            print(
                f"\nafter an outage, {number} tokens: {in_vain} calls in vain in an hour; then at most "
                f"{max(steps.values())} in {STEP_LEAST:.0f} s, {max(minutes.values())} in a minute, "
                f"all done after {max(seconds)} s"
            )
        assert max(minutes.values()) <= number * 0.75 and max(steps.values()) <= number * 0.25
        assert in_vain <= 32 + 30  # what was on its way when it began, and one trial at a time


def _renewals(twins: Twins) -> list[Entry]:
    return twins.world.ledger.find("token_presented", platform="x", kind="refresh")


async def refused(house: House, twins: Twins, rows: list[Connection], fault: str) -> None:
    """All logins refuse our app, or the app is refused for all, when their tokens are renewed."""
    for row in rows if fault == "revoked" else ():
        twins.world.set_fault(fault, "x", account=row.account_id)
    if fault != "revoked":
        twins.world.set_fault(fault, "x")
    await all_due(house, twins)
    await live(house, twins, minutes=4)


@ON_SQLITE
async def test_three_hundred_revoked_at_once_are_one_alert_and_one_for_each_client(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        clients, rows = await agency(house, twins, 300)
        await refused(house, twins, rows, "revoked")
        assert await states(house) == {"dead": 300, "live": 1}
        roots = await told(database)
        assert [root.audience for root in roots].count("operations") == 1
        channels = Counter(root.audience_id for root in roots if root.audience == "team")
        assert channels == {client.id: 1 for client in clients}
        await _each_names_only_its_own(house, roots, clients)
        await _each_can_be_reached(house, rows)


async def _each_names_only_its_own(house: House, roots: list[Notice], clients: list[Client]) -> None:
    render = build_renderers(house)["incident"]
    for root in roots:
        said = await render(root)
        assert said is not None
        named = {client.id for client in clients if f"{client.name} " in f"{said.text} ".replace(":", " ")}
        if root.audience == "team":
            assert named == {root.audience_id}
        else:
            assert "300 accounts" in said.text


async def _each_can_be_reached(house: House, rows: list[Connection]) -> None:
    """Every account has an open relink link that its own client's alert carries as a button."""
    async with house.db.read() as session:
        query = select(Invitation.connection_id).where(Invitation.state == "open")
        invited = set((await session.execute(query)).scalars())
        roots = (await session.execute(select(Notice).where(Notice.topic == "incident"))).scalars().all()
    assert {row.id for row in rows} <= invited
    render, addresses = build_renderers(house)["incident"], set()
    for root in roots:
        said = await render(root)
        if said is not None and root.audience == "team":
            addresses |= {word for word in str(said.blocks).split("'") if "/connect/" in word}
    assert len(addresses) == len(rows)


@ON_SQLITE
async def test_a_suspended_app_is_one_message_and_nobody_is_asked_to_reconnect(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        await agency(house, twins, 300)
        await refused(house, twins, [], "app_suspended")
        assert await states(house) == {"live": 301}
        (incident,) = await all_incidents(database)
        assert incident.kind == "app" and await news(database) == []
        assert [root.audience for root in await told(database)] == ["operations"]
        async with database.read() as session:
            asked = select(func.count()).select_from(Invitation).where(Invitation.connection_id.is_not(None))
            assert await session.scalar(asked) == 0


@ON_SQLITE
async def test_an_app_that_is_suspended_while_tokens_are_refused_is_checked_before_anybody_is_blamed(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    """The disguise: renewals are refused as if people had left, and only a living account tells the truth."""
    async with house_at(twins, database, tmp_path) as house:
        _, rows = await agency(house, twins, 300)
        for row in rows:
            twins.world.set_fault("refresh_dead", "x", account=row.account_id)
        twins.advance(hours=1.6)
        ended = house.clock.now()
        async with house.db.write() as session:
            mine = Grant.id.in_([row.grant_id for row in rows])
            over = {"next_due_at": ended, "access_expires_at": ended}
            await session.execute(update(Grant).where(mine).values(**over))
            end = ended + timedelta(hours=2)
            others = update(Grant).where(~mine)
            await session.execute(others.values(access_expires_at=end, next_due_at=end))
        twins.world.set_fault("app_suspended", "x", group="probe")
        await live(house, twins, minutes=4)
        assert await states(house) == {"live": 301}
        async with database.read() as session:
            kinds = (await session.execute(select(Incident.kind).where(Incident.state == "open"))).scalars()
            assert list(kinds) == ["app"]
        assert [root.audience for root in await told(database)] == ["operations"]
