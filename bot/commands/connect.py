"""`/connect`, and the buttons of its answers."""

from __future__ import annotations

from urllib.parse import unquote

from slack_bolt.async_app import AsyncApp

from bot.commands import connect_window, connecting
from bot.commands.connecting import Wanting
from bot.commands.desk import Desk
from bot.commands.parse import LONGEST, nearest, parse
from bot.commands.requests import (
    OLD_BUTTON,
    Command,
    Press,
    Request,
    listen_for_command,
    listen_for_press,
)
from bot.commands.who import Asker, demand_member
from bot.commands.wish import Wish, understand
from bot.domain import clients
from bot.domain.clients import Resolved, Unknown
from bot.domain.errors import Refused
from bot.messages import actions
from bot.messages import connect as messages
from bot.messages.message import Message
from storage.models import Client

TOO_LONG = f"That is more than I can read in a command ({LONGEST:,} characters). Nothing was done."
NOT_HERE = "I can only post links in channels. Please use `/connect` in the client's channel."


async def connect(desk: Desk, request: Request) -> Message | None:
    """Posts a link, or asks back what is missing: without any words, in a window."""
    typed = parse(request.text, desk.house.platforms)
    if typed.too_long:
        raise Refused(TOO_LONG)
    if request.is_direct:
        raise Refused(NOT_HERE)
    asker = request.asker
    async with desk.house.db.read() as session:
        seen = await clients.visible(session, asker.actor)
        known = await clients.names(session, asker.actor.workspace_id, seen)
    slugs = [client.slug for client in seen]
    ready = [desk.titles[key] for key in desk.house.platforms if key in desk.house.apps]
    if typed.is_empty:
        await connect_window.open_window(desk, asker, request.channel_id, request.trigger_id)
        return None
    wish = understand(typed, known)
    if wish.strange or not wish.platforms:
        near = nearest(wish.strange[0], desk.house.platforms) if wish.strange else None
        slug = wish.client or (slugs[0] if slugs else "")
        example = near or " ".join(wish.platforms)
        return messages.which_platform(wish.strange, desk.titles.get(near or ""), ready, slug, example)
    return await _ask_for(desk, request, wish)


async def _ask_for(desk: Desk, request: Request, wish: Wish) -> Message:
    asker = request.asker
    wanting = await _wanting(desk, asker, request.channel_id, wish.platforms, wish.handle)
    if not wanting.platforms:
        return messages.all_off(wanting.off)
    async with desk.house.db.write() as session:
        now = desk.house.clock.now()
        zone = connecting.zone_for(asker)
        found = await clients.resolve(session, asker.actor, wish.client, now, zone)
        if isinstance(found, Resolved):
            asked = await connecting.ask(session, desk, asker, found.client, wanting, found.created)
    if isinstance(found, Unknown):
        unsure = messages.Unsure(
            found.slug,
            found.nearest,
            found.known,
            found.may_create,
            wish.platforms,
            wish.handle,
            wish.client or "",
        )
        return messages.which_client(unsure)
    desk.house.wake.outbox.set()
    return messages.outcome(asked)


async def _wanting(
    desk: Desk, asker: Asker, channel_id: str, platforms: tuple[str, ...], handle: str | None = None
) -> Wanting:
    on, off = connecting.switched(desk, asker, platforms)
    here = await connecting.bot_is_in(desk, asker.actor.workspace_id, channel_id) if on else True
    return Wanting(on, channel_id, handle, off, here)


def _channel(press: Press, client: Client | None = None) -> str:
    """Where the invitation of a pressed button goes: where it was pressed, from Home to the client's team."""
    channel_id = press.channel_id or (client.team_channel if client else None)
    if channel_id is None or channel_id.startswith("D"):
        raise Refused(NOT_HERE)
    return channel_id


