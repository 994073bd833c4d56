"""Disconnecting accounts, several at once: in as many statements as for one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import and_, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.deliveries import BEFORE_RETURN
from storage.models import Connection, Delivery, Departure, Grant, Incident


async def lock_grants(session: AsyncSession, workspace_id: str, connection_ids: Iterable[str]) -> None:
    """The grants before their connections: linking takes them in this order, too."""
    theirs = select(Connection.grant_id).where(
        Connection.workspace_id == workspace_id, Connection.id.in_(list(connection_ids))
    )
    await session.execute(select(Grant.id).where(Grant.id.in_(theirs)).order_by(Grant.id).with_for_update())


async def end(
    session: AsyncSession, workspace_id: str, seen: Mapping[str, int], now: datetime
) -> Sequence[Connection]:
    """Ends the living connections whose generation is still the one that was seen."""
    ended = await session.execute(
        update(Connection)
        .where(
            Connection.workspace_id == workspace_id,
            tuple_(Connection.id, Connection.generation).in_(list(seen.items())),
            Connection.state == "live",
        )
        .values(
            state="disconnected",
            disconnected_at=now,
            generation=Connection.generation + 1,
            next_change_at=None,
        )
        .returning(Connection)
        .execution_options(populate_existing=True)
    )
    return ended.scalars().all()


async def cancel(session: AsyncSession, connection_ids: Iterable[str], now: datetime) -> Sequence[Delivery]:
    """Cancels what can still be cancelled, the first due first; what has passed the point of no return runs
    out."""
    changed = await session.execute(
        update(Delivery)
        .where(Delivery.connection_id.in_(list(connection_ids)), Delivery.state.in_(BEFORE_RETURN))
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
    return sorted(changed.scalars().all(), key=lambda item: item.due_at)


async def open_alerts(
    session: AsyncSession, workspace_id: str, connections: Sequence[Connection]
) -> Sequence[Incident]:
    """The workspace's open incidents of these accounts, and of the logins that they rested on."""
    of_account = Incident.connection_id.in_([row.id for row in connections])
    of_login = and_(Incident.kind == "grant", Incident.grant_id.in_([row.grant_id for row in connections]))
    query = (
        select(Incident)
        .where(Incident.workspace_id == workspace_id, Incident.state == "open", or_(of_account, of_login))
        .order_by(Incident.id)
        .with_for_update()
    )
    return (await session.execute(query)).scalars().all()


async def with_connections(
    session: AsyncSession, workspace_id: str, departure_ids: Iterable[str]
) -> Sequence[tuple[Departure, Connection]]:
    """Departures of a workspace with their accounts, by platform and handle."""
    query = (
        select(Departure, Connection)
        .join(Connection, Connection.id == Departure.connection_id)
        .where(Departure.workspace_id == workspace_id, Departure.id.in_(list(departure_ids)))
        .order_by(Connection.platform, Connection.handle, Connection.id)
    )
    return [(row[0], row[1]) for row in (await session.execute(query)).all()]
