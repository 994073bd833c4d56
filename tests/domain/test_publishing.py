from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.domain import deciding, posting, second_look
from bot.domain.auditing import Actor
from bot.domain.errors import NotCurrent
from bot.domain.house import House
from bot.jobs import sweep
from bot.platforms.content import Content, Media, MediaKind
from sandbox.platforms import testing_meta
from sandbox.platforms.testing import Twins, jpeg
from storage.database import Database
from storage.models import Connection, Delivery, Notice
from tests.domain.logins import link_first
from tests.support import Killed, a_client, an_invitation, another, grant_of, house_at, linked, walk

TEXT = "Fresh bread, every morning"


async def queued(house: House, twins: Twins, *connections: Connection, minutes: float = 0) -> list[str]:
    """A post on these accounts; the deliveries' ids."""
    picture = jpeg()
    url = twins.put("/bread.jpg", picture)
    needs_media = any(connection.platform == "instagram" for connection in connections)
    media = (Media(url, MediaKind.IMAGE, "image/jpeg", len(picture), 1080, 1080),) if needs_media else ()
    first = connections[0]
    now = house.clock.now()
    draft = posting.Draft(
        f"key-{now.timestamp()}",
        first.client_id,
        tuple(connection.id for connection in connections),
        Content(text=TEXT, media=media),
        now + timedelta(minutes=minutes),
    )
    async with house.db.write() as session:
        post = await posting.queue(session, house, Actor(first.workspace_id, "U1", "C1"), draft, now)
        rows = await session.execute(select(Delivery.id).where(Delivery.post_id == post.id))
        return list(rows.scalars())


async def the(house: House, delivery_id: str) -> Delivery:
    async with house.db.read() as session:
        return await session.get_one(Delivery, delivery_id)


async def run(house: House, twins: Twins, seconds: float = 0) -> None:
    """Lets time pass and does all that is due."""
    twins.advance(seconds=seconds)
    while await sweep.refresh_due(house) + await sweep.publish_due(house):
        pass


async def pass_the_lease_clock(house: House) -> None:
    async with house.db.write() as session:
        past = (await house.db.lease_now(session)) - timedelta(seconds=1)
        await session.execute(update(Delivery).values(sending_over_at=past, lease_until=past))


async def told(house: House, topic: str) -> list[Notice]:
    async with house.db.read() as session:
        return list((await session.execute(select(Notice).where(Notice.topic == topic))).scalars())


@pytest.mark.parametrize("platform", ["x", "instagram"])
async def test_a_queued_post_goes_out_once_at_its_time(
    twins: Twins, database: Database, tmp_path: Path, platform: str
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, platform)
        (delivery_id,) = await queued(house, twins, connection, minutes=10)
        await run(house, twins)
        assert (await the(house, delivery_id)).state == "scheduled"
        await run(house, twins, 601)
        await run(house, twins, 60)
        delivery = await the(house, delivery_id)
        assert delivery.state == "published" and delivery.permalink and delivery.external_id
        assert len(twins.world.ledger.posts(TEXT, platform=platform)) == 1
        (day,) = await told(house, "day")
        (said,) = await told(house, "published")
        assert said.root_id == day.id


@pytest.mark.parametrize("platform", ["x", "instagram"])
@pytest.mark.parametrize("fault", ["lost_after", "lost_before", "unavailable", "html_error", "slow"])
async def test_an_unclear_send_ends_in_one_post_or_a_question(
    twins: Twins, database: Database, tmp_path: Path, platform: str, fault: str
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, platform)
        (delivery_id,) = await queued(house, twins, connection)
        value = 5 if fault == "slow" else None
        twins.world.set_fault(fault, platform, group="publish", count=1, value=value)
        await run(house, twins)
        await run(house, twins, 60)
        for _ in range(8):
            await pass_the_lease_clock(house)
            await run(house, twins, 600)
        delivery = await the(house, delivery_id)
        count = len(twins.world.ledger.posts(TEXT, platform=platform))
        if delivery.state == "published":
            assert count == 1 and delivery.external_id
        else:
            assert delivery.state == "unconfirmed" and delivery.next_at is None and count <= 1
            assert [notice.facts["what"] for notice in await told(house, "post.news")] == ["unconfirmed"]
        if fault == "lost_after":
            assert delivery.state == "published"


