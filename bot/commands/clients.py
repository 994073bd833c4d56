"""`/lamplighter clients`: the open and the closed ones, a client's window, closing and opening again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.commands import client_form, connecting
from bot.commands.client_form import CHANGING, Carried, may_change, unpacked
from bot.commands.desk import Desk
from bot.commands.requests import Press, Request, in_words, listen_for_press
from bot.commands.scope import find_clients
from bot.commands.who import Asker, demand_member, demand_named, who_asks
from bot.domain import clients, closing
from bot.domain.client_changes import GONE
from bot.domain.errors import NotCurrent, Refused
from bot.domain.pictures.parts import client_name
from bot.messages import actions
from bot.messages import clients as messages
from bot.messages import closing as words
from bot.messages.message import Message
from storage import clients as client_rows

CLOSING = "close clients"
CLOSED_WORD = "closed"


async def list_clients(desk: Desk, request: Request) -> Message | None:
    """`/lamplighter clients`, with `closed` behind it, or a client to open at once."""
    typed = request.text.strip().casefold()
    if not typed:
        return await _page(desk, request.asker, 0)
    if typed == CLOSED_WORD:
        return await _closed(desk, request.asker, 0)
    async with desk.house.db.read() as session:
        found = await find_clients(session, request.asker.actor, request.text)
    if len(found) != 1:
        return await _page(desk, request.asker, 0)
    await _open(desk, request.asker, found[0].id, request.channel_id, request.trigger_id)
    return None


async def turn_page(desk: Desk, press: Press) -> Message:
    """The list's other pages."""
    return await _page(desk, press.asker, _number(press.value))


async def turn_closed(desk: Desk, press: Press) -> Message:
    """The closed clients, and their other pages."""
    return await _closed(desk, press.asker, _number(press.value))


def _number(value: str) -> int:
    return int(value[:6]) if value.isascii() and value.isdigit() else 0


async def _page(desk: Desk, asker: Asker, page: int) -> Message:
    outsider = asker.actor.outsider
    async with desk.house.db.read() as session:
        seen = await clients.visible(session, asker.actor)
        gone = [] if outsider else await client_rows.closed(session, asker.actor.workspace_id)
    listed = [
        messages.Listed(item.id, item.slug, item.name, item.team_channel, item.client_channel)
        for item in seen
    ]
    return messages.listing(listed, page, may_change=not outsider, closed=len(gone))


async def _closed(desk: Desk, asker: Asker, page: int) -> Message:
    demand_member(asker, "see closed clients")
    async with desk.house.db.read() as session:
        found = await client_rows.closed(session, asker.actor.workspace_id)
    lines = [words.ClosedLine(client_name(item), item.closed_at) for item in found if item.closed_at]
    return words.closed_list(lines, page)


async def open_client(desk: Desk, press: Press) -> None:
    """Opens the modal of a client, or of a new one."""
    demand_member(press.asker, CHANGING)
    channel = press.channel_id if press.channel_id and not press.channel_id.startswith("D") else None
    if press.value != messages.NEW:
        await _open(desk, press.asker, press.value, channel, press.trigger_id)
        return
    view = client_form.new_window(connecting.zone_for(press.asker), channel)
    await desk.gateway.open_view(press.asker.actor.workspace_id, press.trigger_id, view)


async def _open(desk: Desk, asker: Asker, client_id: str, channel_id: str | None, trigger_id: str) -> None:
    demand_member(asker, CHANGING)
    workspace_id = asker.actor.workspace_id
    async with desk.house.db.read() as session:
        client = await client_rows.get(session, workspace_id, client_id)
        if client is None or client.closed_at is not None:
            raise Refused(GONE)
        may_change(asker, client)
        view = await client_form.window(session, client, channel_id)
    await desk.gateway.open_view(workspace_id, trigger_id, view)


# -- closing ---------------------------------------------------------------------------------------


async def ask_to_close(desk: Desk, press: Press) -> None:
    """*Close this client…*: the question takes the place of the client's window."""
    view = press.view or {}
    shown = await _question(desk, press.asker, press.value, unpacked(view).channel_id)
    await desk.gateway.update_view(press.asker.actor.workspace_id, str(view.get("id")), shown)


async def _question(
    desk: Desk, asker: Asker, client_id: str, channel_id: str | None, problem: str = ""
) -> Mapping[str, object]:
    demand_member(asker, CLOSING)
    async with desk.house.db.read() as session:
        client = await client_rows.get(session, asker.actor.workspace_id, client_id)
        if client is None or client.closed_at is not None:
            raise NotCurrent(closing.GONE)
        demand_named(asker, client, CLOSING)
        facts = await closing.ask(session, desk.house, client)
    carried = Carried(client.id, channel_id, {"accounts": facts.mark})
    return words.question(facts, carried.packed(), problem)


async def close(desk: Desk, asker: Asker, ack: AsyncAck, view: Mapping[str, Any]) -> None:
    """Closes the client; where its accounts have changed since the question, asks again."""
    demand_member(asker, CLOSING)
    carried = unpacked(view)
    actor, mark = asker.actor, (carried.seen or {}).get("accounts", "")
    try:
        async with desk.house.db.write() as session:
            client = await client_rows.get(session, actor.workspace_id, carried.client_id)
            if client is None:
                raise NotCurrent(closing.GONE)
            demand_named(asker, client, CLOSING)
            done = await closing.close(session, actor, client.id, mark, desk.house.clock.now())
    except NotCurrent as moved:
        shown = await _question(desk, asker, carried.client_id, carried.channel_id, moved.text)
        await ack(response_action="update", view=dict(shown))
        return
    desk.house.wake.all()
    shown = words.done(client_name(done.client), done.accounts, done.cancelled)
    await ack(response_action="update", view=dict(shown))


async def reopen(desk: Desk, press: Press) -> Message:
    """*Open again*."""
    demand_member(press.asker, CLOSING)
    async with desk.house.db.write() as session:
        client = await client_rows.get(session, press.asker.actor.workspace_id, press.value)
        if client is None:
            raise NotCurrent(closing.GONE)
        demand_named(press.asker, client, "open clients again")
        client = await closing.reopen(session, press.asker.actor, client.id, desk.house.clock.now())
    desk.house.wake.outbox.set()
    return words.reopened(client_name(client))


def register(app: AsyncApp, desk: Desk) -> None:
    """The buttons and the windows; the word is `/lamplighter`'s."""

    async def submitted(
        ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], workspace_id: str, store: Any
    ) -> None:
        user = body["user"]
        with in_words():
            channel_id = unpacked(view).channel_id
            asker = await who_asks(desk, workspace_id, user["id"], channel_id, user.get("team_id"))
            await store(desk, asker, ack, view)

    async def saved(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], workspace_id: str) -> None:
        await submitted(ack, body, view, workspace_id, client_form.submit)

    async def closed(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], workspace_id: str) -> None:
        await submitted(ack, body, view, workspace_id, close)

    listen_for_press(app, desk, actions.OPEN_CLIENT, open_client)
    listen_for_press(app, desk, actions.CLOSE_CLIENT, ask_to_close)
    listen_for_press(app, desk, actions.REOPEN_CLIENT, reopen, replaces=True)
    listen_for_press(app, desk, actions.CLIENTS_PAGE, turn_page, replaces=True)
    listen_for_press(app, desk, actions.CLOSED_PAGE, turn_closed, replaces=True)
    app.view(actions.CLIENT)(saved)
    app.view(actions.CLOSING)(closed)
