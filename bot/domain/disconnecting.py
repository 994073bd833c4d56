"""Disconnecting an account: what waited on it is cancelled and listed in one message, the row stays.

What is in flight runs out. What becomes of the tokens is a queued task of its own (bot.domain.revoking). The
row is revived when the same account is linked to that client again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import incident_closing, inviting, reports
from bot.domain.auditing import Actor, record
from bot.domain.errors import NotCurrent
from bot.domain.house import House
from bot.domain.pictures import posts
from bot.domain.pictures.parts import account, client_name
from bot.domain.telling import show_view, team, touch_subject
from bot.messages.disconnect import Gone
from storage import clients, grants, leaving, logins, pictures
from storage import connections as store
from storage.models import Connection, Delivery, Departure, Invitation, new_id

MOVED_ON = "Nothing was changed: this account has been reconnected or disconnected since."
LISTED_MOST = 200
TOPIC = "disconnected"
CLOSED = "client.closed"
"""The topic of the message about a closed client, whose subject is the client."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The account that was disconnected, and how many queued posts were cancelled with it."""

    connection: Connection
    cancelled: int


@dataclass(frozen=True, slots=True)
class Off:
    """An account that is off, the task that sees to its tokens, and its posts that were cancelled."""

    connection: Connection
    departure: Departure
    cancelled: tuple[Delivery, ...] = ()


async def disconnect(
    session: AsyncSession, actor: Actor, connection_id: str, generation: int, now: datetime
) -> Disconnected:
    """Disconnects an account of the actor's workspace as he saw it (`generation`).

    Raises NotCurrent when it was reconnected or disconnected meanwhile."""
    off = await take_off(session, actor, connection_id, generation, now)
    await _tell(session, actor, off.connection, off.departure.id, off.cancelled)
    note(session, actor, off, now)
    return Disconnected(off.connection, len(off.cancelled))


def note(session: AsyncSession, actor: Actor, off: Off, now: datetime, **more: object) -> None:
    """The audit's line of a disconnect."""
    row = off.connection
    detail = {"account": row.account_id, "handle": row.handle, "cancelled": len(off.cancelled)} | more
    record(session, actor, "disconnected", now, client_id=row.client_id, connection_id=row.id, detail=detail)


async def take_off(
    session: AsyncSession, actor: Actor, connection_id: str, generation: int, now: datetime
) -> Off:
    """The disconnecting itself, without a word: the row, its posts, its alerts, and the task that sees to
    the tokens. Raises NotCurrent."""
    gone = await take_all_off(session, actor, {connection_id: generation}, now)
    if not gone:
        raise NotCurrent(MOVED_ON)
    return gone[0]


async def take_all_off(
    session: AsyncSession, actor: Actor, seen: Mapping[str, int], now: datetime
) -> list[Off]:
    """The same for several accounts, by id with the generation that was seen: those that are still so."""
    await leaving.lock_grants(session, actor.workspace_id, seen)
    rows = await leaving.end(session, actor.workspace_id, seen, now)
    ids, grant_ids = [row.id for row in rows], {row.grant_id for row in rows}
    cancelled = await leaving.cancel(session, ids, now)
    await reports.settled(session, *cancelled)
    await _close_incidents(session, actor, rows, now)
    # A link that was meant to reconnect an account does not bring it back by accident.
    await inviting.close_where(session, Invitation.connection_id.in_(ids))
    await logins.rest(session, *grant_ids)
    gone = [
        Off(row, _departure(row, now), tuple(item for item in cancelled if item.connection_id == row.id))
        for row in rows
    ]
    session.add_all([off.departure for off in gone])
    await session.flush()
    return gone


def _departure(row: Connection, now: datetime) -> Departure:
    return Departure(
        id=new_id(),
        workspace_id=row.workspace_id,
        connection_id=row.id,
        generation=row.generation,
        grant_id=row.grant_id,
        state="due",
        tries=0,
        due_at=now,
        created_at=now,
    )


async def _close_incidents(
    session: AsyncSession, actor: Actor, rows: Sequence[Connection], now: datetime
) -> None:
    """The accounts' own incidents are over, and their logins' where no other account here rests on them."""
    ids = {row.id for row in rows}
    last_on = {row.grant_id: row.id for row in rows}
    workspace_id = actor.workspace_id
    alerts = await leaving.open_alerts(session, workspace_id, rows)
    resting = await logins.reach(session, workspace_id, {item.grant_id for item in alerts if item.grant_id})
    needed = {item.connection.grant_id for item in resting}
    for incident in alerts:
        if incident.connection_id in ids or (incident.kind == "grant" and incident.grant_id not in needed):
            named = incident.connection_id or last_on.get(incident.grant_id or "")
            detail = {"by": actor.user_id, "connection": named}
            await incident_closing.close_one(session, incident, TOPIC, now, **detail)
        else:
            await touch_subject(session, "incident", incident.id)
    for row in {row.client_id: row for row in rows}.values():
        detail = {"by": actor.user_id, "connection": row.id}
        await incident_closing.one_gone(session, row.client_id, TOPIC, now, **detail)
    if rows:
        detail = {"by": actor.user_id, "connection": rows[-1].id}
        await incident_closing.some_gone(session, workspace_id, set(last_on), TOPIC, now, **detail)


async def _tell(
    session: AsyncSession,
    actor: Actor,
    connection: Connection,
    departure_id: str,
    cancelled: Sequence[Delivery],
) -> None:
    await show_view(
        session,
        connection.workspace_id,
        TOPIC,
        view_key(departure_id),
        team(connection.client_id),
        subject_id=departure_id,
        facts={
            "by": actor.user_id,
            "deliveries": [item.id for item in cancelled[:LISTED_MOST]],
            "cancelled": len(cancelled),
        },
    )


def view_key(departure_id: str) -> str:
    return f"{TOPIC}:{departure_id}"


async def in_flight(session: AsyncSession, *which: object) -> int:
    """How many deliveries that fit `which` may still appear by themselves or are being looked for."""
    query = (
        select(func.count())
        .select_from(Delivery)
        .join(Connection, Connection.id == Delivery.connection_id)
        .where(
            or_(
                Delivery.state.in_(("sending", "processing")),
                (Delivery.state == "unconfirmed") & Delivery.next_at.is_not(None),
            ),
            *which,  # type: ignore[arg-type]
        )
    )
    return int(await session.scalar(query) or 0)


async def picture(
    session: AsyncSession,
    house: House,
    workspace_id: str,
    departure_id: str,
    delivery_ids: Sequence[str],
    cancelled: int,
    by: str | None,
) -> Gone | None:
    """What the one message shows now."""
    departure = await session.get(Departure, departure_id)
    if departure is None or departure.workspace_id != workspace_id:
        return None
    connection = await store.get(session, workspace_id, departure.connection_id)
    client = await clients.get(session, workspace_id, connection.client_id) if connection else None
    if connection is None or client is None:
        return None
    found = await pictures.deliveries(session, workspace_id, Delivery.id.in_(list(delivery_ids)))
    return Gone(
        client=client_name(client),
        account=account(house, connection),
        by=by,
        cancelled=cancelled,
        posts=tuple(posts.shown(house, item).post for item in found),
        fate=departure.state,
        others=await _others(session, house, workspace_id, departure.grant_id),
    )


async def _others(session: AsyncSession, house: House, workspace_id: str, grant_id: str) -> tuple[str, ...]:
    """The accounts of this workspace that rest on the same login; another's are never named."""
    reach = await grants.live_reach(session, grant_id)
    mine = [item.connection for item in reach if item.connection.workspace_id == workspace_id]
    return tuple(account(house, item).shown for item in mine)