async def test_what_is_ready_and_never_taken_is_told_and_not_tried_for_a_day(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    testing_meta.populate(twins)
    async with house_at(twins, database, tmp_path, platforms=("threads",)) as house:
        connection = await link_first(house, twins, "threads", testing_meta.THREADER)
        (delivery_id,) = await queued(house, twins, connection)
        twins.world.set_fault("id_late", "threads", group="publish")  # "no such container", however long
        for _ in range(12):
            await run(house, twins, 600)
        delivery = await the(house, delivery_id)
        assert (delivery.state, delivery.code) == ("failed", "24/4279009")
        assert [notice.facts["what"] for notice in await told(house, "post.news")] == ["failed"]
        assert twins.world.ledger.posts(TEXT, platform="threads") == []


async def test_a_dead_connection_holds_and_a_relink_lets_go(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        connection = await linked(house, twins, "x", client)
        ids = [(await queued(house, twins, connection, minutes=5))[0]]
        twins.world.set_fault("revoked", "x", account=connection.account_id)
        await run(house, twins, 301)
        assert {(await the(house, key)).state for key in ids} == {"blocked"}
        assert (await grant_of(house, connection)).state == "dead"
        assert len(await told(house, "incident")) == 1
        await walk(house, twins, await an_invitation(house, client, "x", connection.id))
        await run(house, twins)
        assert {(await the(house, key)).state for key in ids} == {"published"}
        assert len(twins.world.ledger.posts(TEXT, platform="x")) == 1
        assert "relinked" in {notice.facts["what"] for notice in await told(house, "incident.news")}


async def test_what_became_late_is_offered_in_one_message_never_fired(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        connection = await linked(house, twins, "x", client)
        ids = [(await queued(house, twins, connection, minutes=minute))[0] for minute in (5, 6, 7)]
        twins.world.set_fault("revoked", "x", account=connection.account_id)
        await run(house, twins, 500)
        twins.advance(hours=2)
        await walk(house, twins, await an_invitation(house, client, "x", connection.id))
        await run(house, twins)
        assert {(await the(house, key)).state for key in ids} == {"blocked"}
        (offer,) = await told(house, "late")
        assert {(await the(house, key)).offer_id for key in ids} == {offer.id}
        actor = Actor(client.workspace_id, "U1")
        choices = [deciding.Choice(key, 1, 1) for key in ids]
        async with database.write() as session:
            await deciding.send_late(session, actor, choices, house.clock.now())
        for _ in range(8):
            await run(house, twins, 10)
        # X takes the text once and calls the other two copies: they are looked for, then asked about.
        assert len(twins.world.ledger.posts(TEXT, platform="x")) == 1
        states = [(await the(house, key)).state for key in ids]
        assert states == ["published", "unconfirmed", "unconfirmed"]


async def test_after_downtime_late_posts_are_offered(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        ids = [(await queued(house, twins, connection, minutes=minute))[0] for minute in (5, 6)]
        await run(house, twins, 3 * 3600)
        assert {(await the(house, key)).state for key in ids} == {"blocked"}
        assert len(await told(house, "late")) == 1
        assert not twins.world.ledger.posts(TEXT)


async def test_ten_presses_of_retry_are_one_send(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        (delivery_id,) = await queued(house, twins, connection)
        twins.world.set_fault("credits_depleted", "x")
        await run(house, twins)
        failed = await the(house, delivery_id)
        assert (failed.state, failed.reason) == ("failed", "credits")
        twins.world.faults.clear()
        actor = Actor(connection.workspace_id, "U1")

        async def press() -> bool:
            try:
                async with database.write() as session:
                    choice = deciding.Choice(delivery_id, 1, 1)
                    await deciding.retry(session, actor, [choice], house.clock.now())
            except NotCurrent:
                return False
            return True

        assert sorted(await asyncio.gather(*(press() for _ in range(10))))[-1:] == [True]
        await run(house, twins)
        after = await the(house, delivery_id)
        assert (after.state, after.attempt) == ("published", 2)
        assert len(twins.world.ledger.posts(TEXT)) == 1
        assert await press() is False


async def test_four_processes_publish_each_post_once(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        first = await linked(house, twins, "x", client)
        second = await linked(house, twins, "instagram", client)
        for _ in range(3):
            await queued(house, twins, second)
        await queued(house, twins, first)
        houses = [another(house, f"process-{number}") for number in range(4)]
        for _ in range(6):
            await asyncio.gather(*(sweep.publish_due(one) for one in houses))
            twins.advance(seconds=30)
        async with database.read() as session:
            states = set((await session.execute(select(Delivery.state))).scalars())
        assert states == {"published"}
        assert len(twins.world.ledger.posts(TEXT, platform="instagram")) == 3
        assert len(twins.world.ledger.posts(TEXT, platform="x")) == 1


async def test_due_order_is_kept_on_one_account(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        late = (await queued(house, twins, connection, minutes=3))[0]
        early = (await queued(house, twins, connection, minutes=1))[0]
        twins.advance(seconds=200)
        for _ in range(6):
            await run(house, twins, 10)
        async with database.read() as session:
            rows = await session.execute(
                select(Delivery.id).where(Delivery.state == "published").order_by(Delivery.published_at)
            )
        assert list(rows.scalars()) == [early, late]


async def test_another_workspace_cannot_decide(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        (delivery_id,) = await queued(house, twins, connection, minutes=5)
        with pytest.raises(NotCurrent):
            async with database.write() as session:
                choice = deciding.Choice(delivery_id, 1, 1)
                await deciding.drop(session, Actor("f" * 32, "U9"), [choice], datetime.now().astimezone())
        assert (await the(house, delivery_id)).state == "scheduled"


async def test_a_process_that_dies_at_the_marker_leaves_a_look_not_a_second_send(
    twins: Twins, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the call took effect, before its answer was stored."""
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        (delivery_id,) = await queued(house, twins, connection)

        async def killed(*_: Any) -> None:
            raise Killed

        with monkeypatch.context() as patched:
            patched.setattr("bot.domain.delivering.sent_off", killed)
            with pytest.raises(Killed):
                await sweep.publish_due(house)
        assert (await the(house, delivery_id)).state == "sending"
        second = another(house, "second")
        await run(second, twins, 30)
        assert (await the(house, delivery_id)).state == "sending"  # it may still be on its way
        for _ in range(3):
            await pass_the_lease_clock(house)
            await run(second, twins, 30)
        assert (await the(house, delivery_id)).state == "published"
        assert len(twins.world.ledger.posts(TEXT)) == 1


async def test_a_refused_token_is_renewed_and_the_post_goes_on(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        (delivery_id,) = await queued(house, twins, connection)
        twins.world.set_fault("expired", "x", account=connection.account_id)
        for _ in range(3):
            await run(house, twins, 20)
        assert (await the(house, delivery_id)).state == "published"
        assert (await grant_of(house, connection)).generation == 2
        assert not await told(house, "incident")


async def test_an_outage_at_publishing_does_not_doubt_the_connection(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        (delivery_id,) = await queued(house, twins, connection)
        twins.world.set_fault("unavailable", "instagram", group="prepare")
        await run(house, twins)
        assert (await the(house, delivery_id)).state == "preparing"
        await second_look.tend(house, await grant_of(house, connection))
        assert (await grant_of(house, connection)).state == "live"
        twins.world.faults.clear()
        for _ in range(4):
            await run(house, twins, 60)
        assert (await the(house, delivery_id)).state == "published"
