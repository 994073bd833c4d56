"""Two workspaces whose accounts rest on one login: each hears of its own alone, and what a rule is asked by
id it gives to the id's own workspace only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.domain import (
    check_now,
    deciding,
    disconnecting,
    incident_closing,
    incidents,
    inviting,
    posting,
    replanning,
)
from bot.domain.auditing import Actor
from bot.domain.deciding import Choice
from bot.domain.errors import NotCurrent, Refused
from bot.domain.house import House
from bot.domain.inviting import Wanted
from bot.domain.pictures import alerts
from bot.domain.pictures import invitations as invitation_pictures
from bot.slack import claims
from sandbox.platforms.testing import Twins
from storage import queue, removing
from storage.database import Database
from storage.models import (
    Client,
    Connection,
    Consent,
    Delivery,
    Departure,
    Grant,
    Incident,
    Invitation,
    Notice,
    Workspace,
)
from tests import rows
from tests.support import house_at, linked


@dataclass(frozen=True)
class Side:
    """One workspace with a client and its account."""

    workspace: str
    client: str
    connection: str

    @property
    def actor(self) -> Actor:
        return Actor(self.workspace, "U1", "C1")


@dataclass(frozen=True)
class Two:
    house: House
    grant: str
    ours: Side
    theirs: Side


async def a_side(house: House, name: str, grant_id: str | None) -> Side:
    async with house.db.write() as session:
        session.add(Workspace(id=name, team_id=name, name=name, created_at=house.clock.now()))
    client = await rows.client(house, name, f"{name}-client", f"C{name}")
    values = {} if grant_id is None else {"grant_id": grant_id}
    return Side(name, client, await rows.account(house, client, handle=f"{name}_bread", **values))


@pytest.fixture
async def two(twins: Twins, migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[Two]:
    path = tmp_path / "two.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    database = Database(f"sqlite+aiosqlite:///{path}")
    async with house_at(twins, database, tmp_path) as house:
        ours = await a_side(house, "ours", None)
        async with house.db.read() as session:
            grant_id = (await session.get_one(Connection, ours.connection)).grant_id
        yield Two(house, grant_id, ours, await a_side(house, "theirs", grant_id))
    await database.close()


@pytest.mark.parametrize("how", ["warned", "dead"])
async def test_an_alert_of_a_shared_login_names_each_workspaces_own(two: Two, how: str) -> None:
    house, now = two.house, two.house.clock.now()
    async with house.db.write() as session:
        grant = await session.get_one(Grant, two.grant)
        if how == "dead":
            grant.state, grant.reason = "dead", "revoked"
            await incidents.dead(session, house, grant, now)
        else:
            for side in (two.ours, two.theirs):
                until = now + timedelta(days=7)
                await incidents.warn(session, house, grant, side.workspace, until, 7, now)
    for side, other in ((two.ours, two.theirs), (two.theirs, two.ours)):
        async with house.db.read() as session:
            mine = Notice.workspace_id == side.workspace
            notices = (await session.scalars(select(Notice).where(mine))).all()
            (incident,) = await session.scalars(
                select(Incident).where(Incident.workspace_id == side.workspace)
            )
            (link,) = await session.scalars(
                select(Invitation).where(Invitation.workspace_id == side.workspace)
            )
            shown = repr(await alerts.alert(session, house, side.workspace, incident.id, side.client))
            foreign = await alerts.alert(session, house, other.workspace, incident.id, other.client)
        assert {notice.audience_id for notice in notices} == {side.client}
        assert link.connection_id == side.connection
        assert f"{side.workspace}_bread" in shown and f"{other.workspace}_bread" not in shown
        assert foreign is None


async def test_each_counts_the_deaths_that_its_own_people_heard_of(two: Two) -> None:
    house, now = two.house, two.house.clock.now()
    for _ in range(2):
        async with house.db.write() as session:
            grant = await session.get_one(Grant, two.grant)
            grant.state, grant.reason = "dead", "revoked"
            await incidents.dead(session, house, grant, now)
            await incident_closing.close_for_grant(session, grant.id, "relinked", now)
    async with house.db.read() as session:
        found = (await session.scalars(select(Incident))).all()
    assert [one.detail.get("deaths") for one in found] == [None] * 4


async def test_what_a_rule_is_asked_by_id_is_its_own_workspaces(two: Two) -> None:
    house, now, ours, theirs = two.house, two.house.clock.now(), two.ours, two.theirs
    late = now + timedelta(days=1)
    waiting = await rows.delivery(house, ours.connection, "scheduled", due_at=late, next_at=late)
    failed = await rows.delivery(house, ours.connection, "failed")
    async with house.db.write() as session:
        client = await session.get_one(Client, ours.client)
        said = await inviting.invite(session, house, ours.actor, client, [Wanted("x")], "C1", now)
        await session.flush()
        post_id = (await session.get_one(Delivery, waiting)).post_id
    async with house.db.read() as session:
        for side, is_ours in ((ours, True), (theirs, False)):
            batch = said.subject_id or ""
            picture = await invitation_pictures.batch(session, house, side.workspace, batch)
            assert (picture is not None) is is_ours
            standing = await posting.standing(session, side.workspace, post_id)  # also its key, in `rows`
            assert (standing is not None) is is_ours
            held = await queue.locked(session, side.workspace, [waiting])
            assert bool(held) is is_ours
    with pytest.raises(Refused, match="not connected any more"):
        await check_now.check_account(house, theirs.actor, ours.connection)
    for rule, row_id in (
        (replanning.stagger, waiting),
        (replanning.cancel, waiting),
        (deciding.retry, failed),
    ):
        with pytest.raises(NotCurrent):
            async with house.db.write() as session:
                await rule(session, theirs.actor, [Choice(row_id, 1, 1)], now)
    async with house.db.write() as session:
        await disconnecting.disconnect(session, ours.actor, ours.connection, 1, now)
    async with house.db.read() as session:
        (departure,) = await session.scalars(select(Departure))
        for side in (ours, theirs):
            gone = await disconnecting.picture(session, house, side.workspace, departure.id, [], 0, "U1")
            assert (gone is not None) is (side is ours)


async def test_each_workspaces_messages_are_its_own_to_send(two: Two) -> None:
    """A message that is on its way in one workspace holds up, and is taken by, none of another."""
    house, now = two.house, two.house.clock.now()
    async with house.db.write() as session:
        for side in (two.ours, two.theirs):
            session.add(
                Notice(
                    id=side.workspace,
                    workspace_id=side.workspace,
                    kind="event",
                    topic="news",
                    unique_key=side.workspace,
                    audience="channel",
                    audience_id="C1",
                    channel_id="C1",
                    state="due",
                    next_at=now,
                    created_at=now,
                )
            )
    async with house.db.write() as session:
        (taken,) = await claims.claim(session, two.ours.workspace, "us", now, 10)
        assert taken.workspace_id == two.ours.workspace
        assert await claims.mark(session, taken, "us", now, "C1")
    async with house.db.write() as session:
        assert await claims.unanswered(session, two.theirs.workspace, "them", now) == {}
        assert set(await claims.unanswered(session, two.ours.workspace, "another", now)) == {"C1"}
        assert not await claims.returned(session, taken.id, two.theirs.workspace, "C1", "1.0")
        assert await claims.returned(session, taken.id, two.ours.workspace, "C1", "1.0")


async def all_rows_of(house: House, workspace_id: str) -> dict[str, list[str]]:
    """Every row of a workspace, by table."""
    found = {}
    async with house.db.read() as session:
        for table in removing.tables_of_a_workspace():
            mine = (await session.execute(select(table).where(removing.belongs(table, workspace_id)))).all()
            found[table.name] = sorted(repr(tuple(row)) for row in mine)
    return found


async def test_a_walk_through_our_link_leaves_what_is_theirs(twins: Twins, two: Two) -> None:
    """The same account, by the same person, for a client of each workspace: the login gets newer tokens, and
    the other workspace is neither asked about, nor told, nor changed."""
    house = two.house
    async with house.db.read() as session:
        mine = await session.get_one(Client, two.ours.client)
        other = await session.get_one(Client, two.theirs.client)
    first = await linked(house, twins, "instagram", other)
    before = await all_rows_of(house, two.theirs.workspace)
    second = await linked(house, twins, "instagram", mine)
    assert second.workspace_id == two.ours.workspace and second.grant_id == first.grant_id
    async with house.db.read() as session:
        consents = (await session.scalars(select(Consent).order_by(Consent.created_at))).all()
        grant = await session.get_one(Grant, first.grant_id)
    assert grant.generation == 2
    assert [one.result for one in consents] == ["linked", "linked"]
    assert "theirs" not in repr(consents[-1].detail)
    after = await all_rows_of(house, two.theirs.workspace)
    assert {name for name in after if after[name] != before[name]} <= {"connections"}
    async with house.db.read() as session:
        now = await session.get_one(Connection, first.id)
    moving = {"proved_at", "next_change_at", "probed_at"}  # the login was proved for all that rest on it
    for column in Connection.__table__.columns:
        if column.name not in moving:
            assert getattr(now, column.name) == getattr(first, column.name), column.name
