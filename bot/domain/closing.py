"""Closing a client, and opening it again.

The decision is one transaction: the client is closed, its links end, what can still be cancelled is, and its
accounts are disconnected. What is on its way runs out; what becomes of each token is the queued task that
follows every disconnect (`bot.domain.revoking`). History and short names stay, so that a client that comes
back is opened again as it was, without its accounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import disconnecting, incident_closing, inviting, merging
from bot.domain.auditing import Actor, record
from bot.domain.errors import NotCurrent
from bot.domain.house import House
from bot.domain.incident_threads import client_key
from bot.domain.pictures.parts import account, client_name
from bot.domain.telling import show_view, team
from bot.messages.closing import Closed, Closing, Left
from storage import clients as store
from storage import connections, deliveries, leaving
from storage import incidents as incident_rows
from storage.models import Client, Connection, Invitation

TOPIC = disconnecting.CLOSED
GONE = "Nothing was changed: this client was closed, or opened again, since."
CHANGED = "Nothing was closed: the accounts of this client have changed since. Look again, and then decide."


@dataclass(frozen=True, slots=True)
class Done:
    """A client that was closed: how many accounts were disconnected and how many queued posts cancelled."""

    client: Client
    accounts: int
    cancelled: int


async def ask(session: AsyncSession, house: House, client: Client) -> Closing:
    """What closing the client would mean now."""
    rows = await connections.of_client(session, client.id)
    ids = [row.id for row in rows]
    waiting, first_due = await deliveries.waiting(session, ids)
    return Closing(
        client=client_name(client),
        accounts=tuple(account(house, row) for row in rows),
        waiting=waiting,
        first_due=first_due,
        in_flight=await disconnecting.in_flight(session, Connection.client_id == client.id),
        mark=_mark(rows),
    )


async def close(session: AsyncSession, actor: Actor, client_id: str, mark: str, now: datetime) -> Done:
    """Closes a client whose accounts are still those that were shown (`mark`). Raises NotCurrent."""
    client = await store.locked(session, actor.workspace_id, client_id)
    if client is None or client.closed_at is not None:
        raise NotCurrent(GONE)
    rows = await connections.of_client(session, client.id)
    if _mark(rows) != mark:
        raise NotCurrent(CHANGED)
    client.closed_at = now
    await session.flush()
    await inviting.close_where(session, Invitation.client_id == client.id)
    # Again, now that no link of the client can be used any more: one may just have been.
    seen = {row.id: row.generation for row in await connections.of_client(session, client.id)}
    gone = await disconnecting.take_all_off(session, actor, seen, now)
    for off in gone:
        disconnecting.note(session, actor, off, now, closed=True)
    departures = [off.departure.id for off in gone]
    cancelled = sum(len(off.cancelled) for off in gone)
    await _close_bad_day(session, actor, client, now)
    await _tell(session, actor, client, departures, cancelled, now)
    detail = {"accounts": len(departures), "cancelled": cancelled}
    record(session, actor, "client.closed", now, client_id=client.id, detail=detail)
    return Done(client, len(departures), cancelled)


async def reopen(session: AsyncSession, actor: Actor, client_id: str, now: datetime) -> Client:
    """Opens a closed client again, as it was; its accounts have to be linked again. Raises NotCurrent."""
    client = await store.locked(session, actor.workspace_id, client_id)
    if client is None or client.closed_at is None:
        raise NotCurrent(GONE)
    client.closed_at = None
    await session.flush()
    record(session, actor, "client.reopened", now, client_id=client.id)
    return client


async def _close_bad_day(session: AsyncSession, actor: Actor, client: Client, now: datetime) -> None:
    incident = await incident_rows.find_open(session, client_key(client.id))
    if incident is not None:
        await incident_closing.close_one(session, incident, disconnecting.TOPIC, now, by=actor.user_id)


async def _tell(
    session: AsyncSession,
    actor: Actor,
    client: Client,
    departures: Sequence[str],
    cancelled: int,
    now: datetime,
) -> None:
    await show_view(
        session,
        client.workspace_id,
        TOPIC,
        f"{TOPIC}:{client.id}:{now.isoformat()}",
        team(client.id),
        subject_id=client.id,
        facts={"by": actor.user_id, "departures": list(departures), "cancelled": cancelled},
    )


async def picture(
    session: AsyncSession,
    house: House,
    workspace_id: str,
    client_id: str,
    departure_ids: Sequence[str],
    cancelled: int,
    by: str | None,
) -> Closed | None:
    """What the one message shows now: each account, and whether something is left to do by hand."""
    client = await store.get(session, workspace_id, client_id)
    if client is None:
        return None
    found = await leaving.with_connections(session, workspace_id, departure_ids)
    return Closed(
        client=client_name(client),
        by=by,
        cancelled=cancelled,
        left=tuple(Left(account(house, row), departure.state) for departure, row in found),
        is_open_again=client.closed_at is None,
    )


def _mark(rows: Sequence[Connection]) -> str:
    """Which accounts were shown; not their generations, which renewals of the engine do not raise either."""
    return merging.marks({"accounts": [row.id for row in rows]})["accounts"]
