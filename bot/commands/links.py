"""Buttons of invitations and alerts: opening, undoing, asking the client, copying the link, checking now,
taking an alert, snoozing it and ending that, pausing its client."""

from __future__ import annotations

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.desk import Desk
from bot.commands.requests import OLD_BUTTON, Press, listen_for_press, pattern
from bot.commands.who import demand_member, demand_named
from bot.domain import check_now, inviting, pausing, reminding, taking, undoing
from bot.domain.auditing import record
from bot.domain.errors import NotCurrent, Refused
from bot.domain.labels import label_on
from bot.domain.preferences import Right
from bot.domain.reminding import Span
from bot.messages import actions
from bot.messages import links as messages
from bot.messages.message import Message
from storage import clients, connections, grants, incidents
from storage.models import Client, Connection, Incident, Invitation

CLOSED = "This alert is closed already. `/health` shows how things are."


async def undo_link(desk: Desk, press: Press) -> Message:
    """*Not the right account*: whoever asked for the link may take it back, and named people and admins."""
    asker, parts = press.asker, actions.split(press.value, 2)
    demand_member(asker, "take a link back")
    if parts is None or not (parts[1].isascii() and parts[1].isdigit() and len(parts[1]) < 10):
        raise Refused(OLD_BUTTON)
    async with desk.house.db.write() as session:
        row = await connections.get(session, asker.actor.workspace_id, parts[0])
        client = await clients.get(session, asker.actor.workspace_id, row.client_id) if row else None
        if row is None or client is None:
            raise NotCurrent(OLD_BUTTON)
        if row.linked_by != asker.user_id:
            demand_named(asker, client, "take a link back", Right.DISCONNECT)
        now = desk.house.clock.now()
        await undoing.undo_link(session, asker.actor, row.id, int(parts[1]), now)
    desk.house.wake.all()
    return messages.undone(label_on(desk.house, row), client.slug)


async def ask_client(desk: Desk, press: Press) -> Message:
    """*Ask the client*: the invitation, in the client's own channel."""
    demand_member(press.asker, "ask clients")
    async with desk.house.db.write() as session:
        invitation, client = await _relink(session, desk, press)
        if client.client_channel is not None:
            await inviting.ask_client(session, invitation)
            _record(session, desk, press, "client.asked", invitation)
    desk.house.wake.outbox.set()
    if client.client_channel is None:
        return messages.no_client_channel(client.id, client.slug)
    return messages.client_asked(client.slug, client.client_channel)


async def copy_link(desk: Desk, press: Press) -> Message:
    """*Copy link*: the address itself, to the person who pressed alone."""
    demand_member(press.asker, "copy links")
    async with desk.house.db.write() as session:
        invitation, client = await _relink(session, desk, press)
        address = inviting.address(desk.house, invitation)
        _record(session, desk, press, "link.copied", invitation)
    return messages.link_to_copy(address, client.slug, desk.house.title(invitation.platform))


async def check(desk: Desk, press: Press) -> Message:
    """*Check now*: one live look at an account whose trouble a reconnect does not cure."""
    demand_member(press.asker, "check accounts")
    row, client = await _checked(desk, press)
    well = await check_now.check(desk.house, press.asker.actor, press.value)
    return messages.checked(well, label_on(desk.house, row), client.slug)


async def _checked(desk: Desk, press: Press) -> tuple[Connection, Client]:
    """The account that the alert is about, and its client."""
    workspace_id = press.asker.actor.workspace_id
    async with desk.house.db.read() as session:
        incident = await incidents.get(session, workspace_id, press.value)
        key = incident.connection_id if incident is not None else None
        row = await connections.get(session, workspace_id, key) if key else None
        client = await clients.get(session, workspace_id, row.client_id) if row else None
    if row is None or client is None:
        raise NotCurrent(CLOSED)
    return row, client


async def take(desk: Desk, press: Press) -> Message | None:
    """*I'm on it*: the alert shows who takes it, and nobody else is asked."""
    demand_member(press.asker, "take alerts")
    async with desk.house.db.write() as session:
        await taking.take(session, press.asker.actor, press.value, desk.house.clock.now())
    desk.house.wake.outbox.set()
    return None


