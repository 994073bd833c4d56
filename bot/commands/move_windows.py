"""The window in which posts get another time: one of the queue, or several that waited too long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.commands import outcomes, windows
from bot.commands.desk import Desk
from bot.commands.edit_windows import DOING, Again, choices_of, current, said_alone
from bot.commands.requests import Press, PressHandler, listen_for_press, read_choices
from bot.commands.who import Asker, demand_member
from bot.domain import replanning
from bot.domain.deciding import Outcome
from bot.domain.errors import NotCurrent, Refused
from bot.domain.pictures import posts
from bot.messages import actions
from bot.messages import queue as messages
from bot.messages.blocks import Block
from bot.messages.message import Message
from storage import clients as client_rows
from storage.deliveries import BEFORE_RETURN
from storage.pictures import Item


def opening(again: Again) -> PressHandler:
    """The handler of a button that opens the window."""

    async def handler(desk: Desk, press: Press) -> Message | None:
        items = await current(desk, press, BEFORE_RETURN)
        if not items:
            return await again(desk, press, await outcomes.stale(desk, press.asker, read_choices(press)))
        view = window(desk, items, press.channel_id)
        await desk.gateway.open_view(press.asker.actor.workspace_id, press.trigger_id, view)
        return None

    return handler


def window(desk: Desk, items: Sequence[Item], channel_id: str | None) -> Block:
    """For these deliveries, in the order in which they were due."""
    at = max(items[0].delivery.due_at, desk.house.clock.now())
    shown = [posts.shown(desk.house, item) for item in items]
    return messages.move_modal(shown, int(at.timestamp()), windows.metadata(choices_of(items), channel_id))


async def move(desk: Desk, asker: Asker, ack: AsyncAck, view: Mapping[str, Any]) -> None:
    """Gives them another time, or says why not. A second Submit is the same one."""
    demand_member(asker, DOING)
    choices = windows.read_carried(view).choices
    at = windows.entered(view, messages.AT).get("selected_date_time")
    if not isinstance(at, int):
        await ack(response_action="errors", errors={messages.AT: "Choose a time."})
        return
    due_at, apart = datetime.fromtimestamp(at, UTC), _apart(view)
    try:
        async with desk.house.db.write() as session:
            now = desk.house.clock.now()
            outcome = await replanning.move(session, asker.actor, choices, due_at, now, apart)
    except NotCurrent:
        said = await outcomes.stale(desk, asker, choices)
        await ack(response_action="errors", errors={messages.AT: messages.without_marks(said)})
        return
    except Refused as refused:
        await ack(response_action="errors", errors={messages.AT: refused.text})
        return
    desk.house.wake.all()
    said = await outcomes.done(desk, asker, outcome, await _moved(desk, asker, outcome))
    await windows.answer_with(ack, messages.done_modal("Move", said))


def _apart(view: Mapping[str, Any]) -> timedelta:
    chosen = windows.entered(view, messages.APART).get("selected_option") or {}
    seconds = str(chosen.get("value") or "")
    return timedelta(seconds=int(seconds)) if seconds in messages.APARTS else timedelta(0)


async def _moved(desk: Desk, asker: Asker, outcome: Outcome) -> str:
    async with desk.house.db.read() as session:
        client = await client_rows.get(session, asker.actor.workspace_id, outcome.changed[0].client_id)
    zone = client.zone if client is not None else "UTC"
    dues = [row.due_at for row in outcome.changed]
    return messages.moved_words(min(dues), max(dues), zone, asker.zone)


def register(app: AsyncApp, desk: Desk, again: Again) -> None:
    """*Move* in the queue and under late posts, and the window. `again`: the queue's list."""
    listen_for_press(app, desk, actions.QUEUE_MOVE, opening(again), replaces=True)
    listen_for_press(app, desk, actions.MOVE_LATE, opening(said_alone))
    windows.listen_for_submit(app, desk, actions.QUEUE_MOVER, move)