async def reconnect(desk: Desk, press: Press) -> Message:
    """*Reconnect @x*: an invitation that accepts only this account."""
    channel_id = await _channel_of_account(desk, press)
    wanting = await _wanting(desk, press.asker, channel_id, tuple(desk.house.apps))
    async with desk.house.db.write() as session:
        asked = await connecting.reconnect(session, desk, press.asker, press.value, wanting)
    desk.house.wake.outbox.set()
    return messages.outcome(asked)


async def _channel_of_account(desk: Desk, press: Press) -> str:
    async with desk.house.db.read() as session:
        row = await connecting.visible_account(session, press.asker, press.value)
        client = await connecting.visible_client(session, press.asker, row.client_id) if row else None
    return _channel(press, client)


async def add_account(desk: Desk, press: Press) -> Message:
    """*Add another*: an invitation for one more account of the client."""
    parts = actions.split(press.value, 2)
    async with desk.house.db.read() as session:
        client = await connecting.visible_client(session, press.asker, parts[0]) if parts else None
    if parts is None or client is None:
        raise Refused(OLD_BUTTON)
    wanting = await _wanting(desk, press.asker, _channel(press, client), (parts[1],))
    if not wanting.platforms:
        return messages.all_off(wanting.off)
    async with desk.house.db.write() as session:
        asked = await connecting.add_another(session, desk, press.asker, client, wanting)
    desk.house.wake.outbox.set()
    return messages.outcome(asked)


async def create_client(desk: Desk, press: Press) -> Message:
    """*Create client-z for this channel*, and then what was asked for."""
    demand_member(press.asker, "create clients")
    return await _with_client(desk, press, create=True)


async def use_nearest(desk: Desk, press: Press) -> Message:
    """*Use client-a*: what was asked for, with the name that was meant."""
    return await _with_client(desk, press, create=False)


async def _with_client(desk: Desk, press: Press, *, create: bool) -> Message:
    typed, platforms, handle = _carried(press.value)
    slug = clients.slug_of(typed)
    asker = press.asker
    wanting = await _wanting(desk, asker, _channel(press), platforms, handle)
    if not wanting.platforms:
        return messages.all_off(wanting.off)
    async with desk.house.db.write() as session:
        seen = await clients.visible(session, asker.actor)
        client = (await clients.names(session, asker.actor.workspace_id, seen)).get(slug)
        made = client is None and create
        if made:
            client = await clients.create(
                session,
                asker.actor,
                slug,
                wanting.channel_id,
                desk.house.clock.now(),
                connecting.zone_for(asker),
                clients.name_of(typed),
            )
        if client is None:
            raise Refused("That client is not there any more. `/connect` starts again.")
        asked = await connecting.ask(session, desk, asker, client, wanting, created=made)
    desk.house.wake.outbox.set()
    return messages.outcome(asked)


def _carried(value: str) -> tuple[str, tuple[str, ...], str | None]:
    """The client as it was typed, the platforms and the handle that a button of ours carries."""
    typed, _, rest = value.partition(":")
    platforms, _, handle = rest.partition(":")
    keys = tuple(dict.fromkeys(key for key in platforms.split("+") if key))
    if not typed or not keys:
        raise Refused(OLD_BUTTON)
    return unquote(typed), keys, handle or None


COMMAND = Command(
    "/connect",
    "[platforms] [client] [@handle]",
    "posts a link that connects a client's account",
    connect,
    is_for_outsiders=True,
)


def register(app: AsyncApp, desk: Desk) -> None:
    """The command and the buttons of its answers."""
    listen_for_command(app, desk, COMMAND)
    connect_window.register(app, desk)
    listen_for_press(app, desk, actions.RECONNECT_ACCOUNT, reconnect)
    listen_for_press(app, desk, actions.ADD_ACCOUNT, add_account, replaces=True)
    listen_for_press(app, desk, actions.CREATE_CLIENT, create_client, replaces=True)
    listen_for_press(app, desk, actions.USE_NEAREST, use_nearest, replaces=True)