async def snooze(desk: Desk, press: Press) -> Message | None:
    """*Snooze*: the alert shows who put it off and until when, and is quiet until then, or until somebody
    ends that."""
    demand_member(press.asker, "snooze alerts")
    parts = actions.split(press.value, 3)
    if parts is None or parts[2] not in [*Span, reminding.END]:
        raise Refused(OLD_BUTTON)
    incident_id, severity, span = parts
    actor, now = press.asker.actor, desk.house.clock.now()
    async with desk.house.db.write() as session:
        if span == reminding.END:
            await reminding.wake(session, actor, incident_id, severity, now)
        else:
            await reminding.snooze(session, actor, incident_id, severity, Span(span), now)
    desk.house.wake.outbox.set()
    return None


async def pause(desk: Desk, press: Press) -> Message:
    """*Pause client-a*: nothing of it is published until somebody resumes it."""
    async with desk.house.db.write() as session:
        client = await _named_client(session, press, "pause clients")
        await pausing.pause(session, press.asker.actor, client, desk.house.clock.now())
    desk.house.wake.all()
    return messages.paused(client.id, client.slug, client.paused_by)


async def resume(desk: Desk, press: Press) -> Message:
    """Lets a paused client's posts go; what is late is asked about."""
    async with desk.house.db.write() as session:
        client = await _named_client(session, press, "resume clients")
        sent, late = await pausing.resume(
            session, desk.house, press.asker.actor, client, desk.house.clock.now()
        )
    desk.house.wake.all()
    return messages.resumed(client.slug, sent, late)


async def _named_client(session: AsyncSession, press: Press, doing: str) -> Client:
    client = await clients.get(session, press.asker.actor.workspace_id, press.value)
    if client is None:
        raise NotCurrent(OLD_BUTTON)
    demand_named(press.asker, client, doing, Right.PAUSE)
    return client


async def _relink(session: AsyncSession, desk: Desk, press: Press) -> tuple[Invitation, Client]:
    """The open alert's own invitation for one of its clients. Raises Refused."""
    parts = actions.split(press.value, 2)
    if parts is None:
        raise Refused(OLD_BUTTON)
    incident = await incidents.get(session, press.asker.actor.workspace_id, parts[0])
    client = await clients.get(session, press.asker.actor.workspace_id, parts[1])
    if incident is None or client is None:
        raise Refused(OLD_BUTTON)
    row = await _account(session, incident, client) if incident.state == "open" else None
    if row is None:
        raise NotCurrent(CLOSED)
    now = desk.house.clock.now()
    return await inviting.for_relink(session, desk.house, row, now), client


async def _account(session: AsyncSession, incident: Incident, client: Client) -> Connection | None:
    """An account of the client that the alert is about."""
    if incident.connection_id is not None:
        row = await connections.get(session, client.workspace_id, incident.connection_id)
        return row if row is not None and row.client_id == client.id and row.state == "live" else None
    if incident.grant_id is None:
        return None
    reach = await grants.live_reach(session, incident.grant_id)
    return next((item.connection for item in reach if item.client.id == client.id), None)


def _record(session: AsyncSession, desk: Desk, press: Press, action: str, invitation: Invitation) -> None:
    record(
        session,
        press.asker.actor,
        action,
        desk.house.clock.now(),
        client_id=invitation.client_id,
        connection_id=invitation.connection_id,
    )


def register(app: AsyncApp, desk: Desk) -> None:
    """All buttons that are about links; those that only open an address are acknowledged, nothing else."""

    async def opened(ack: AsyncAck) -> None:
        await ack()

    app.action(pattern(actions.OPEN_LINK))(opened)
    listen_for_press(app, desk, actions.UNDO_LINK, undo_link)
    listen_for_press(app, desk, actions.ASK_CLIENT, ask_client)
    listen_for_press(app, desk, actions.COPY_LINK, copy_link)
    listen_for_press(app, desk, actions.CHECK_NOW, check)
    listen_for_press(app, desk, actions.TAKE, take)
    listen_for_press(app, desk, actions.SNOOZE, snooze)
    listen_for_press(app, desk, actions.PAUSE_CLIENT, pause)
    listen_for_press(app, desk, actions.RESUME_CLIENT, resume)
