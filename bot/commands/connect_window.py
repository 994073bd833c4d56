"""`/connect` without words, and Home's button: a window that asks for what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.commands import connecting
from bot.commands.client_form import entered, text_of, tried
from bot.commands.connecting import Wanting
from bot.commands.desk import Desk
from bot.commands.requests import Press, in_words, listen_for_press, tell_person
from bot.commands.scope import here
from bot.commands.who import Asker, demand_member, who_asks
from bot.domain import clients
from bot.domain.auditing import Actor
from bot.domain.clients import slug_of
from bot.domain.errors import Refused
from bot.messages import actions
from bot.messages import connect as words
from bot.messages import connect_window as messages
from bot.messages.composer_blocks import CLIENT
from storage.models import Client

NOTHING = "Nothing can be connected yet: no platform is set up. An admin can have that changed."
NO_CLIENT = "There is no client in this channel. Ask the people who invited you to link it from their side."


async def open_window(desk: Desk, asker: Asker, channel_id: str | None, trigger_id: str) -> None:
    """Opens the window with the channel's client chosen. Raises Refused where nothing can be chosen."""
    platforms = {key: desk.titles[key] for key in desk.house.platforms if key in desk.house.apps}
    if not platforms:
        raise Refused(NOTHING)
    async with desk.house.db.read() as session:
        seen = await clients.visible(session, asker.actor)
    if asker.actor.outsider and not seen:
        raise Refused(NO_CLIENT)
    mine = here(seen, channel_id) or list(seen)
    offer = messages.Offer(
        platforms=platforms,
        clients=[_named(item) for item in seen] if asker.actor.outsider else None,
        chosen=_named(mine[0]) if len(mine) == 1 else None,
        channel_id=channel_id,
        may_create=not asker.actor.outsider,
    )
    await desk.gateway.open_view(asker.actor.workspace_id, trigger_id, messages.window(offer))


def _named(client: Client) -> tuple[str, str, str]:
    return client.id, client.slug, client.name


async def press_connect(desk: Desk, press: Press) -> None:
    """Home's button."""
    demand_member(press.asker, "start that here")
    await open_window(desk, press.asker, None, press.trigger_id)


def read_form(view: Mapping[str, Any]) -> tuple[Wanting, str, str, dict[str, str]]:
    """What is wanted, the client's id or a new short name, and what is wrong by block. Pure."""
    values = view["state"]["values"]
    errors: dict[str, str] = {}
    chosen = entered(values, messages.PLATFORMS, "selected_options") or ()
    platforms = tuple(str(item["value"]) for item in chosen)
    client_id = str((entered(values, CLIENT, "selected_option") or {}).get("value") or "")
    typed = text_of(values, messages.NEW)
    slug = tried(errors, messages.NEW, slug_of, typed) if typed else ""
    channel_id = str(entered(values, messages.CHANNEL, "selected_conversation") or "")
    handle = text_of(values, messages.HANDLE).lstrip("@") or None
    if not platforms:
        errors[messages.PLATFORMS] = "Choose at least one platform."
    if not channel_id:
        errors[messages.CHANNEL] = "Choose a channel."
    if handle and len(platforms) > 1:
        errors[messages.HANDLE] = "One account is on one platform: choose only that one, or leave this empty."
    if client_id and typed:
        errors[messages.NEW] = "Either a client that is there, or a new one."
    elif not client_id and not typed:
        errors[CLIENT] = "Choose a client."
    return Wanting(platforms, channel_id, handle), client_id, slug, errors


async def submit(desk: Desk, asker: Asker, ack: AsyncAck, view: Mapping[str, Any]) -> None:
    """Posts the link, and tells its asker what came of it in the channel where it stands."""
    wanting, client_id, slug, errors = read_form(view)
    if asker.actor.outsider and wanting.channel_id != view.get("private_metadata"):
        errors[messages.CHANNEL] = "Please choose the channel that you started in."
    if errors:
        await ack(response_action="errors", errors=errors)
        return
    await ack(response_action="clear")
    actor = Actor(asker.actor.workspace_id, asker.user_id, wanting.channel_id, asker.actor.outsider)
    asker = Asker(actor, asker.workspace, asker.person)
    is_in = await connecting.bot_is_in(desk, actor.workspace_id, wanting.channel_id)
    on, off = connecting.switched(desk, asker, wanting.platforms)
    wanting = Wanting(on, wanting.channel_id, wanting.handle, off, is_in)
    try:
        answer = words.outcome(await _ask(desk, asker, wanting, client_id, slug))
    except Refused as refused:
        answer = words.refused(refused.text)
    desk.house.wake.outbox.set()
    await tell_person(desk, asker, wanting.channel_id, answer)


async def _ask(desk: Desk, asker: Asker, wanting: Wanting, client_id: str, slug: str) -> words.Asked:
    now = desk.house.clock.now()
    async with desk.house.db.write() as session:
        client = await connecting.visible_client(session, asker, client_id) if client_id else None
        if slug:
            demand_member(asker, "create clients")
            zone = connecting.zone_for(asker)
            client = await clients.create(session, asker.actor, slug, wanting.channel_id, now, zone)
        if client is None:
            raise Refused("That client is not there, or not in that channel. `/connect` starts again.")
        return await connecting.ask(session, desk, asker, client, wanting, created=bool(slug))


def register(app: AsyncApp, desk: Desk) -> None:
    """Home's button and the window; its menu of clients is the composer's."""

    async def submitted(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], workspace_id: str) -> None:
        user = body["user"]
        with in_words():
            asker = await who_asks(desk, workspace_id, user["id"], None, user.get("team_id"))
            await submit(desk, asker, ack, view)

    listen_for_press(app, desk, actions.OPEN_CONNECT, press_connect)
    app.view(actions.CONNECT)(submitted)
