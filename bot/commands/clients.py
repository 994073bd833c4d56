"""`/lamplighter clients`: the list, and the modal that changes a client or makes a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands import connecting
from bot.commands.desk import Desk
from bot.commands.requests import Press, Request, in_words, listen_for_press, unescaped
from bot.commands.who import Asker, demand_member, demand_named, who_asks
from bot.commands.zones import read_zone
from bot.domain import clients
from bot.domain.auditing import record
from bot.domain.clients import slug_of
from bot.domain.errors import Refused
from bot.messages import actions
from bot.messages import clients as messages
from bot.messages.clients import ClientForm
from bot.messages.message import Message
from storage import clients as client_rows
from storage.models import AuditEvent, Client

CHANGING = "change clients"
CHANGED = "client.changed"
GONE = "That client does not exist any more."


async def list_clients(desk: Desk, request: Request) -> Message:
    """`/lamplighter clients`."""
    return await _page(desk, request.asker, 0)


async def turn_page(desk: Desk, press: Press) -> Message:
    """The list's other pages."""
    digits = press.value.isascii() and press.value.isdigit()
    return await _page(desk, press.asker, int(press.value[:6]) if digits else 0)


async def _page(desk: Desk, asker: Asker, page: int) -> Message:
    async with desk.house.db.read() as session:
        seen = await clients.visible(session, asker.actor)
    listed = [
        messages.Listed(item.id, item.slug, item.name, item.team_channel, item.client_channel)
        for item in seen
    ]
    if asker.actor.outsider:
        listed = [replace(item, team_channel=None) for item in listed]
    return messages.listing(listed, page, may_create=not asker.actor.outsider)


async def open_client(desk: Desk, press: Press) -> None:
    """Opens the modal of a client, or of a new one."""
    asker = press.asker
    demand_member(asker, CHANGING)
    if press.value == messages.NEW:
        team = press.channel_id if press.channel_id and not press.channel_id.startswith("D") else None
        form = ClientForm(zone=connecting.zone_for(asker), team_channel=team)
    else:
        async with desk.house.db.read() as session:
            client = await client_rows.get(session, asker.actor.workspace_id, press.value)
        if client is None or client.closed_at is not None:
            raise Refused(GONE)
        _demand(asker, client)
        form = _form_of(client)
    view = messages.client_modal(form)
    await desk.gateway.open_view(asker.actor.workspace_id, press.trigger_id, view)


def _demand(asker: Asker, client: Client) -> None:
    """Admins and named people; and whoever made the client, until somebody is named for it."""
    demand_member(asker, CHANGING)
    if client.created_by == asker.user_id and not client.mentions:
        return
    demand_named(asker, client, CHANGING)


def _form_of(client: Client) -> ClientForm:
    people = [[user for user in ids if not user.startswith("S")] for ids in (client.mentions, client.backup)]
    return ClientForm(
        id=client.id,
        slug=client.slug,
        name=client.name,
        zone=client.zone,
        team_channel=client.team_channel,
        client_channel=client.client_channel,
        mentions=tuple(people[0]),
        backup=tuple(people[1]),
    )


def read_form(view: Mapping[str, Any]) -> tuple[ClientForm, dict[str, str]]:
    """What was filled in, and what is wrong with it, by block. Pure."""
    values = view["state"]["values"]
    carried = str(view.get("private_metadata") or "")
    errors: dict[str, str] = {}
    zone, slug = "", ""
    try:
        zone = read_zone(str(_entered(values, messages.ZONE, "value") or ""))
    except Refused as refused:
        errors[messages.ZONE] = refused.text
    if carried == messages.NEW:
        try:
            slug = slug_of(str(_entered(values, messages.SLUG, "value") or ""))
        except Refused as refused:
            errors[messages.SLUG] = refused.text.replace("`", "")
    form = ClientForm(
        id="" if carried == messages.NEW else carried,
        slug=slug,
        name=" ".join(unescaped(str(_entered(values, messages.NAME, "value") or "")).split())[:80],
        zone=zone,
        team_channel=_entered(values, messages.TEAM, "selected_conversation") or None,
        client_channel=_entered(values, messages.SHARED, "selected_conversation") or None,
        mentions=tuple(_entered(values, messages.MENTIONS, "selected_users") or ()),
        backup=tuple(_entered(values, messages.BACKUP, "selected_users") or ()),
    )
    if not form.name:
        errors[messages.NAME] = "A client needs a name."
    if form.client_channel and form.client_channel == form.team_channel:
        errors[messages.SHARED] = "This has to be another channel than the team's: the client reads it."
    return form, errors


