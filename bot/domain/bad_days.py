"""A client's bad day: several of its accounts down within the hour are one alert, not many."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage import incidents as store
from storage.models import Connection, Grant, Incident

WITHIN = timedelta(hours=1)


async def is_one(session: AsyncSession, mine: Sequence[Connection], now: datetime, *, in_mass: bool) -> bool:
    """Whether the death of `mine` (accounts of one client) belongs to a bad day: one is open, another
    platform of the client died within the hour, or, in a mass revocation, any other account did."""
    client_id, ids = mine[0].client_id, {row.id for row in mine}
    if await _is_open(session, client_id):
        return True
    others = [row for row, _ in await store.down(session, client_id, now - WITHIN) if row.id not in ids]
    if in_mass:
        return bool(others) or await _more_to_come(session, mine, now)
    return bool({row.platform for row in others} - {row.platform for row in mine})


async def _is_open(session: AsyncSession, client_id: str) -> bool:
    query = select(Incident.id).where(
        Incident.kind == "client", Incident.client_id == client_id, Incident.open_key == f"client:{client_id}"
    )
    return await session.scalar(query) is not None


async def _more_to_come(session: AsyncSession, mine: Sequence[Connection], now: datetime) -> bool:
    """Other accounts of the client whose grants were refused as well, and are judged in this very minute."""
    query = (
        select(Connection.id)
        .join(Grant, Grant.id == Connection.grant_id)
        .where(
            Connection.client_id == mine[0].client_id,
            Connection.id.not_in([row.id for row in mine]),
            Connection.state == "live",
            Grant.state == "ending",
            Grant.reason_at >= now - WITHIN,
        )
        .limit(1)
    )
    return await session.scalar(query) is not None
