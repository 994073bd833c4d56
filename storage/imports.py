"""Calendars on their way into the queue: kept, claimed, counted line by line, forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.leases import free
from storage.models import Import
from storage.upsert import insert_new


async def add(session: AsyncSession, values: dict[str, Any]) -> Import:
    """Stores a preview; the one that stands already for that window."""
    await insert_new(session, Import, values, "workspace_id", "view_id")
    query = select(Import).where(
        Import.workspace_id == values["workspace_id"], Import.view_id == values["view_id"]
    )
    return (await session.execute(query)).scalar_one()


async def get(session: AsyncSession, workspace_id: str, import_id: str) -> Import | None:
    query = select(Import).where(Import.workspace_id == workspace_id, Import.id == import_id)
    return (await session.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()


async def start(session: AsyncSession, workspace_id: str, import_id: str, now: datetime) -> bool:
    """From the preview into work, counted anew; false when it was started before."""
    started = await session.execute(
        update(Import)
        .where(Import.id == import_id, Import.workspace_id == workspace_id, Import.state == "previewed")
        .values(state="running", position=0, queued=0, known=0, faults=[], next_at=now)
        .returning(Import.id)
        .execution_options(synchronize_session=False)
    )
    return started.first() is not None


async def any_due(session: AsyncSession, now: datetime) -> bool:
    """Whether a claim is worth a writing transaction."""
    return bool(await session.scalar(select(exists().where(Import.next_at <= now))))


async def claim(
    session: AsyncSession, owner: str, now: datetime, lease_now: datetime, span: timedelta
) -> Import | None:
    """The import that waits longest, for `span` of the lease clock."""
    waiting = (
        select(Import.id)
        .where(Import.state == "running", Import.next_at <= now, free(Import, lease_now))
        .order_by(Import.next_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    taken = await session.execute(
        update(Import)
        .where(Import.id == waiting, free(Import, lease_now))
        .values(lease_owner=owner, lease_until=lease_now + span)
        .returning(Import)
        .execution_options(populate_existing=True)
    )
    return taken.scalars().first()


async def step(session: AsyncSession, row: Import, owner: str, **values: Any) -> bool:
    """Counts one more line; false when another process has taken over. Locks the row until the commit."""
    done = await session.execute(
        update(Import)
        .where(
            Import.id == row.id,
            Import.state == "running",
            Import.lease_owner == owner,
            Import.position == row.position,
        )
        .values(**values)
        .returning(Import.id)
        .execution_options(synchronize_session=False)
    )
    return done.first() is not None


async def forget_due(session: AsyncSession, now: datetime) -> None:
    """Previews that nobody used, and results that nobody looks at any more."""
    await session.execute(delete(Import).where(Import.state != "running", Import.next_at <= now))
