"""The shared check before posts are released or sent again: found nothing, it goes on; else a window asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands import home, outcomes, windows
from bot.commands.desk import Desk
from bot.commands.requests import Command
from bot.commands.who import Asker, demand_member
from bot.domain import deciding
from bot.domain.deciding import Choice, Decision
from bot.domain.errors import NotCurrent
from bot.domain.examining import Findings, examine, standing_ones
from bot.domain.house import House
from bot.domain.pictures import checking, posts
from bot.domain.pictures import queue as pictures
from bot.messages import actions, queue_windows
from bot.messages import releasing as messages
from bot.messages.blocks import Block
from bot.messages.checking import Moved
from storage.pictures import Item

DOING = "send posts"
RETRY, LATE = "retry", "late"
RULES: Mapping[str, Decision] = {RETRY: deciding.retry, LATE: deciding.send_late}


async def asked_first(
    desk: Desk,
    asker: Asker,
    choices: Sequence[Choice],
    kind: str,
    channel_id: str | None,
    home_place: str = "",
) -> Block | None:
    """The window that asks; None where nothing is worth a word, or nothing is as it was seen. `home_place`:
    of the Home tab that it opens from."""
    async with desk.house.db.read() as session:
        items, found = await _examined(session, desk.house, asker, choices)
    if not found.asked:
        return None
    shown = [posts.shown(desk.house, item) for item in items]
    labels = {item.connection.id: one.account.bare for item, one in zip(items, shown, strict=True)}
    zone = items[0].client.zone
    moved = [Moved(one.account.bare, at) for one, at in zip(shown, found.apart, strict=False)]
    return messages.release_modal(
        messages.Releasing(
            posts=len({item.post.id for item in items}),
            slug=items[0].client.slug,
            warned=tuple(checking.warning(desk.house, one, labels, zone) for one in found.warned),
            costs=tuple(checking.cost(desk.house, one) for one in found.costs),
            metadata=windows.metadata(choices, channel_id, kind=kind, home=home_place),
            moved=tuple(moved),
            zone=zone,
        )
    )


async def _examined(
    session: AsyncSession, house: House, asker: Asker, choices: Sequence[Choice]
) -> tuple[list[Item], Findings]:
    now = house.clock.now()
    seen = await pictures.of_choices(session, asker.actor.workspace_id, choices)
    items = [item for item, is_current in seen if is_current]
    proposed = [one for item in items for one in standing_ones(house, [item], max(item.delivery.due_at, now))]
    found = await examine(session, house, proposed, leaving_out=[item.delivery.id for item in items])
    return items, found


async def submit(desk: Desk, asker: Asker, ack: AsyncAck, view: Mapping[str, Any]) -> str:
    """Sends them after all, at once or moved apart, and what came of it. A second Submit changes nothing."""
    demand_member(asker, DOING)
    carried = windows.read_carried(view)
    rule = RULES.get(carried.words.get("kind", ""), deciding.retry)
    how = windows.entered(view, messages.APART).get("selected_option") or {}
    try:
        async with desk.house.db.write() as session:
            moments = await _moments(session, desk.house, asker, carried.choices, str(how.get("value")))
            now = desk.house.clock.now()
            outcome = await rule(session, asker.actor, carried.choices, now)
            deciding.put_off(outcome, moments)
    except NotCurrent:
        said = await outcomes.stale(desk, asker, carried.choices)
        await windows.answer_with(ack, queue_windows.done_modal("Send these?", said, sign="◽"))
        return said
    desk.house.wake.all()
    said = await outcomes.done(desk, asker, outcome, "on its way")
    await windows.answer_with(ack, queue_windows.done_modal("Send these?", said))
    return said


async def _moments(
    session: AsyncSession, house: House, asker: Asker, choices: Sequence[Choice], how: str
) -> dict[str, datetime]:
    """When each goes out, by the delivery, where they are moved apart."""
    if how != messages.SPREAD:
        return {}
    items, found = await _examined(session, house, asker, choices)
    return {item.delivery.id: at for item, at in zip(items, found.apart, strict=False)}


def register(app: AsyncApp, desk: Desk, commands: Sequence[Command]) -> None:
    """The window's Submit; the Home tab behind it is drawn again. `commands`: below all in Home."""

    async def submitted(desk: Desk, asker: Asker, ack: AsyncAck, view: Mapping[str, Any]) -> None:
        said = await submit(desk, asker, ack, view)
        seen = windows.read_carried(view).words.get("home", "")
        if seen:
            await home.redraw_behind(desk, asker, seen, said, commands)

    windows.listen_for_submit(app, desk, actions.RELEASE, submitted)
