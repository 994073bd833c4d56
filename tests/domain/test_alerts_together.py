"""Alerts of several kinds about the same accounts: what ends one leaves the others as they are."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bot.domain import (
    disconnecting,
    incident_closing,
    incidents,
    inviting,
    mass,
    probing,
    reminding,
    reports,
    storing,
    verdicts,
)
from bot.domain.auditing import Actor
from bot.domain.house import House
from bot.domain.outcomes import Judgement, Outcome
from bot.domain.pictures import alerts
from bot.platforms.errors import Reason
from bot.renderers import build_renderers
from sandbox.platforms.testing import Twins
from storage import deliveries, watching
from storage.database import Database
from storage.models import Connection, Grant, Invitation, Notice, Workspace
from tests import rows
from tests.domain.crowd import all_incidents, news, told, work
from tests.domain.test_reminding import warned
from tests.support import a_client, house_at, linked

SUSPENDED = Judgement(Outcome.DEAD, Reason.SUSPENDED, "x")


async def row_of(house: House, connection_id: str) -> Connection:
    async with house.db.read() as session:
        return await session.get_one(Connection, connection_id)


async def dies(house: House, connection_id: str) -> None:
    """The account's login is over, and told."""
    grant_id = (await row_of(house, connection_id)).grant_id
    async with house.db.write() as session:
        now = house.clock.now()
        over = {"state": "dead", "reason": "revoked", "reason_at": now, "next_due_at": None}
        await session.execute(update(Grant).where(Grant.id == grant_id).values(**over))
        grant = await session.get_one(Grant, grant_id, populate_existing=True)
        await incidents.dead(session, house, grant, now)


async def falls(house: House, connection_id: str) -> None:
    """The account itself is refused, and that is told."""
    async with house.db.write() as session:
        now = house.clock.now()
        trouble = {"problem": Reason.SUSPENDED, "problem_at": now}
        await session.execute(update(Connection).where(Connection.id == connection_id).values(**trouble))
        row = await session.get_one(Connection, connection_id, populate_existing=True)
        await incidents.connection_in_trouble(session, house, row, SUSPENDED, now)


async def lives(house: House, connection_id: str) -> None:
    """The account's login was renewed by a consent of another account on it."""
    grant_id = (await row_of(house, connection_id)).grant_id
    async with house.db.write() as session:
        values = {"state": "live", "reason": None, "reason_at": None}
        await session.execute(update(Grant).where(Grant.id == grant_id).values(**values))
        await incident_closing.close_for_grant(session, grant_id, "relinked", house.clock.now())


async def open_links(house: House) -> set[str]:
    """The accounts that an alert's own link can reconnect now."""
    async with house.db.read() as session:
        query = select(Invitation.connection_id).where(
            Invitation.state == "open", Invitation.created_by.is_(None)
        )
        return {found for found in await session.scalars(query) if found}


