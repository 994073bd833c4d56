"""What comes round by itself in a workspace: found on an index, held while it is done, planned again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import Routine, Workspace
from storage.upsert import insert_new

PEOPLE, MONDAY, AHEAD = "people", "monday", "ahead"
KINDS = (PEOPLE, MONDAY, AHEAD)


async def ensure(session: AsyncSession, now: datetime) -> None:
    """Every workspace has its routines; a new one plans itself in the next tick."""
    complete = select(Routine.workspace_id).group_by(Routine.workspace_id).having(func.count() >= len(KINDS))
    query = select(Workspace.id).where(Workspace.uninstalled_at.is_(None), Workspace.id.not_in(complete))
    for workspace_id in (await session.execute(query)).scalars().all():
        for kind in KINDS:
            values = {"workspace_id": workspace_id, "kind": kind, "next_at": now, "is_planned": False}
            await insert_new(session, Routine, values, "workspace_id", "kind")


async def any_due(session: AsyncSession, now: datetime, kinds: Iterable[str]) -> bool:
    """Whether a claim is worth a writing transaction."""
    query = select(Routine.kind).where(Routine.next_at <= now, Routine.kind.in_(list(kinds))).limit(1)
    return await session.scalar(query) is not None


async def take_due(session: AsyncSession, now: datetime, kinds: Iterable[str]) -> Routine | None:
    """The longest due routine of these kinds, nobody else's until the transaction ends."""
    query = (
        select(Routine)
        .where(Routine.next_at <= now, Routine.kind.in_(list(kinds)))
        .order_by(Routine.next_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def plan(
    session: AsyncSession, workspace_id: str, kind: str, at: datetime, *, seen: datetime | None = None
) -> bool:
    """When a routine comes round next. With `seen`, only if nobody has planned it meanwhile."""
    which = [Routine.workspace_id == workspace_id, Routine.kind == kind]
    if seen is not None:
        which.append(Routine.next_at == seen)
    done = await session.execute(
        update(Routine)
        .where(*which)
        .values(next_at=at, is_planned=True)
        .returning(Routine.kind)
        .execution_options(synchronize_session=False)
    )
    return done.first() is not None


async def planned(session: AsyncSession, workspace_id: str) -> Sequence[Routine]:
    """A workspace's routines that know when they come round, held until the transaction ends."""
    query = (
        select(Routine)
        .where(Routine.workspace_id == workspace_id, Routine.is_planned)
        .order_by(Routine.kind)
        .with_for_update()
    )
    return (await session.execute(query)).scalars().all()
