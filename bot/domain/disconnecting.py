"""Disconnecting an account: what waited on it is cancelled and listed in one message, the row stays.

What is in flight runs out. What becomes of the tokens is a queued task of its own (bot.domain.revoking). The
row is revived when the same account is linked to that client again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import incident_closing, incident_threads, inviting, reports
from bot.domain.auditing import Actor, record
from bot.domain.errors import NotCurrent
from bot.domain.house import House
from bot.domain.pictures import posts
from bot.domain.pictures.parts import account, client_name
from bot.domain.telling import show_view, team
from bot.messages.disconnect import Gone
from storage import clients, grants, logins, pictures
from storage import connections as store
from storage import incidents as incident_rows
from storage.deliveries import BEFORE_RETURN
from storage.models import Connection, Delivery, Departure, Grant, Invitation, new_id

MOVED_ON = "Nothing was changed: this account has been reconnected or disconnected since."
LISTED_MOST = 200
TOPIC = "disconnected"


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The account that was disconnected, and how many queued posts were cancelled with it."""

    connection: Connection
    cancelled: int


async def disconnect(
    session: AsyncSession, actor: Actor, connection_id: str, generation: int, now: datetime
) -> Disconnected:
    """Disconnects an account of the actor's workspace as he saw it (`generation`).

    Raises NotCurrent when it was reconnected or disconnected meanwhile."""
    departure, connection, cancelled = await take_off(session, actor, connection_id, generation, now)
    await _tell(session, actor, connection, departure.id, cancelled)
    record(
        session,
        actor,
        "disconnected",
        now,
        client_id=connection.client_id,
        connection_id=connection.id,
        detail={"account": connection.account_id, "handle": connection.handle, "cancelled": len(cancelled)},
    )
    return Disconnected(connection, len(cancelled))


async def take_off(
    session: AsyncSession, actor: Actor, connection_id: str, generation: int, now: datetime
) -> tuple[Departure, Connection, Sequence[Delivery]]:
    """The disconnecting itself, without a word: the row, its posts, its alerts, and the task that sees to
    the tokens. Raises NotCurrent."""
    seen = await store.get(session, actor.workspace_id, connection_id)
    if seen is not None:  # the grant before its connections: linking takes them in this order, too
        await session.get(Grant, seen.grant_id, with_for_update=True)
    connection = await _end(session, actor.workspace_id, connection_id, generation, now)
    if connection is None:
        raise NotCurrent(MOVED_ON)
    cancelled = await _cancel(session, connection.id, now)
    await _close_incidents(session, actor, connection, now)
    await _close_invitations(session, connection.id)
    await logins.rest(session, connection.grant_id)
    departure = Departure(
        id=new_id(),
        workspace_id=connection.workspace_id,
        connection_id=connection.id,
        generation=connection.generation,
        grant_id=connection.grant_id,
        due_at=now,
        created_at=now,
    )
    session.add(departure)
    await session.flush()
    return departure, connection, cancelled


async def _end(
    session: AsyncSession, workspace_id: str, connection_id: str, generation: int, now: datetime
) -> Connection | None:
    ended = await session.execute(
        update(Connection)
        .where(
            Connection.id == connection_id,
            Connection.workspace_id == workspace_id,
            Connection.generation == generation,
            Connection.state == "live",
        )
        .values(state="disconnected", disconnected_at=now, generation=generation + 1, next_change_at=None)
        .returning(Connection)
        .execution_options(populate_existing=True)
    )
    return ended.scalar_one_or_none()


async def _cancel(session: AsyncSession, connection_id: str, now: datetime) -> Sequence[Delivery]:
    """Cancels what can still be cancelled; what has passed the point of no return runs out."""
    changed = await session.execute(
        update(Delivery)
        .where(Delivery.connection_id == connection_id, Delivery.state.in_(BEFORE_RETURN))
        .values(
            state="cancelled",
            next_at=None,
            late=False,
            reason=None,
            handles=None,
            lease_owner=None,
            lease_until=None,
            changed_at=now,
        )
        .returning(Delivery)
        .execution_options(populate_existing=True)
    )
    cancelled = sorted(changed.scalars().all(), key=lambda item: item.due_at)
    for delivery in cancelled:
        await reports.settled(session, delivery.post_id, delivery.client_id)
    return cancelled


async def _close_incidents(
    session: AsyncSession, actor: Actor, connection: Connection, now: datetime
) -> None:
    """The account's own incident is over, and its login's where no other account here rests on it."""
    keys = [incident_threads.connection_key(connection.id)]
    if not await logins.reach(session, connection.workspace_id, [connection.grant_id]):
        keys.append(incident_threads.grant_key(connection.workspace_id, connection.grant_id))
    for key in keys:
        incident = await incident_rows.find_open(session, key)
        if incident is not None:
            detail = {"by": actor.user_id, "connection": connection.id}
            await incident_closing.close_one(session, incident, TOPIC, now, **detail)
    await incident_threads.touch_for_grant(session, connection.grant_id)


async def _close_invitations(session: AsyncSession, connection_id: str) -> None:
    """A link that was meant to reconnect the account does not bring it back by accident."""
    closed = await session.execute(
        update(Invitation)
        .where(Invitation.connection_id == connection_id, Invitation.state == "open")
        .values(state="closed")
        .returning(Invitation.batch_id)
        .execution_options(synchronize_session=False)
    )
    for batch_id in set(closed.scalars().all()):
        await inviting.touch_batch(session, batch_id)


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