async def test_a_bad_day_is_over_when_its_last_account_works_again_by_itself(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        refused = await rows.account(house, client.id, "instagram", "bread")
        over = await rows.account(house, client.id, "x", "bread")
        await falls(house, refused)
        await dies(house, over)
        day = next(one for one in await all_incidents(database) if one.kind == "client")
        await lives(house, over)
        assert next(one for one in await all_incidents(database) if one.kind == "client").state == "open"
        assert await probing.recovered(house, await row_of(house, refused))
        left = [(one.kind, one.state) for one in await all_incidents(database) if one.state == "open"]
        assert left == [] and await news(database, day.id) == ["recovered"]


async def test_a_mass_revocation_is_over_when_its_last_account_is_disconnected(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        fallen = [await rows.account(house, client.id, "x", name) for name in ("bread", "rolls")]
        for one in fallen:
            await dies(house, one)
        async with house.db.write() as session:
            await mass._tell(session, client.workspace_id, "x", "x", mass.App.WORKS, house.clock.now())
        actor = Actor(client.workspace_id, "U1", "C1")
        for number, one in enumerate(fallen):
            async with house.db.write() as session:
                generation = (await session.get_one(Connection, one)).generation
                await disconnecting.disconnect(session, actor, one, generation, house.clock.now())
            (many,) = [found for found in await all_incidents(database) if found.kind == "mass"]
            assert many.state == ("closed" if number else "open")
        assert await news(database, many.id) == ["disconnected"]


async def test_an_alert_that_ends_in_one_workspace_leaves_the_others_link(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        ours = await rows.account(house, client.id)
        grant_id = (await row_of(house, ours)).grant_id
        async with house.db.write() as session:
            session.add(Workspace(id="theirs", team_id="T2", name="B", created_at=house.clock.now()))
        other = await rows.client(house, "theirs", "client-b", "C2")
        theirs = await rows.account(house, other, grant_id=grant_id)
        await dies(house, ours)
        assert await open_links(house) == {ours, theirs}
        actor = Actor(client.workspace_id, "U1", "C1")
        async with house.db.write() as session:
            await disconnecting.disconnect(session, actor, ours, 1, house.clock.now())
        still = [one for one in await all_incidents(database) if one.state == "open"]
        assert [one.workspace_id for one in still] == ["theirs"]
        assert await open_links(house) == {theirs}


@pytest.mark.parametrize("first_over", ["account", "login"])
async def test_a_link_lives_as_long_as_one_of_the_alerts_that_give_it(
    twins: Twins, database: Database, tmp_path: Path, first_over: str
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        account = await rows.account(house, client.id)
        grant_id = (await row_of(house, account)).grant_id
        await falls(house, account)
        async with house.db.write() as session:
            now = house.clock.now()
            grant = await session.get_one(Grant, grant_id)
            until = now + timedelta(days=5)
            await incidents.warn(session, house, grant, client.workspace_id, until, 7, now)
        if first_over == "account":
            assert await probing.recovered(house, await row_of(house, account))
        else:
            await lives(house, account)
        assert await open_links(house) == {account}
        if first_over == "account":
            await lives(house, account)
        else:
            assert await probing.recovered(house, await row_of(house, account))
        assert await open_links(house) == set()


@pytest.mark.parametrize(("platform", "days"), [("x", 50), ("instagram", 5)])
async def test_a_refused_renewal_is_told_until_the_end_however_far_that_is(
    twins: Twins, database: Database, tmp_path: Path, platform: str, days: int
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        account = await rows.account(house, client.id, platform)
        grant_id = (await row_of(house, account)).grant_id
        now = house.clock.now()
        async with house.db.write() as session:
            await session.execute(update(Workspace).values(settings={"warning_days": [3, 1]}))
            values = {
                "state": "ending",
                "reason": "revoked",
                "reason_code": "invalid_grant",
                "reason_at": now,
            }
            values["access_expires_at"] = now + timedelta(days=days)
            await session.execute(update(Grant).where(Grant.id == grant_id).values(**values))
            grant = await session.get_one(Grant, grant_id, populate_existing=True)
        assert await verdicts.conclude(house, grant, None)  # its access token works
        (before,) = await all_incidents(database)
        assert (before.severity, before.state) == ("warning", "open")
        async with house.db.write() as session:
            await watching.look_soon(session, [account], now)
        await work(house)
        (after,) = await all_incidents(database)
        assert (after.id, after.state) == (before.id, "open") and await news(database, after.id) == []
        await lives(house, account)
        (after,) = await all_incidents(database)
        assert after.state == "closed" and await news(database, after.id) == ["relinked"]


@pytest.mark.parametrize("snoozed", [False, True])
async def test_a_refused_renewal_is_told_at_once_where_a_warning_stands_already(
    twins: Twins, database: Database, tmp_path: Path, snoozed: bool
) -> None:
    """The login of TikTok, say, ends in thirteen days; now its access token lives for two hours more."""
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        warning = await warned(house, connection, days=13)
        if snoozed:
            actor = Actor(connection.workspace_id, "U0ADA", "C1")
            async with house.db.write() as session:
                await reminding.snooze(
                    session, actor, warning.id, "warning", reminding.Span.WEEK, house.clock.now()
                )
        now = house.clock.now()
        end = now + timedelta(hours=2)
        refused = {"state": "ending", "reason": "revoked", "reason_code": "invalid_grant", "reason_at": now}
        async with house.db.write() as session:
            await session.execute(update(Grant).values(**refused, access_expires_at=end))
            grant = await session.get_one(Grant, connection.grant_id, populate_existing=True)
        for _ in range(2):
            assert await verdicts.conclude(house, grant, None)  # its access token works
            await work(house)
        (incident,) = await all_incidents(database)
        assert (incident.id, incident.severity, incident.reason) == (warning.id, "warning", "revoked")
        assert incident.detail["until"] == end.isoformat() and incident.snoozed_until is None
        assert await news(database, warning.id) == ["warning"]
        (notice,) = await told(database, warning.id, "incident.news")
        shown = await build_renderers(house)["incident.news"](notice)
        assert notice.broadcast and shown is not None and "needs a new sign-in by" in shown.text
        (root,) = await told(database, warning.id)
        present = await build_renderers(house)["incident"](root)
        assert present is not None and "It still works until" in present.text


async def test_a_refusal_that_comes_after_a_relink_says_nothing_of_the_account(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        account = await rows.account(house, client.id)
        delivery = await rows.delivery(house, account, "preparing")
        async with house.db.read() as session:
            work_seen = await deliveries.load(session, delivery)
        assert work_seen is not None
        async with house.db.write() as session:  # a consent brought it new tokens meanwhile
            await session.execute(update(Connection).values(generation=Connection.generation + 1))
        async with house.db.write() as session:
            await reports.account_trouble(session, house, work_seen, SUSPENDED, house.clock.now())
        assert (await row_of(house, account)).problem is None
        assert await all_incidents(database) == []


async def test_an_alert_keeps_a_link_for_every_account_that_is_left_on_its_login(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        first = await rows.account(house, client.id, handle="a_bread")
        grant_id = (await row_of(house, first)).grant_id
        second = await rows.account(house, client.id, handle="b_rolls", grant_id=grant_id)
        await dies(house, first)
        (incident,) = await all_incidents(database)
        actor = Actor(client.workspace_id, "U1", "C1")
        async with house.db.write() as session:
            await disconnecting.disconnect(session, actor, first, 1, house.clock.now())
        assert await open_links(house) == {second}
        async with house.db.read() as session:
            shown = await alerts.alert(session, house, client.workspace_id, incident.id, client.id)
        assert shown is not None and shown.how is None and shown.groups[0].url is not None


async def test_a_client_who_was_asked_hears_that_the_trouble_went_away_by_itself(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        account = await rows.account(house, client.id)
        await falls(house, account)
        async with house.db.write() as session:
            row = await session.get_one(Connection, account)
            link = await inviting.for_relink(session, house, row, house.clock.now())
            asked = await inviting.ask_client(session, link)
        before = asked.version
        assert await probing.recovered(house, await row_of(house, account))
        async with house.db.read() as session:
            after = await session.get_one(Notice, asked.id)
        assert after.version == before + 1 and await open_links(house) == set()
        shown = await build_renderers(house)["invitation.client"](after)
        assert shown is not None and "no longer needed" in shown.text


async def test_an_account_that_moved_to_another_login_leaves_no_link_of_its_old_alert(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        account = await rows.account(house, client.id)
        old = (await row_of(house, account)).grant_id
        other = (await row_of(house, await rows.account(house, client.id, handle="b"))).grant_id
        await dies(house, account)
        async with house.db.write() as session:
            now = house.clock.now()
            await session.execute(update(Connection).where(Connection.id == account).values(grant_id=other))
            await storing.moved_away(session, client.workspace_id, old, now)
            await storing.lives_again(session, house, other, now, [account])
        assert [one.state for one in await all_incidents(database)] == ["closed"]
        assert await open_links(house) == set()
