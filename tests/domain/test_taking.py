from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from bot.domain import pausing, taking
from bot.domain.auditing import Actor
from bot.domain.errors import NotCurrent
from bot.domain.house import House
from bot.renderers import build_renderers
from sandbox.platforms.testing import Twins
from storage.database import Database
from storage.models import Client, Connection, Grant, Incident, Workspace
from tests.domain.crowd import a_post, all_incidents, linked_as, live, news, told, work
from tests.support import a_client, an_invitation, grant_of, house_at, linked, walk

ROUND_THE_CLOCK = {"working_days": [1, 2, 3, 4, 5, 6, 7], "working_hours": [0, 23]}


async def killed(house: House, twins: Twins, *rows: Connection) -> None:
    """The person removes our app, and it is time to renew."""
    for row in rows:
        twins.world.set_fault("revoked", row.platform, account=row.account_id)
    async with house.db.write() as session:
        await session.execute(update(Workspace).values(settings=ROUND_THE_CLOCK))
        await session.execute(
            update(Grant)
            .where(Grant.id.in_([row.grant_id for row in rows]))
            .values(next_due_at=house.clock.now())
        )
    await work(house)


async def old_enough(house: House, twins: Twins) -> None:
    twins.advance(hours=26)  # Instagram refuses to renew younger tokens
    await work(house)


async def the_death(database: Database) -> Incident:
    (incident,) = [one for one in await all_incidents(database) if one.state == "open"]
    return incident


async def test_what_nobody_takes_goes_to_the_backup_then_to_operations_once_each(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        connection = await linked(house, twins, "x", client)
        async with house.db.write() as session:
            await session.execute(update(Client).values(backup=["U0BACK"]))
        await killed(house, twins, connection)
        incident = await the_death(database)
        await live(house, twins, hours=3, minutes=30)
        assert await news(database, incident.id) == []
        await live(house, twins, hours=2)
        assert await news(database, incident.id) == ["backup"]
        await live(house, twins, days=1)
        said = await told(database, incident.id, "incident.news")
        assert [one.facts["what"] for one in said] == ["backup", "untaken"]
        assert said[1].audience == "operations"
        texts = [await build_renderers(house)["incident.news"](one) for one in said]
        assert texts[0] is not None and "<@U0BACK>" in texts[0].text
        assert texts[1] is not None and "Client-A" in texts[1].text


async def test_without_a_backup_operations_is_asked_at_once(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        await killed(house, twins, await linked(house, twins, "x"))
        await live(house, twins, hours=6)
        assert await news(database) == ["untaken"]


async def test_whoever_is_on_it_ends_the_asking(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        await killed(house, twins, connection)
        incident = await the_death(database)
        actor = Actor(connection.workspace_id, "U0ADA", "C1")
        async with house.db.write() as session:
            await taking.take(session, actor, incident.id, house.clock.now())
        await live(house, twins, days=3)
        assert await news(database) == []
        (root,) = await told(database)
        shown = await build_renderers(house)["incident"](root)
        assert shown is not None and "<@U0ADA> is on it" in shown.text


async def test_a_closed_alert_cannot_be_taken(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        connection = await linked(house, twins, "x", client)
        await killed(house, twins, connection)
        incident = await the_death(database)
        await walk(house, twins, await an_invitation(house, client, "x", connection.id))
        actor = Actor(connection.workspace_id, "U1")
        async with house.db.write() as session:
            with pytest.raises(NotCurrent):
                await taking.take(session, actor, incident.id, house.clock.now())


async def test_two_platforms_of_a_client_within_the_hour_are_its_bad_day(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        first, second = [await linked(house, twins, word, client) for word in ("x", "instagram")]
        third = await linked_as(house, twins, "x", client, "1002")
        await old_enough(house, twins)
        await killed(house, twins, first)
        twins.advance(hours=0.2)
        await killed(house, twins, second)
        day = next(one for one in await all_incidents(database) if one.kind == "client")
        roots = await told(database)
        assert [root.subject_id for root in roots][1:] == [day.id]  # the first death's own, then one for both
        shown = await build_renderers(house)["incident"](roots[1])
        assert shown is not None and "2 accounts down" in shown.text
        assert shown.text.count("[Reconnect]") == 2 and "[Pause Client-A]" in shown.text
        await killed(house, twins, third)
        assert len(await told(database)) == 2 and await news(database, day.id) == ["joined"]
        twins.world.faults.clear()
        for row in (first, second, third):
            token = await an_invitation(house, client, row.platform, row.id)
            await walk(house, twins, token, **{"as": row.account_id})
        assert {one.state for one in await all_incidents(database)} == {"closed"}


async def test_the_third_death_in_two_weeks_says_so(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        connection = await linked(house, twins, "x", client)
        for _ in range(3):
            await killed(house, twins, connection)
            assert (await grant_of(house, connection)).state == "dead"
            twins.world.faults.clear()
            twins.advance(hours=30)
            await walk(house, twins, await an_invitation(house, client, "x", connection.id))
        deaths = [one.detail.get("deaths") for one in await all_incidents(database)]
        assert deaths == [None, None, 3]


async def test_a_paused_client_waits_and_goes_on(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        connection = await linked(house, twins, "x", client)
        await a_post(house, connection, minutes=5)
        actor = Actor(client.workspace_id, "U0ADA", "C1")
        async with house.db.write() as session:
            row = await session.get_one(Client, client.id)
            assert await pausing.pause(session, actor, row, house.clock.now())
            assert not await pausing.pause(session, actor, row, house.clock.now())
        twins.offset[0] += timedelta(minutes=6).total_seconds()
        await work(house)
        assert twins.world.ledger.find("post_created") == []
        async with house.db.write() as session:
            row = await session.get_one(Client, client.id)
            assert await pausing.resume(session, house, actor, row, house.clock.now()) == (1, 0)
        await work(house)
        assert len(twins.world.ledger.find("post_created")) == 1
