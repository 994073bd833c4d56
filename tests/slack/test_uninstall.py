"""A workspace removes the bot, comes back within the grace period, or is removed after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.domain import holding, incidents, reports, revoking
from bot.domain import removing as rules
from bot.domain.telling import channel, tell_event
from bot.domain.uninstalling import GRACE
from bot.jobs import sweep
from bot.slack.errors import WorkspaceGone
from bot.slack.installs import BELIEVED_SECONDS, Installs, sealed_token
from sandbox.slack import life
from sandbox.slack.delivery import emit
from sandbox.slack.faults import Outage
from storage import deliveries, removing
from storage.models import Base, Client, Connection, Delivery, Grant, Notice, Workspace
from tests import rows
from tests.slack.town import Town, a_town


@pytest.fixture
async def town(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[Town]:
    async with a_town(migrated_sqlite, tmp_path) as made:
        yield made


@pytest.fixture
async def either(database_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """The same on both databases."""
    async with a_town(database_url, tmp_path) as made:
        yield made


async def a_shop(town: Town, team: str, slug: str) -> tuple[str, str, str]:
    """A client with a channel and one account: the ids of client, connection and channel."""
    channel = town.channel(team, slug)
    workspace = await town.workspace(team)
    client = await rows.client(town.app.house, workspace.id, slug, channel.id)
    return client, await rows.account(town.app.house, client), channel.id


async def something_to_say(town: Town, workspace_id: str, channel_id: str) -> str:
    """A notice for a channel; its id."""
    facts = {"from": "2026-01-01T00:00:00+00:00", "to": "2026-01-02T00:00:00+00:00", "late": 0}
    async with town.app.house.db.write() as session:
        made = await tell_event(session, workspace_id, "engine.gap", "k", channel(channel_id), facts=facts)
    assert made is not None
    return made.id


async def test_both_events_of_a_removal_are_one(town: Town) -> None:
    team = await town.settled_in("acme")
    life.uninstall(town.world, team)
    await town.calm()
    row = await town.workspace(team)
    assert row.uninstalled_at is not None and row.remove_at == row.uninstalled_at + GRACE
    assert row.bot_token is None
    assert {item.status for item in town.world.delivered} == {200}


async def test_a_removal_holds_in_another_process_after_a_moment(town: Town) -> None:
    team = await town.settled_in("acme")
    row, now = await town.workspace(team), [0.0]
    house = town.app.house
    other = Installs(house.db, sealed_token(house.vault), clock=lambda: now[0])
    assert (await other.token_for(row.id)).startswith("xoxb-")
    life.uninstall(town.world, team)
    await town.calm()
    now[0] += BELIEVED_SECONDS
    with pytest.raises(WorkspaceGone):
        await other.token_for(row.id)
    assert BELIEVED_SECONDS <= 2


async def test_events_from_before_a_reinstall_are_not_even_asked_about(town: Town) -> None:
    team = await town.settled_in("acme")
    row = await town.workspace(team)
    async with town.app.house.db.write() as session:
        found = await session.get_one(Workspace, row.id)
        assert found.installed_at is not None
        found.installed_at += timedelta(seconds=60)
    await asyncio.sleep(BELIEVED_SECONDS)
    emit(town.world, team, {"type": "app_uninstalled"})
    emit(town.world, team, {"type": "tokens_revoked", "tokens": {"bot": ["U1"]}})
    await town.calm()
    assert (await town.workspace(team)).uninstalled_at is None
    assert town.world.counts()["auth.test"] == 0


async def test_a_removal_is_believed_only_when_the_token_is_dead(town: Town) -> None:
    team = await town.settled_in("acme")
    emit(town.world, team, {"type": "app_uninstalled"})
    await town.calm()
    assert (await town.workspace(team)).uninstalled_at is None


@pytest.mark.parametrize("word", ["account_inactive", "invalid_auth", "token_revoked"])
async def test_a_token_found_dead_when_sending_is_a_removal(town: Town, word: str) -> None:
    team = await town.settled_in("acme")
    _, _, place = await a_shop(town, team, "bakery")
    row = await town.workspace(team)
    install = town.world.installs[team]
    install.revoked, install.error_when_revoked = True, word
    said = await something_to_say(town, row.id, place)
    await town.calm()
    await town.calm()
    left = await town.workspace(team)
    assert left.uninstalled_at is not None and left.bot_token is None
    async with town.app.house.db.read() as session:
        found = await session.get_one(Notice, said)
    assert (found.state, found.problem) == ("undeliverable", "uninstalled")


async def test_a_word_that_may_pass_is_no_removal(town: Town) -> None:
    team = await town.settled_in("acme")
    _, _, place = await a_shop(town, team, "bakery")
    install = town.world.installs[team]
    install.revoked, install.error_when_revoked = True, "org_login_required"
    await something_to_say(town, (await town.workspace(team)).id, place)
    await town.app.outbox.deliver_once()
    assert (await town.workspace(team)).uninstalled_at is None
    install.revoked = False


async def test_a_slack_that_does_not_answer_is_no_removal(town: Town) -> None:
    team = await town.settled_in("acme")
    town.world.switches.retry_delays = (0.0,)
    fault = town.world.faults.add(Outage.UNAVAILABLE, "auth.test", times=1)
    install = town.world.installs[team]
    life.uninstall(town.world, team)
    await town.calm()
    assert fault.struck == 1 and install.revoked
    assert (await town.workspace(team)).uninstalled_at is not None  # the event came again


async def test_a_left_workspace_holds_its_posts_and_keeps_its_logins(either: Town) -> None:
    town = either
    team = await town.settled_in("acme")
    _, connection, _ = await a_shop(town, team, "bakery")
    house, now = town.app.house, town.app.house.clock.now()
    late = await rows.delivery(house, connection, "scheduled", next_at=now, text="Old bread")
    soon = now + timedelta(hours=2)
    early = await rows.delivery(house, connection, "scheduled", next_at=soon, due_at=soon, planned_at=soon)
    life.uninstall(town.world, team)
    await town.calm()
    await sweep.publish_due(house)
    async with house.db.read() as session:
        held = await session.get_one(Delivery, late)
        grant = (await session.scalars(select(Grant))).one()
    assert (held.state, held.reason) == ("blocked", "paused")
    assert grant.state == "live" and grant.refresh_token is not None
    town.offset[0] += 600
    await town.install(team, town.people["acme.admin"].user.id)
    await town.calm()
    async with house.db.read() as session:
        offered, coming = await session.get_one(Delivery, late), await session.get_one(Delivery, early)
    assert (offered.state, offered.late, offered.next_at) == ("blocked", True, None)
    assert (coming.state, coming.late) == ("scheduled", False)
    said = town.said()
    assert "I am back" in said and "1 post was due meanwhile" in said
    assert "Old bread" in said and "waited past its time" in said


async def test_a_reinstall_says_open_alerts_again_and_nothing_else(either: Town) -> None:
    town = either
    team = await town.settled_in("acme")
    _, connection, place = await a_shop(town, team, "bakery")
    house = town.app.house
    life.uninstall(town.world, team)
    await town.calm()
    async with house.db.write() as session:
        row = await session.get_one(Connection, connection)
        grant = await session.get_one(Grant, row.grant_id)
        grant.state, grant.reason = "dead", "revoked"
        await incidents.dead(session, house, grant, house.clock.now())
    await town.calm()
    assert town.world.channels[place].messages == {}
    await town.install(team, town.people["acme.admin"].user.id)
    await town.calm()
    (alert,) = town.world.channels[place].messages.values()
    assert "@acme" in alert.text
    assert "1 alert is open" in town.said()
    async with house.db.read() as session:
        states = (await session.scalars(select(Notice.state).where(Notice.topic == "incident.news"))).all()
    assert "due" not in states


async def test_a_reinstall_says_what_was_asked_about_posts_meanwhile(either: Town) -> None:
    town = either
    team = await town.settled_in("acme")
    _, connection, place = await a_shop(town, team, "bakery")
    house = town.app.house
    long_ago = house.clock.now() - timedelta(hours=2)
    times = {"due_at": long_ago, "planned_at": long_ago}
    doubted = await rows.delivery(house, connection, "unconfirmed", reason="lost_answer", text="Doubted")
    held = await rows.delivery(house, connection, "blocked", reason="dead", text="Held", **times)
    settled = await rows.delivery(house, connection, "unconfirmed", reason="lost_answer", text="Settled")
    life.uninstall(town.world, team)
    await town.calm()
    async with house.db.write() as session:  # an answer was lost, and a login that others use was cured
        for key in (doubted, settled):
            work = await deliveries.load(session, key)
            assert work is not None
            await reports.unconfirmed(session, work)
        await holding.release(session, house, [connection], house.clock.now())
        (await session.get_one(Delivery, settled)).state = "published"
    await town.calm()
    assert town.world.channels[place].messages == {}
    await town.install(team, town.people["acme.admin"].user.id)
    await town.calm()
    said = [item.text for item in town.world.channels[place].messages.values()]
    assert ["Doubted" in text for text in said].count(True) == 1
    assert ["Held" in text and "waited past its time" in text for text in said].count(True) == 1
    assert len(said) == 2
    async with house.db.read() as session:
        assert (await session.get_one(Delivery, held)).late


async def dump(town: Town, workspace_id: str) -> dict[str, int]:
    """How many rows of a workspace stand in each table."""
    found = {}
    async with town.app.house.db.read() as session:
        for table in removing.tables_of_a_workspace():
            query = select(func.count()).select_from(table).where(removing.belongs(table, workspace_id))
            found[table.name] = int(await session.scalar(query) or 0)
    return found


async def test_after_the_grace_period_nothing_is_left_and_shared_logins_stay(either: Town) -> None:
    town = either
    acme, other = await town.settled_in("acme"), await town.settled_in("other")
    client, connection, _ = await a_shop(town, acme, "bakery")
    house = town.app.house
    neighbour = await rows.client(house, (await town.workspace(other)).id, "florist", None)
    async with house.db.read() as session:
        grant_id = (await session.get_one(Connection, connection)).grant_id
    shared = await rows.account(house, neighbour, grant_id=grant_id)
    own = await rows.account(house, client, handle="own")
    async with house.db.read() as session:
        own_grant = (await session.get_one(Connection, own)).grant_id
    await rows.delivery(house, connection, "scheduled", next_at=house.clock.now() + timedelta(days=90))
    acme_id, other_id = (await town.workspace(acme)).id, (await town.workspace(other)).id
    untouched = await dump(town, other_id)
    life.uninstall(town.world, acme)
    await town.calm()
    town.offset[0] += (GRACE - timedelta(minutes=1)).total_seconds()
    assert await run_down(town) == 0 and (await dump(town, acme_id))["clients"] == 1
    town.offset[0] += 120
    await run_down(town)
    assert set((await dump(town, acme_id)).values()) == {0}
    assert await dump(town, other_id) == untouched
    async with house.db.read() as session:
        assert await session.get(Workspace, acme_id) is None
        assert (await session.get_one(Connection, shared)).state == "live"
        assert (await session.get_one(Grant, grant_id)).state == "live"
        assert await session.get(Grant, own_grant) is None
    page = await town.install(acme, town.people["acme.admin"].user.id)
    assert "again" not in page.text and (await town.workspace(acme)).id != acme_id


async def run_down(town: Town) -> int:
    """Ticks until no removal is due; how many steps it took."""
    steps = 0
    while due := await rules.due(town.app.house):
        for workspace_id in due:
            await rules.remove(town.app.house, workspace_id)
            steps += 1
        await revoking.revoke_due(town.app.house)
        if not await rules.due(town.app.house):
            town.offset[0] += 301
        assert steps < 50
    return steps


async def test_an_install_during_the_removal_begins_anew(either: Town) -> None:
    town = either
    acme = await town.settled_in("acme")
    await a_shop(town, acme, "bakery")
    old = (await town.workspace(acme)).id
    life.uninstall(town.world, acme)
    await town.calm()
    town.offset[0] += GRACE.total_seconds() + 1
    await rules.remove(town.app.house, old)
    await town.install(acme, town.people["acme.admin"].user.id)
    fresh = (await town.workspace(acme)).id
    assert fresh != old
    await run_down(town)
    async with town.app.house.db.read() as session:
        assert await session.get(Workspace, old) is None
        assert (await session.scalars(select(Client))).all() == []
    assert (await town.workspace(acme)).uninstalled_at is None


def test_every_table_is_a_workspaces_or_nobodys() -> None:
    assert {table.name for table in Base.metadata.sorted_tables} >= removing.NOBODYS
    for table in removing.tables_of_a_workspace():
        removing.belongs(table, "x")
    for name in removing.NOBODYS:
        assert "workspace_id" not in Base.metadata.tables[name].c, name
