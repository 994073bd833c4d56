"""Posts past their time: asked about in one message a client, moved apart, corrected, each once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bot.domain import breaker, deciding, editing, holding, posting, replanning
from bot.domain.auditing import Actor
from bot.domain.deciding import Choice, Outcome
from bot.domain.editing import Edit
from bot.domain.errors import NotCurrent, Refused
from bot.domain.house import House
from bot.jobs import sweep
from bot.platforms.content import Content
from bot.platforms.errors import Reason
from sandbox.platforms.testing import Twins
from storage.database import Database
from storage.models import Connection, Delivery, Notice, Post
from tests.domain.test_publishing import queued as with_a_picture
from tests.support import another, house_at, linked

HOUR = 3600.0


async def queued(house: House, connection: Connection, *minutes: float) -> list[str]:
    """A post at each of these moments, in minutes from now."""
    now, ids = house.clock.now(), []
    actor = Actor(connection.workspace_id, "U1", "C1")
    for at in minutes:
        text = f"Bread number {at} of {now.timestamp()}"
        due = now + timedelta(minutes=at)
        draft = posting.Draft(text, connection.client_id, (connection.id,), Content(text=text), due)
        async with house.db.write() as session:
            post = await posting.queue(session, house, actor, draft, now)
            ids.append((await session.scalars(select(Delivery.id).where(Delivery.post_id == post.id))).one())
    return ids


async def rows(house: House, *ids: str) -> list[Delivery]:
    async with house.db.read() as session:
        return [await session.get_one(Delivery, key) for key in ids]


async def seen(house: House, *ids: str) -> list[Choice]:
    return [Choice(row.id, row.attempt, row.revision) for row in await rows(house, *ids)]


async def run(house: House, twins: Twins, seconds: float = 0) -> None:
    twins.advance(seconds=seconds)
    while await sweep.refresh_due(house) + await sweep.publish_due(house):
        pass


async def told(house: House, topic: str) -> Sequence[Notice]:
    async with house.db.read() as session:
        return (await session.scalars(select(Notice).where(Notice.topic == topic))).all()


async def posted(house: House) -> None:
    """As if Slack had been told everything."""
    async with house.db.write() as session:
        for notice in (await session.scalars(select(Notice))).all():
            notice.state, notice.sent_version = "posted", notice.version


async def test_what_comes_later_joins_the_message_that_still_asks(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        first = await queued(house, connection, 5, 6)
        await run(house, twins, HOUR)
        (offer,) = await told(house, "late")
        await posted(house)
        second = await queued(house, connection, 5)
        await run(house, twins, HOUR)
        assert {row.offer_id for row in await rows(house, *first, *second)} == {offer.id}
        assert [notice.id for notice in await told(house, "late")] == [offer.id]
        (reply,) = await told(house, "late.more")
        assert (reply.root_id, reply.facts, reply.broadcast) == (offer.id, {"posts": 1}, True)

        async with database.write() as session:
            actor = Actor(connection.workspace_id, "U1")
            choices = await seen(house, *first, *second)
            await deciding.drop(session, actor, choices, house.clock.now())
        third = await queued(house, connection, 5)
        await run(house, twins, HOUR)
        (row,) = await rows(house, *third)
        assert row.offer_id != offer.id and len(await told(house, "late")) == 2
        assert not twins.world.ledger.posts("")


async def test_four_processes_that_find_them_late_ask_once(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        ids = await queued(house, connection, *range(5, 25))
        twins.advance(seconds=HOUR)
        houses = [another(house, f"process-{number}") for number in range(4)]
        await asyncio.gather(*(sweep.publish_due(one) for one in houses))
        await run(house, twins)
        (offer,) = await told(house, "late")
        found = await rows(house, *ids)
        assert {(row.state, row.late, row.next_at, row.offer_id) for row in found} == {
            ("blocked", True, None, offer.id)
        }
        assert not await told(house, "late.more")


async def test_what_waited_for_a_platform_too_long_is_asked_about(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        ids = await queued(house, connection, 1, 2)
        async with database.write() as session:
            for _ in range(breaker.OPENS_AFTER):
                await breaker.silent(session, "x", house.clock.now())
        await run(house, twins, 130)
        assert {row.reason for row in await rows(house, *ids)} == {holding.Hold.WAITING}
        twins.advance(seconds=HOUR)
        async with database.write() as session:
            await breaker.answered(session, "x", house.clock.now())
        await run(house, twins, HOUR)
        assert {(row.state, row.late) for row in await rows(house, *ids)} == {("blocked", True)}
        assert len(await told(house, "late")) == 1 and not twins.world.ledger.posts("")


@pytest.mark.parametrize("why", ["gap", "limit", "upload"])
async def test_a_prepared_post_that_stood_still_is_asked_about_and_a_long_upload_is_not(
    twins: Twins, database: Database, tmp_path: Path, why: str
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        (delivery_id,) = await with_a_picture(house, twins, connection)
        twins.world.set_fault("container_slow", "instagram", value=40)
        await run(house, twins)
        for _ in range(0 if why == "gap" else 35):
            await run(house, twins, 60)
        (row,) = await rows(house, delivery_id)
        assert (row.state, row.late) == ("preparing", False) and row.handles
        if why == "limit":
            async with database.write() as session:
                refused = await session.get_one(Delivery, delivery_id)
                refused.reason, refused.steps = Reason.RATE_LIMIT, 1
        await run(house, twins, HOUR if why == "gap" else 60)
        for _ in range(12):
            await run(house, twins, 60)
        (row,) = await rows(house, delivery_id)
        asked = why != "upload"
        assert (row.state, row.late) == (("blocked", True) if asked else ("published", False))
        assert len(await told(house, "late")) == asked
        assert len(twins.world.ledger.posts("")) == (not asked)


async def test_what_a_look_proves_absent_is_asked_about_when_it_would_be_late(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        (delivery_id,) = await with_a_picture(house, twins, connection)
        twins.world.set_fault("lost_before", "instagram", group="publish", count=1)
        for _ in range(3):
            await run(house, twins, 20)
        (row,) = await rows(house, delivery_id)
        assert row.state in ("sending", "unconfirmed"), row.state
        async with database.write() as session:
            past = (await database.lease_now(session)) - timedelta(seconds=1)
            await session.execute(update(Delivery).values(sending_over_at=past, lease_until=past))
        for _ in range(4):
            await run(house, twins, HOUR)
        (row,) = await rows(house, delivery_id)
        assert (row.state, row.late, len(await told(house, "late"))) == ("blocked", True, 1)
        assert not twins.world.ledger.posts("")


async def test_late_posts_are_moved_apart_in_their_order_once(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        ids = await queued(house, connection, 7, 5, 6)
        await run(house, twins, HOUR)
        choices, start = await seen(house, *ids), house.clock.now() + timedelta(days=1)
        actor = Actor(connection.workspace_id, "U1")

        async def move() -> Outcome:
            async with database.write() as session:
                now = house.clock.now()
                return await replanning.move(session, actor, choices, start, now, timedelta(hours=1))

        await move()
        dues = [(row.due_at - start) / timedelta(hours=1) for row in await rows(house, *ids)]
        assert dues == [2.0, 0.0, 1.0]
        assert (await move()).repeated
        await run(house, twins, 24 * HOUR)
        for _ in ids:
            await run(house, twins, HOUR)
        entries = twins.world.ledger.posts("")
        wanted = [row.external_id for row in sorted(await rows(house, *ids), key=lambda row: row.due_at)]
        assert [entry.detail["id"] for entry in entries] == wanted


async def test_a_failed_post_is_corrected_and_goes_out_only_where_it_failed(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        (failed,) = await queued(house, connection, 0)
        twins.world.set_fault("credits_depleted", "x")
        await run(house, twins)
        (row,) = await rows(house, failed)
        assert row.state == "failed", (row.state, row.reason)
        twins.world.faults.clear()
        (choice,) = await seen(house, failed)
        actor = Actor(connection.workspace_id, "U1")

        async def correct(text: str) -> Outcome:
            async with database.write() as session:
                now = house.clock.now()
                return await editing.edit_failed(session, house, actor, [choice], Edit(text), now)

        async with house.db.read() as session:
            old = (await session.get_one(Post, row.post_id)).text
        with pytest.raises(Refused, match="changed nothing"):
            await correct(old)
        answers = await asyncio.gather(*(correct("Better bread") for _ in range(10)))
        assert sorted(answer.repeated for answer in answers) == [False] + [True] * 9
        await run(house, twins)
        assert [entry.detail["text"] for entry in twins.world.ledger.posts("")] == ["Better bread"]
        with pytest.raises(NotCurrent):
            await correct("Too late")


async def test_what_a_backup_had_goes_out_at_its_time_when_it_is_kept(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        ids = await queued(house, connection, 60, 120)
        async with database.write() as session:
            held = [await session.get_one(Delivery, key) for key in ids]
            await holding.offer(session, held, house.clock.now(), holding.Hold.RESTORED)
        choices = await seen(house, *ids)
        await run(house, twins, 70 * 60)
        assert not twins.world.ledger.posts("")
        async with database.write() as session:
            actor = Actor(connection.workspace_id, "U1")
            await deciding.send_late(session, actor, choices, house.clock.now())
        await run(house, twins, 5)
        assert [row.state for row in await rows(house, *ids)] == ["published", "scheduled"]
        await run(house, twins, 51 * 60)
        assert len(twins.world.ledger.posts("")) == 2
