"""`/post`: the composer.

A post without media is checked and stored before its Submit is acknowledged. One with media says first that
it looks at the files, and then what came of it; until it says so, nothing is queued. What would be refused
whatever the files are is said at once, beside its field. What is worth a question (one text on several
accounts in one minute, the same text again within a week, more than a platform takes in a day, what a link
costs) is asked in the window before anything is queued.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.commands import composer_accept, composing, drafting, previewing
from bot.commands.composer_form import Form, read_form
from bot.commands.composing import DOING, filled_in
from bot.commands.desk import Desk
from bot.commands.requests import (
    OLD_BUTTON,
    Command,
    Press,
    Request,
    in_words,
    listen_for_command,
    listen_for_press,
    read_press,
)
from bot.commands.scope import find_clients
from bot.commands.submitting import spread, stagger, submit
from bot.commands.who import Asker, demand_member, who_asks
from bot.domain import clients
from bot.domain.errors import Refused
from bot.messages import actions, blocks, composer_blocks
from bot.messages import composer as messages
from bot.slack.errors import ViewConflict
from storage import clients as client_rows

MENU_MOST = 100
_CHOICES = (composer_blocks.WHEN, composer_blocks.AT.day, composer_blocks.AT.time)
LIVE = re.compile(
    rf"^(?:{re.escape(composer_blocks.ACCOUNTS)}:|{re.escape(composer_blocks.DIFFER)}:"
    rf"|(?:{'|'.join(map(re.escape, _CHOICES))})$)"
)
"""Fields whose choice changes what the window shows: how many for whom, whose text, the author's time."""


async def compose(desk: Desk, request: Request) -> None:
    """Opens the composer for the client that was named, or for the channel's."""
    demand_member(request.asker, DOING)
    async with desk.house.db.read() as session:
        found = await find_clients(session, request.asker.actor, request.text)
        client = found[0] if len(found) == 1 else None
        shown = await composing.facts(session, desk, request.asker, client, request.channel_id)
    view = messages.composer(shown)
    await desk.gateway.open_view(request.asker.actor.workspace_id, request.trigger_id, view)


async def open_composer(desk: Desk, press: Press) -> None:
    """A button that opens the composer for its client."""
    demand_member(press.asker, DOING)
    workspace_id = press.asker.actor.workspace_id
    async with desk.house.db.read() as session:
        client = await client_rows.get(session, workspace_id, press.value)
        if client is None or client.closed_at is not None:
            raise Refused(OLD_BUTTON)
        shown = await composing.facts(session, desk, press.asker, client, press.channel_id)
    await desk.gateway.open_view(workspace_id, press.trigger_id, messages.composer(shown))


async def change_client(desk: Desk, press: Press) -> None:
    """Another client was chosen: his accounts take the place of the others'; what was written stays."""
    form = read_form(press.view or {})
    carried = replace(form.carried, client_id=press.value, told=frozenset())
    await _refill(desk, press.asker, replace(form, carried=carried, account_ids=()))


async def reshape(desk: Desk, press: Press) -> None:
    """Something was chosen that changes what the window shows; what was written stays."""
    await _refill(desk, press.asker, read_form(press.view or {}))


async def _refill(desk: Desk, asker: Asker, form: Form, problem: str = "") -> None:
    demand_member(asker, DOING)
    view = messages.composer(await filled_in(desk, asker, form, problem))
    place = asker.actor.workspace_id, form.view_id, view
    try:
        await desk.gateway.update_view(*place, form.view_hash or None)
    except ViewConflict:  # by a choice made meanwhile, or by the answer to a Submit
        if not await composer_accept.is_queued(desk, asker, form):
            await desk.gateway.update_view(*place)


async def client_menu(desk: Desk, asker: Asker, query: str) -> list[blocks.Block]:
    """The clients whose name fits what was typed."""
    if asker.actor.outsider:
        return []
    wanted = query.strip().casefold()
    async with desk.house.db.read() as session:
        known = await clients.names(
            session, asker.actor.workspace_id, await clients.visible(session, asker.actor)
        )
    fits = {item.id: item for name, item in known.items() if wanted in name or wanted in item.name.casefold()}
    found = [messages.client_option(item.id, item.slug, item.name) for item in fits.values()]
    return found[:MENU_MOST]


COMMAND = Command("/post", "[client]", "opens the composer for a new post", compose)


def register(app: AsyncApp, desk: Desk) -> None:
    """The command, its modal and its menu."""

    async def submitted(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], workspace_id: str) -> None:
        user = body["user"]
        form = read_form(view)
        with in_words():
            asker = await who_asks(desk, workspace_id, user["id"], form.channel_id, user.get("team_id"))
            await submit(desk, asker, ack, form)

    async def choices(ack: AsyncAck, body: dict[str, Any], workspace_id: str) -> None:
        press = await read_press(desk, workspace_id, body, {})
        found = await client_menu(desk, press.asker, str(body.get("value") or ""))
        await ack(options=[dict(item) for item in found])

    async def chosen(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], workspace_id: str) -> None:
        await ack()
        press = await read_press(desk, workspace_id, body, action)
        with in_words():
            await reshape(desk, press)

    listen_for_command(app, desk, COMMAND)
    listen_for_press(app, desk, actions.OPEN_COMPOSER, open_composer)
    listen_for_press(app, desk, actions.STAGGER, stagger)
    listen_for_press(app, desk, actions.SPREAD, spread)
    listen_for_press(app, desk, actions.PREVIEW, previewing.preview)
    listen_for_press(app, desk, composer_blocks.CLIENT, change_client)
    drafting.register(app, desk)
    app.action(LIVE)(chosen)
    app.options(composer_blocks.CLIENT)(choices)
    app.view(actions.COMPOSER)(submitted)
