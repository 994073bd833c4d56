"""Choosing some of several posts that wait or failed: a window with a list, a page at a time.

What is ticked carries what the person saw, attempt and revision. Sending and dropping are one conditional
update each; dropping asks first; another time is asked for in a window of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.commands import move_windows, outcomes, releasing, windows
from bot.commands.desk import Desk
from bot.commands.requests import OLD_BUTTON, Press, listen_for_press
from bot.commands.who import Asker, demand_member
from bot.domain import deciding
from bot.domain.deciding import Choice
from bot.domain.errors import NotCurrent, Refused
from bot.domain.pictures import posts
from bot.domain.pictures import queue as pictures
from bot.messages import actions, queue_windows
from bot.messages import choosing as messages
from bot.messages.blocks import Block
from storage import pictures as rows
from storage.pictures import Item

DOING = "decide about posts"
OFFER, FAILED = "offer", "failed"
READ = {OFFER: rows.offered, FAILED: rows.failed}


async def open_chooser(desk: Desk, press: Press) -> None:
    """The window, at its first page."""
    demand_member(press.asker, DOING)
    view = await _page(desk, press.asker, press.value, 0, press.channel_id)
    await desk.gateway.open_view(press.asker.actor.workspace_id, press.trigger_id, view)


async def turn_page(desk: Desk, press: Press) -> None:
    """Another page in the same window."""
    demand_member(press.asker, DOING)
    view = press.view or {}
    carried = windows.read_carried(view)
    page = int(press.value) if press.value.isascii() and press.value.isdigit() else 0
    shown = await _page(desk, press.asker, carried.words.get("of", ""), page, carried.channel_id)
    await desk.gateway.update_view(press.asker.actor.workspace_id, str(view.get("id")), shown)


async def _page(desk: Desk, asker: Asker, of: str, page: int, channel_id: str | None) -> Block:
    kind, _, key = of.partition(":")
    if kind not in READ:
        raise Refused(OLD_BUTTON)
    workspace_id = asker.actor.workspace_id
    async with desk.house.db.read() as session:
        found, total = await READ[kind](session, workspace_id, key, page * messages.PAGE, messages.PAGE)
        if not found and total:  # the last ones of this page were decided about meanwhile
            page = (total - 1) // messages.PAGE
            found, total = await READ[kind](session, workspace_id, key, page * messages.PAGE, messages.PAGE)
    if not found:
        return messages.nothing_left()
    shown = messages.Choosing(
        items=tuple(posts.shown(desk.house, item) for item in found),
        total=total,
        metadata=windows.metadata((), channel_id, of=of),
        page=page,
        can_move=kind == OFFER,
    )
    return messages.chooser(shown)


async def submit(desk: Desk, asker: Asker, ack: AsyncAck, view: Mapping[str, Any]) -> None:
    """Sends what is ticked, or asks how it is meant."""
    demand_member(asker, DOING)
    carried = windows.read_carried(view)
    choices, what = _ticked(view), windows.entered(view, messages.WHAT).get("selected_option") or {}
    if not choices:
        first = next(key for key in view["state"]["values"] if key.startswith(messages.TICKS))
        await ack(response_action="errors", errors={first: "Tick at least one."})
        return
    if what.get("value") == messages.SEND:
        kind = releasing.LATE if carried.words.get("of", "").startswith(OFFER) else releasing.RETRY
        view_of_findings = await releasing.asked_first(desk, asker, choices, kind, carried.channel_id)
        if view_of_findings is not None:
            await windows.answer_with(ack, view_of_findings)
        else:
            await _decide(desk, asker, ack, choices, releasing.RULES[kind], "on its way")
        return
    items = await _current(desk, asker, choices)
    if not items:
        await _say(ack, await outcomes.stale(desk, asker, choices), sign="◽")
    elif what.get("value") == messages.MOVE:
        await windows.answer_with(ack, move_windows.window(desk, asker, items, carried.channel_id))
    else:
        kept = windows.metadata(choices, carried.channel_id)
        asked = messages.drop_asked([posts.shown(desk.house, item) for item in items], kept)
        await windows.answer_with(ack, asked)


def _ticked(view: Mapping[str, Any]) -> list[Choice]:
    found: list[Choice] = []
    for block, fields in view["state"]["values"].items():
        if block.startswith(messages.TICKS):
            chosen = fields.get(block, {}).get("selected_options") or []
            found += [Choice(*one) for item in chosen for one in actions.read_choices(str(item["value"]))]
    return found


async def _current(desk: Desk, asker: Asker, choices: Sequence[Choice]) -> list[Item]:
    async with desk.house.db.read() as session:
        found = await pictures.of_choices(session, asker.actor.workspace_id, choices)
    return [item for item, is_current in found if is_current]


async def drop(desk: Desk, asker: Asker, ack: AsyncAck, view: Mapping[str, Any]) -> None:
    """Gives them up, after the question."""
    demand_member(asker, DOING)
    choices = windows.read_carried(view).choices
    await _decide(desk, asker, ack, choices, deciding.drop, "dropped; it will not be sent")


async def _decide(
    desk: Desk, asker: Asker, ack: AsyncAck, choices: Sequence[Choice], rule: deciding.Decision, done: str
) -> None:
    try:
        async with desk.house.db.write() as session:
            outcome = await rule(session, asker.actor, choices, desk.house.clock.now())
    except NotCurrent:
        await _say(ack, await outcomes.stale(desk, asker, choices), sign="◽")
        return
    desk.house.wake.all()
    await _say(ack, await outcomes.done(desk, asker, outcome, done))


async def _say(ack: AsyncAck, said: str, sign: str = "✅") -> None:
    await windows.answer_with(ack, queue_windows.done_modal("Choose posts", said, sign=sign))


def register(app: AsyncApp, desk: Desk) -> None:
    """*Choose* under late and failed posts, its window, and the question before a drop."""
    listen_for_press(app, desk, actions.CHOOSE, open_chooser)
    listen_for_press(app, desk, actions.CHOOSE_PAGE, turn_page)
    windows.listen_for_submit(app, desk, actions.CHOOSER, submit)
    windows.listen_for_submit(app, desk, actions.DROP_ASKED, drop)
