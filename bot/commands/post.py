"""`/post`: the composer.

A post without media is checked and stored before its Submit is acknowledged. One with media says first that
it looks at the files, and then what came of it; until it says so, nothing is queued. What would be refused
whatever the files are is said at once, beside its field.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.commands import composing, drafting
from bot.commands.composing import Form
from bot.commands.desk import Desk
from bot.commands.media import fetch_all
from bot.commands.requests import (
    OLD_BUTTON,
    Command,
    Press,
    Request,
    in_words,
    listen_for_command,
    listen_for_press,
    read_press,
    tell_person,
)
from bot.commands.scope import find_clients
from bot.commands.who import Asker, demand_member, who_asks
from bot.domain import clients
from bot.domain.errors import Refused
from bot.messages import actions, blocks
from bot.messages import composer as messages
from bot.messages.message import Message
from bot.slack.errors import SlackProblem
from storage import clients as client_rows

DOING = "write posts"
OVERTAKEN_SECONDS = 0.8
"""Slack shows the answer to a Submit when it has arrived: an update right behind it could overtake it, and
the window would stay at "looking at your pictures"."""


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
    demand_member(press.asker, DOING)
    view = press.view or {}
    workspace_id = press.asker.actor.workspace_id
    _, channel_id = composing.read_metadata(view)
    files = composing.offered_files(view)
    async with desk.house.db.read() as session:
        client = await client_rows.get(session, workspace_id, press.value)
        if client is None or client.closed_at is not None:
            raise Refused("That client does not exist any more. Open the composer again.")
        shown = await composing.facts(session, desk, press.asker, client, channel_id)
    shown = replace(shown, files=files)
    await desk.gateway.update_view(workspace_id, str(view.get("id")), messages.composer(shown))


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
    return found[: composing.MENU_MOST]


async def submit(desk: Desk, asker: Asker, ack: AsyncAck, form: Form) -> None:
    """Queues what was filled in, or says beside each field what is wrong."""
    demand_member(asker, DOING)
    problems = composing.early_problems(form, desk.house.clock.now())
    if not problems and form.has_media:
        problems = await composing.certain_problems(desk, asker, form)
    if problems:
        await ack(response_action="errors", errors=problems)
    elif form.has_media:
        await ack(response_action="update", view=dict(messages.checking()))
        await _look_and_queue(desk, asker, form)
    else:
        try:
            queued = await composing.queue(desk, asker, form, ())
        except Refused as refused:
            await ack(response_action="errors", errors=composing.field_errors(refused, form))
            return
        await ack(response_action="update", view=dict(messages.done(queued)))


async def _look_and_queue(desk: Desk, asker: Asker, form: Form) -> None:
    """After the acknowledgement: fetches the files, queues the post, says in the window how it went."""
    arrived = asyncio.create_task(asyncio.sleep(OVERTAKEN_SECONDS))
    try:
        media = await fetch_all(desk, asker.actor.workspace_id, form.files, form.media_url)
        queued = await composing.queue(desk, asker, form, media)
    except Refused as refused:
        await arrived
        await _show_again(desk, asker, form, refused.text)
        return
    said = Message(messages.queued_words(queued))
    await arrived
    await _show(desk, asker, form, messages.done(queued), said)


async def _show_again(desk: Desk, asker: Asker, form: Form, problem: str) -> None:
    async with desk.house.db.read() as session:
        client = await client_rows.get(session, asker.actor.workspace_id, form.client_id)
        shown = await composing.facts(session, desk, asker, client, form.channel_id)
    view = messages.composer(composing.refilled(shown, form, problem))
    said = Message(f"Your post was not queued. {blocks.escape(problem)}")
    await _show(desk, asker, form, view, said)


async def _show(desk: Desk, asker: Asker, form: Form, view: blocks.Block, said: Message) -> None:
    """In the window; where it is closed by now, as a message for the author alone."""
    try:
        await desk.gateway.update_view(asker.actor.workspace_id, form.view_id, view)
    except SlackProblem:
        await tell_person(desk, asker, form.channel_id, said)


COMMAND = Command("/post", "[client]", "opens the composer for a new post", compose)


def register(app: AsyncApp, desk: Desk) -> None:
    """The command, its modal and its menu."""

    async def submitted(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], workspace_id: str) -> None:
        user = body["user"]
        form = composing.read_form(view)
        with in_words():
            asker = await who_asks(desk, workspace_id, user["id"], form.channel_id, user.get("team_id"))
            await submit(desk, asker, ack, form)

    async def choices(ack: AsyncAck, body: dict[str, Any], workspace_id: str) -> None:
        press = await read_press(desk, workspace_id, body, {})
        found = await client_menu(desk, press.asker, str(body.get("value") or ""))
        await ack(options=[dict(item) for item in found])

    listen_for_command(app, desk, COMMAND)
    listen_for_press(app, desk, actions.OPEN_COMPOSER, open_composer)
    listen_for_press(app, desk, messages.CLIENT, change_client)
    drafting.register(app, desk)
    app.options(messages.CLIENT)(choices)
    app.view(actions.COMPOSER)(submitted)
