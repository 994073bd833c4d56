from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.domain import deciding, editing, pausing, posting, replanning
from bot.domain.auditing import Actor
from bot.domain.checking_posts import STAGGER
from bot.domain.deciding import Choice, Outcome
from bot.domain.editing import Edit
from bot.domain.errors import NotCurrent, Refused
from bot.domain.house import House
from bot.domain.posting import DraftProblems
from bot.jobs import sweep
from bot.platforms.base import Wait
from bot.platforms.content import Content, Media, MediaKind
from sandbox.platforms.testing import Twins, jpeg
from storage.database import Database
from storage.models import AuditEvent, Client, Connection, Delivery, Notice, Post
from tests.support import a_client, another, house_at, linked

OLD, NEW = "Fresh bread, every morning", "Fresh rolls, every evening"


async def queued(
    house: House, twins: Twins, *connections: Connection, minutes: float = 10, text: str = OLD
) -> list[str]:
    """A post on these accounts; its deliveries in the order of the accounts."""
    picture = jpeg()
    media: tuple[Media, ...] = ()
    if any(connection.platform == "instagram" for connection in connections):
        url = twins.put("/bread.jpg", picture)
        media = (Media(url, MediaKind.IMAGE, "image/jpeg", len(picture), 1080, 1080),)
    now, first = house.clock.now(), connections[0]
    draft = posting.Draft(
        f"key-{now.timestamp()}-{text}",
        first.client_id,
        tuple(connection.id for connection in connections),
        Content(text=text, media=media),
        now + timedelta(minutes=minutes),
    )
    async with house.db.write() as session:
        post = await posting.queue(session, house, Actor(first.workspace_id, "U1", "C1"), draft, now)
        rows = (await session.execute(select(Delivery).where(Delivery.post_id == post.id))).scalars()
        by_connection = {row.connection_id: row.id for row in rows}
    return [by_connection[connection.id] for connection in connections]


async def both(house: House, twins: Twins) -> list[Connection]:
    """An account on X and one on Instagram, of one client."""
    client = await a_client(house)
    return [await linked(house, twins, key, client) for key in ("x", "instagram")]


async def the(house: House, delivery_id: str) -> Delivery:
    async with house.db.read() as session:
        return await session.get_one(Delivery, delivery_id)


async def post_of(house: House, delivery_id: str) -> Post:
    async with house.db.read() as session:
        row = await session.get_one(Delivery, delivery_id)
        return await session.get_one(Post, row.post_id)


async def seen(house: House, *ids: str) -> list[Choice]:
    """What a person would see now."""
    rows = [await the(house, key) for key in ids]
    return [Choice(row.id, row.attempt, row.revision) for row in rows]


async def edit(house: House, choices: list[Choice], text: str = NEW) -> Outcome:
    row = await the(house, choices[0].delivery_id)
    async with house.db.write() as session:
        now = house.clock.now()
        return await editing.edit(session, house, Actor(row.workspace_id, "U2"), choices, Edit(text), now)


async def press(
    house: House, rule: Callable[..., Awaitable[Outcome]], choices: list[Choice], *more: Any
) -> Outcome:
    row = await the(house, choices[0].delivery_id)
    async with house.db.write() as session:
        actor, now = Actor(row.workspace_id, "U2"), house.clock.now()
        return await rule(session, actor, choices, *more, now)


async def run(house: House, twins: Twins, seconds: float = 0) -> None:
    twins.advance(seconds=seconds)
    for _ in range(4):
        while await sweep.refresh_due(house) + await sweep.publish_due(house):
            pass
        twins.advance(seconds=20)


def texts(twins: Twins, platform: str) -> list[int]:
    """How often the old and the new text are public."""
    return [len(twins.world.ledger.posts(text, platform=platform)) for text in (OLD, NEW)]


