"""The window in which posts get another time: one of the queue, or several that waited too long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.commands import outcomes, wall_time, windows
from bot.commands.composer_form import now_rounded
from bot.commands.desk import Desk
from bot.commands.edit_windows import DOING, Again, choices_of, current, said_alone
from bot.commands.requests import Press, PressHandler, listen_for_press, read_choices
from bot.commands.wall_time import Wall, read_wall
from bot.commands.who import Asker, demand_member
from bot.domain import replanning
from bot.domain.deciding import Outcome
from bot.domain.errors import NotCurrent, Refused
from bot.domain.pictures import posts
from bot.domain.pictures import queue as pictures
from bot.messages import actions, queue_changes, queue_windows
from bot.messages.blocks import Block
from bot.messages.message import Message
from storage.deliveries import BEFORE_RETURN
from storage.models import Client
from storage.pictures import Item


def opening(again: Again) -> PressHandler:
    """The handler of a button that opens the window."""

    async def handler(desk: Desk, press: Press) -> Message | None:
        items = await current(desk, press, BEFORE_RETURN)
        if not items:
            return await again(desk, press, await outcomes.stale(desk, press.asker, read_choices(press)))
        view = window(desk, press.asker, items, press.channel_id)
        await desk.gateway.open_view(press.asker.actor.workspace_id, press.trigger_id, view)
        return None

    return handler


def window(desk: Desk, asker: Asker, items: Sequence[Item], channel_id: str | None) -> Block:
    """For these deliveries of one client, in the order in which they were due: it proposes the first one's
    own time, or a near one where that has passed."""
    now, due = desk.house.clock.now(), items[0].delivery.due_at
    zone = items[0].client.zone
    wall = wall_time.wall_at(due if due > now else now_rounded(now), zone)
    return _window(desk, asker, items, wall, windows.metadata(choices_of(items), channel_id, zone=zone))


def _window(
    desk: Desk, asker: Asker, items: Sequence[Item], wall: Wall, metadata: str, apart: str = ""
) -> Block:
    client = items[0].client
    at = wall_time.shown(wall, client.zone, client.slug, asker.zone)
    return queue_windows.move_modal([posts.shown(desk.house, item) for item in items], at, metadata, apart)


async def _of_view(desk: Desk, asker: Asker, view: Mapping[str, Any]) -> list[Item]:
    """The deliveries that the window is about, whatever became of them. Raises Refused where none is left."""
    async with desk.house.db.read() as session:
        choices = windows.read_carried(view).choices
        found = await pictures.of_choices(session, asker.actor.workspace_id, choices)
    if not found:
        raise Refused(queue_changes.stale_words([]))
    return [item for item, _ in found]


async def reshape(desk: Desk, press: Press) -> None:
    """Another day or time was chosen: what that is for the author, and which of two it is."""
    demand_member(press.asker, DOING)
    view = press.view or {}
    items = await _of_view(desk, press.asker, view)
    again = _again(desk, press.asker, items, view)
    await desk.gateway.update_view(press.asker.actor.workspace_id, str(view["id"]), again)


def _again(desk: Desk, asker: Asker, items: Sequence[Item], view: Mapping[str, Any]) -> Block:
    wall = read_wall(view["state"]["values"], queue_windows.AT)
    return _window(desk, asker, items, wall, str(view.get("private_metadata") or ""), _apart(view))


async def move(desk: Desk, asker: Asker, ack: AsyncAck, view: Mapping[str, Any]) -> None:
    """Gives them another time, or says why not. A second Submit is the same one."""
    demand_member(asker, DOING)
    try:
        items = await _of_view(desk, asker, view)
        client, wall = items[0].client, read_wall(view["state"]["values"], queue_windows.AT)
        if windows.read_carried(view).words.get("zone", client.zone) != client.zone:
            raise Refused(f"{client.slug} is in {client.zone} now. Close this window and press Move again.")
        wrong = wall_time.problems(wall, client.zone, desk.house.clock.now(), queue_windows.AT)
        found = wall.instants(client.zone)
        if wrong:
            await ack(response_action="errors", errors=wrong)
        elif len(found) > 1:
            await windows.answer_with(ack, _again(desk, asker, items, view))
        else:
            await windows.answer_with(ack, await _move_to(desk, asker, found[0], client, view))
    except Refused as refused:
        await ack(response_action="errors", errors={queue_windows.AT.time: refused.text})


async def _move_to(
    desk: Desk, asker: Asker, due_at: datetime, client: Client, view: Mapping[str, Any]
) -> Block:
    choices = windows.read_carried(view).choices
    apart = timedelta(seconds=int(_apart(view) or 0))
    try:
        async with desk.house.db.write() as session:
            now = desk.house.clock.now()
            outcome = await replanning.move(session, asker.actor, choices, due_at, now, apart)
    except NotCurrent as late:
        said = await outcomes.stale(desk, asker, choices)
        raise Refused(queue_changes.without_marks(said)) from late
    desk.house.wake.all()
    said = await outcomes.done(desk, asker, outcome, _moved(outcome, client, asker))
    return queue_windows.done_modal("Move", said)


def _apart(view: Mapping[str, Any]) -> str:
    """A key of APARTS; nothing where the window does not ask."""
    seconds = str(
        (windows.entered(view, queue_windows.APART).get("selected_option") or {}).get("value") or ""
    )
    return seconds if seconds in queue_windows.APARTS else ""


def _moved(outcome: Outcome, client: Client, asker: Asker) -> str:
    dues = [row.due_at for row in outcome.changed]
    return queue_windows.moved_words(min(dues), max(dues), client.zone, asker.zone)


def register(app: AsyncApp, desk: Desk, again: Again) -> None:
    """*Move* in the queue and under late posts, and the window. `again`: the queue's list."""

    listen_for_press(app, desk, actions.QUEUE_MOVE, opening(again), replaces=True)
    listen_for_press(app, desk, actions.MOVE_LATE, opening(said_alone))
    for block in (queue_windows.AT.day, queue_windows.AT.time):
        listen_for_press(app, desk, block, reshape)
    windows.listen_for_submit(app, desk, actions.QUEUE_MOVER, move)