def _entered(values: Mapping[str, Any], block_id: str, key: str) -> Any:
    return (values.get(block_id, {}).get(block_id) or {}).get(key)


async def submit(desk: Desk, asker: Asker, ack: AsyncAck, view: Mapping[str, Any]) -> None:
    """Stores what was filled in, or says beside each field what is wrong."""
    demand_member(asker, CHANGING)
    form, errors = read_form(view)
    if not errors:
        async with desk.house.db.write() as session:
            errors = await _shared_with_others(session, asker, form)
            if not errors and not form.id and await _is_taken(session, asker, form, str(view["id"])):
                errors = {messages.SLUG: "There is a client of that short name already."}
            if not errors:
                form = await _store(session, desk, asker, form, str(view["id"]))
    if errors:
        await ack(response_action="errors", errors=errors)
        return
    await ack(response_action="update", view=dict(messages.client_saved(form)))


async def _is_taken(session: AsyncSession, asker: Asker, form: ClientForm, view_id: str) -> bool:
    """Whether the short name is another client's; the one that this very window made is no other."""
    row = await client_rows.by_slug(session, asker.actor.workspace_id, form.slug)
    if row is None:
        return False
    query = select(AuditEvent.detail).where(
        AuditEvent.workspace_id == row.workspace_id,
        AuditEvent.client_id == row.id,
        AuditEvent.action == CHANGED,
        AuditEvent.actor == asker.user_id,
    )
    return all(detail.get("view") != view_id for detail in (await session.scalars(query)).all())


async def _shared_with_others(session: AsyncSession, asker: Asker, form: ClientForm) -> dict[str, str]:
    """A channel that one client reads never carries what is another's."""
    errors: dict[str, str] = {}
    for block_id, channel in ((messages.TEAM, form.team_channel), (messages.SHARED, form.client_channel)):
        if channel is None:
            continue
        for other in await client_rows.in_channel(session, asker.actor.workspace_id, channel):
            foreign = other.id != form.id and other.slug != form.slug
            if foreign and (other.client_channel == channel or block_id == messages.SHARED):
                errors[block_id] = f"{other.slug} uses this channel already. Choose another one."
    return errors


async def _store(
    session: AsyncSession, desk: Desk, asker: Asker, form: ClientForm, view_id: str
) -> ClientForm:
    now = desk.house.clock.now()
    if form.id:
        client = await client_rows.get(session, asker.actor.workspace_id, form.id)
    else:
        client = await clients.create(
            session, asker.actor, form.slug, form.team_channel, now, form.zone, form.name
        )
    if client is None or client.closed_at is not None:
        raise Refused(GONE)
    _demand(asker, client)
    groups = [[user for user in ids if user.startswith("S")] for ids in (client.mentions, client.backup)]
    client.name, client.zone = form.name, form.zone
    client.team_channel, client.client_channel = form.team_channel, form.client_channel
    client.mentions, client.backup = [*form.mentions, *groups[0]], [*form.backup, *groups[1]]
    record(session, asker.actor, CHANGED, now, client_id=client.id, detail={"view": view_id})
    return replace(form, slug=client.slug)


def register(app: AsyncApp, desk: Desk) -> None:
    """The buttons and the modal; the word is `/lamplighter`'s."""

    async def submitted(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], workspace_id: str) -> None:
        user = body["user"]
        with in_words():
            asker = await who_asks(desk, workspace_id, user["id"], None, user.get("team_id"))
            await submit(desk, asker, ack, view)

    listen_for_press(app, desk, actions.OPEN_CLIENT, open_client)
    listen_for_press(app, desk, actions.CLIENTS_PAGE, turn_page, replaces=True)
    app.view(actions.CLIENT)(submitted)