@pytest.mark.parametrize("platform", ["x", "instagram"])
async def test_an_edit_between_prepare_and_send_is_what_goes_out(
    twins: Twins, database: Database, tmp_path: Path, platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The container stands already and the marker is the very next step: the old text never leaves."""
    async with house_at(twins, database, tmp_path) as house:
        (delivery_id,) = await queued(house, twins, await linked(house, twins, platform), minutes=0)
        adapter, edits = type(house.platforms[platform]), 0
        prepare = adapter.prepare

        async def edited_meanwhile(*args: Any) -> Any:
            nonlocal edits
            made = await prepare(*args)
            if edits == 0 and not isinstance(made, Wait):
                edits += 1
                outcome = await edit(house, await seen(house, delivery_id))
                assert len(outcome.changed) == 1
            return made

        monkeypatch.setattr(adapter, "prepare", edited_meanwhile)
        await run(house, twins, 1)
        await run(house, twins, 60)
        assert edits == 1
        assert (await the(house, delivery_id)).state == "published"
        assert texts(twins, platform) == [0, 1]


async def test_an_edit_while_containers_stand_makes_them_anew(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        (delivery_id,) = await queued(house, twins, await linked(house, twins, "instagram"), minutes=0)
        await sweep.publish_due(house)
        before = await the(house, delivery_id)
        assert before.state == "preparing" and before.handles is not None
        await edit(house, await seen(house, delivery_id))
        after = await the(house, delivery_id)
        assert (after.state, after.handles, after.lease_owner) == ("scheduled", None, None)
        assert (after.revision, (await post_of(house, delivery_id)).revision) == (2, 2)
        await run(house, twins, 60)
        assert texts(twins, "instagram") == [0, 1]


async def test_what_is_sending_stays_as_it_was_sent_and_the_rest_is_edited(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    """The account that is past the point of no return keeps its old post; the other gets one of its own."""
    async with house_at(twins, database, tmp_path) as house:
        x, instagram = await both(house, twins)
        ids = await queued(house, twins, x, instagram)
        async with house.db.write() as session:
            (await session.get_one(Delivery, ids[0])).state = "sending"
        choices = await seen(house, *ids)
        outcome = await edit(house, choices)
        assert [row.id for row in outcome.changed] == [ids[1]] and outcome.left == (choices[0],)
        old, new = await post_of(house, ids[0]), await post_of(house, ids[1])
        assert (old.text, new.text) == (OLD, NEW) and old.id != new.id
        assert (old.revision, new.revision) == (1, 2) and new.media == old.media
        assert (new.due_at, new.author, new.client_id) == (old.due_at, old.author, old.client_id)
        await run(house, twins, 700)
        assert texts(twins, "instagram") == [0, 1]
        with pytest.raises(NotCurrent):
            await edit(house, await seen(house, ids[1]), "Third")


async def test_a_stale_edit_changes_nothing(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        (delivery_id,) = await queued(house, twins, await linked(house, twins, "x"))
        stale = await seen(house, delivery_id)
        await edit(house, stale, "First")
        with pytest.raises(NotCurrent):
            await edit(house, stale, "Second")
        post = await post_of(house, delivery_id)
        assert (post.text, post.revision) == ("First", 2)
        repeated = await edit(house, stale, "First")
        assert repeated.repeated, "a second Submit is the same one"
        with pytest.raises(DraftProblems, match="280"):
            await edit(house, await seen(house, delivery_id), "x" * 281)
        async with house.db.read() as session:
            query = select(AuditEvent).where(AuditEvent.action == "post.edited")
            events = (await session.scalars(query)).all()
        assert [event.detail["delivery"] for event in events] == [delivery_id]


async def test_ten_people_edit_at_once_and_one_is_taken(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        (delivery_id,) = await queued(house, twins, await linked(house, twins, "x"))
        stale = await seen(house, delivery_id)

        async def attempt(number: int) -> int | None:
            try:
                await edit(house, stale, f"Text {number}")
            except NotCurrent:
                return None
            return number

        taken = [won for won in await asyncio.gather(*(attempt(n) for n in range(10))) if won is not None]
        post = await post_of(house, delivery_id)
        assert len(taken) == 1 and post.text == f"Text {taken[0]}" and post.revision == 2


async def test_moved_posts_go_out_at_the_new_time(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        (delivery_id,) = await queued(house, twins, await linked(house, twins, "x"))
        due = house.clock.now() + timedelta(hours=3)
        stale = await seen(house, delivery_id)
        await press(house, replanning.move, stale, due)
        assert (await post_of(house, delivery_id)).due_at == due
        assert (await press(house, replanning.move, stale, due)).repeated
        with pytest.raises(NotCurrent):
            await press(house, replanning.move, stale, due + timedelta(hours=1))
        with pytest.raises(Refused, match="past"):
            past = house.clock.now() - timedelta(hours=1)
            await press(house, replanning.move, await seen(house, delivery_id), past)
        await run(house, twins, 3600)
        assert texts(twins, "x") == [0, 0]
        await run(house, twins, 2 * 3600)
        assert texts(twins, "x") == [1, 0]


async def test_a_moved_account_leaves_the_others_alone(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        x, instagram = await both(house, twins)
        ids = await queued(house, twins, x, instagram)
        before = await post_of(house, ids[0])
        await press(house, replanning.move, await seen(house, ids[0]), before.due_at + timedelta(days=1))
        other, post = await the(house, ids[1]), await post_of(house, ids[0])
        assert (other.revision, post.revision) == (1, 1)
        assert other.due_at == post.due_at == before.due_at
        moved = await edit(house, await seen(house, ids[0]))
        assert moved.changed[0].revision == 3 and (await post_of(house, ids[1])).text == OLD


async def test_the_first_that_can_still_be_moved_goes_out_when_the_first_shall(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    """Somebody cancelled the first of three while the window stood open."""
    async with house_at(twins, database, tmp_path) as house:
        x = await linked(house, twins, "x")
        ids = [(await queued(house, twins, x, text=f"{OLD} {n}", minutes=10 + n))[0] for n in range(3)]
        choices = await seen(house, *ids)
        await press(house, replanning.cancel, choices[:1])
        start, hour = house.clock.now() + timedelta(days=1), timedelta(hours=1)
        async with house.db.write() as session:
            actor, now = Actor(x.workspace_id, "U2"), house.clock.now()
            done = await replanning.move(session, actor, choices, start, now, hour)
        assert [row.due_at - start for row in done.changed] == [timedelta(0), hour]
        assert [choice.delivery_id for choice in done.left] == ids[:1]


async def test_cancelled_posts_can_be_restored_for_a_day(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        (delivery_id,) = await queued(house, twins, await linked(house, twins, "x"), minutes=26 * 60)
        await press(house, replanning.cancel, await seen(house, delivery_id))
        with pytest.raises(NotCurrent):
            await press(house, replanning.cancel, await seen(house, delivery_id))
        await run(house, twins, 3600)
        await press(house, replanning.restore, await seen(house, delivery_id))
        assert (await the(house, delivery_id)).state == "scheduled"
        await press(house, replanning.cancel, await seen(house, delivery_id))
        await run(house, twins, 86_401)
        with pytest.raises(NotCurrent):
            await press(house, replanning.restore, await seen(house, delivery_id))
        await run(house, twins, 7200)
        assert (await the(house, delivery_id)).state == "cancelled" and texts(twins, "x") == [0, 0]


async def test_what_was_dropped_elsewhere_or_disconnected_is_not_restored(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        (dropped,) = await queued(house, twins, connection)
        actor = Actor(connection.workspace_id, "U1")
        async with house.db.write() as session:
            await deciding.drop(session, actor, await seen(house, dropped), house.clock.now())
        with pytest.raises(NotCurrent):
            await press(house, replanning.restore, await seen(house, dropped))
        (cancelled,) = await queued(house, twins, connection, text=NEW)
        await press(house, replanning.cancel, await seen(house, cancelled))
        async with house.db.write() as session:
            (await session.get_one(Connection, connection.id)).state = "disconnected"
        with pytest.raises(NotCurrent):
            await press(house, replanning.restore, await seen(house, cancelled))


async def test_publish_now_is_one_send(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        (delivery_id,) = await queued(house, twins, await linked(house, twins, "x"), minutes=600)
        stale = await seen(house, delivery_id)
        await press(house, replanning.publish_now, stale)
        with pytest.raises(NotCurrent):
            await press(house, replanning.publish_now, stale)
        await run(house, twins)
        assert texts(twins, "x") == [1, 0]
        with pytest.raises(NotCurrent):
            await press(house, replanning.cancel, await seen(house, delivery_id))
        assert (await the(house, delivery_id)).state == "published"


async def test_a_stagger_moves_apart(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        x, instagram = await both(house, twins)
        ids = await queued(house, twins, x, instagram)
        due = (await the(house, ids[0])).due_at
        await press(house, replanning.stagger, await seen(house, *ids))
        assert [(await the(house, key)).due_at - due for key in ids] == [timedelta(0), STAGGER]


async def test_a_pause_holds_and_a_resume_lets_go_what_is_on_time(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        late = (await queued(house, twins, connection, minutes=5, text="Late"))[0]
        soon = (await queued(house, twins, connection, minutes=100, text=NEW))[0]
        await pause(house, connection.client_id)
        await run(house, twins, 6 * 60)
        held = await the(house, late)
        assert (held.state, held.reason) == ("blocked", "paused")
        await run(house, twins, 98 * 60)
        assert await resume(house, connection.client_id) == (1, 1)
        await run(house, twins)
        assert ((await the(house, late)).state, (await the(house, late)).late) == ("blocked", True)
        assert (await the(house, soon)).state == "published"
        async with house.db.read() as session:
            (offer,) = (await session.scalars(select(Notice).where(Notice.topic == "late"))).all()
        assert (await the(house, late)).offer_id == offer.id
        assert await resume(house, connection.client_id) == (0, 0), "ten presses are one"


async def test_a_pause_at_the_last_moment_stops_what_is_being_prepared(
    twins: Twins, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a resume at that moment leaves nothing behind."""
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        (delivery_id,) = await queued(house, twins, connection, minutes=0)
        adapter, calls = type(house.platforms["x"]), 0
        prepare = adapter.prepare

        async def paused_meanwhile(*args: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == 1:
                await pause(house, connection.client_id)
            return await prepare(*args)

        monkeypatch.setattr(adapter, "prepare", paused_meanwhile)
        await run(house, twins, 1)
        assert (await the(house, delivery_id)).state == "blocked" and texts(twins, "x") == [0, 0]
        await resume(house, connection.client_id)
        await run(another(house, "two"), twins)
        assert (await the(house, delivery_id)).state == "published"


async def test_pausing_everything_leaves_a_clients_own_pause(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        first = await linked(house, twins, "x")
        other = await linked(house, twins, "instagram", await a_client(house, "client-b"))
        (a,) = await queued(house, twins, first, minutes=5)
        (b,) = await queued(house, twins, other, minutes=5)
        actor = Actor(first.workspace_id, "U1")
        await pause(house, other.client_id)
        async with house.db.write() as session:
            assert await pausing.pause_all(session, actor, house.clock.now())
            assert not await pausing.pause_all(session, actor, house.clock.now())
        await run(house, twins, 400)
        assert {(await the(house, key)).state for key in (a, b)} == {"blocked"}
        async with house.db.write() as session:
            assert await pausing.resume_all(session, house, actor, house.clock.now()) == (1, 0)
        await run(house, twins)
        assert [(await the(house, key)).state for key in (a, b)] == ["published", "blocked"]


async def pause(house: House, client_id: str) -> bool:
    async with house.db.write() as session:
        client = await session.get_one(Client, client_id)
        actor = Actor(client.workspace_id, "U1")
        return await pausing.pause(session, actor, client, house.clock.now())


async def resume(house: House, client_id: str) -> tuple[int, int]:
    async with house.db.write() as session:
        client = await session.get_one(Client, client_id)
        actor = Actor(client.workspace_id, "U1")
        return await pausing.resume(session, house, actor, client, house.clock.now())
