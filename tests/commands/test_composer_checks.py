"""The shared check in the composer: what it reads, what it asks, and what an answer does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from bot.domain import posting
from bot.domain.auditing import Actor
from bot.domain.checking_posts import Cost, Planned, Proposed, Warned, Worry
from bot.domain.examining import Findings, examine, standing_ones
from bot.platforms.base import Content
from storage import pictures
from storage.models import Delivery
from tests.commands.scene import Scene


async def test_the_facts_of_the_check(scene: Scene) -> None:
    """Against what stands on all the client's accounts, without the deliveries that are asked about."""
    client_id = await scene.client()
    one, two = [await scene.account(client_id, "x", handle) for handle in ("one", "two")]
    other = await scene.account(await scene.client("bakery"), "x", "bread")
    now, house = scene.house.clock.now(), scene.house
    draft = posting.Draft("key", client_id, (one,), Content(text="Hello"), now + timedelta(hours=1))
    async with house.db.write() as session:
        await posting.queue(session, house, Actor(scene.workspace_id, "U1"), draft, now)
        (row,) = (await session.scalars(select(Delivery))).all()

    async def found(connection_id: str, *, text: str = "Hello", **more: Any) -> Findings:
        proposed = [Proposed(connection_id, "x", Content(text=text), draft.due_at)]
        async with house.db.read() as session:
            return await examine(session, house, proposed, **more)

    same = await found(two)
    assert same.warned == (Warned(Worry.SAME_MINUTE, "x", (two, one)),)
    assert same.apart == (draft.due_at + timedelta(minutes=5),)
    again = await found(one)
    assert [item.worry for item in again.warned] == [Worry.REPEATED]
    assert (await found(one, leaving_out=[row.id])).warned == ()
    async with house.db.read() as session:
        (item,) = await pictures.deliveries(session, scene.workspace_id, Delivery.id == row.id)
        (standing,) = standing_ones(house, [item], now)
    assert (standing.connection_id, standing.content.text, standing.due_at) == (one, "Hello", now)
    assert (await found(other)).warned == (), "another client's posts are no business of this one"
    beside = await found(other, beside=[Planned(other, "x", "Hello", draft.due_at - timedelta(days=1))])
    assert [item.worry for item in beside.warned] == [Worry.REPEATED]
    (refused,) = (await found(two, text="x" * 281)).refused
    assert (refused.platform, refused.problem.field) == ("x", "text")
    assert (await found(two, text="See bakery.com")).costs == (Cost("x", 1, 1, 200),)
