"""Incidents: opened once per cause, found while open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import Incident, Notice, new_id
from storage.upsert import insert_new


async def open_one(session: AsyncSession, open_key: str, **values: Any) -> tuple[Incident, bool]:
    """The open incident of this cause, and whether this call opened it."""
    row = {"id": new_id(), "open_key": open_key, "state": "open", "step": 0, "detail": {}} | values
    opened = await insert_new(session, Incident, row, "open_key")
    incident = await find_open(session, open_key)
    assert incident is not None
    return incident, opened


async def find_open(session: AsyncSession, open_key: str) -> Incident | None:
    query = select(Incident).where(Incident.open_key == open_key).with_for_update()
    return (await session.execute(query)).scalar_one_or_none()


async def get(session: AsyncSession, workspace_id: str, incident_id: str) -> Incident | None:
    query = select(Incident).where(Incident.id == incident_id, Incident.workspace_id == workspace_id)
    return (await session.execute(query)).scalar_one_or_none()


async def open_for_grant(session: AsyncSession, grant_id: str) -> Sequence[Incident]:
    query = select(Incident).where(Incident.grant_id == grant_id, Incident.state == "open")
    return (await session.execute(query)).scalars().all()


async def close(session: AsyncSession, incident: Incident, how: str, now: datetime) -> bool:
    """Closes an incident; true for the one call that did."""
    closed = await session.execute(
        update(Incident)
        .where(Incident.id == incident.id, Incident.state == "open")
        .values(state="closed", open_key=None, closed_at=now, closed_how=how)
        .returning(Incident.id)
    )
    return closed.first() is not None


async def roots(session: AsyncSession, incident_id: str) -> Sequence[Notice]:
    """The incident's root messages, one a channel."""
    query = select(Notice).where(Notice.topic == "incident", Notice.subject_id == incident_id)
    return (await session.execute(query)).scalars().all()
