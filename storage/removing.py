"""Taking a workspace's data away for good, table by table in batches, whatever tables there are.

Grants belong to no workspace: one goes when nothing in any workspace refers to it any more.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, exists, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import (
    Base,
    Connection,
    Consent,
    Departure,
    Grant,
    GrantAttempt,
    StoredMedia,
    Workspace,
)

NOBODYS = frozenset(
    {
        "breakers",
        "engine_facts",
        "grant_attempts",
        "grants",
        "key_checks",
        "processes",
        "revocation_notices",
        "seen_events",
    }
)
"""Tables that belong to no workspace."""


def tables_of_a_workspace() -> Sequence[Table]:
    """All other tables but the workspaces' own, those first that refer to others."""
    mine = [table for table in Base.metadata.sorted_tables if table.name not in NOBODYS]
    return [table for table in reversed(mine) if table.name != Workspace.__tablename__]


def belongs(table: Table, workspace_id: str) -> ColumnElement[bool]:
    """Whose rows they are: by their own column, or by a row that they refer to. Raises ValueError for a table
    that has neither."""
    if "workspace_id" in table.c:
        return table.c.workspace_id == workspace_id
    for key in sorted(table.foreign_keys, key=lambda each: each.parent.name):
        parent = key.column.table
        if "workspace_id" in parent.c:
            return key.parent.in_(select(key.column).where(parent.c.workspace_id == workspace_id))
    raise ValueError(f"{table.name} names no workspace")


async def due(session: AsyncSession, now: datetime, limit: int) -> Sequence[str]:
    """Workspaces whose grace period is over, from the index."""
    query = select(Workspace.id).where(Workspace.remove_at <= now).order_by(Workspace.remove_at).limit(limit)
    return (await session.execute(query)).scalars().all()


async def claim(session: AsyncSession, workspace_id: str, now: datetime, until: datetime) -> bool:
    """Takes a workspace's removal until then. From the first time on its Slack team names another row:
    whoever installs the bot there now begins anew."""
    taken = await session.execute(
        update(Workspace)
        .where(
            Workspace.id == workspace_id,
            Workspace.remove_at <= now,
            Workspace.uninstalled_at.is_not(None),
        )
        .values(remove_at=until, team_id=f"-{workspace_id[:31]}", bot_token=None)
        .returning(Workspace.id)
        .execution_options(synchronize_session=False)
    )
    return taken.first() is not None


async def look_at(session: AsyncSession, workspace_id: str, at: datetime) -> None:
    """When the removal goes on."""
    await session.execute(
        update(Workspace)
        .where(Workspace.id == workspace_id)
        .values(remove_at=at)
        .execution_options(synchronize_session=False)
    )


async def living(session: AsyncSession, workspace_id: str, limit: int) -> Sequence[Connection]:
    query = select(Connection).where(Connection.workspace_id == workspace_id, Connection.state == "live")
    return (await session.execute(query.limit(limit))).scalars().all()


async def under_way(session: AsyncSession, workspace_id: str) -> int:
    """Accounts whose tokens are still to be taken back."""
    query = select(func.count()).where(Departure.workspace_id == workspace_id, Departure.due_at.is_not(None))
    return int(await session.scalar(query) or 0)


async def withdraw_media(session: AsyncSession, workspace_id: str, now: datetime) -> int:
    """Files whose bytes have to go before their rows; how many there are. The media's own tidying finds
    them on its index."""
    await session.execute(
        update(StoredMedia)
        .where(StoredMedia.workspace_id == workspace_id)
        .values(digest=None, next_at=now)
        .execution_options(synchronize_session=False)
    )
    return await media(session, workspace_id)


async def media(session: AsyncSession, workspace_id: str) -> int:
    """How many files a workspace has stored."""
    query = select(func.count()).where(StoredMedia.workspace_id == workspace_id)
    return int(await session.scalar(query) or 0)


async def some(session: AsyncSession, table: Table, workspace_id: str, limit: int) -> int:
    """Deletes at most `limit` of a workspace's rows of one table; how many. Grants that nothing refers to
    any more go with their last connection."""
    keys = list(table.primary_key.columns)
    chosen = select(*keys).where(belongs(table, workspace_id)).limit(limit)
    which: Any = keys[0].in_(chosen) if len(keys) == 1 else tuple_(*keys).in_(chosen)
    if table.name == Connection.__tablename__:
        gone = await session.execute(delete(table).where(which).returning(table.c.grant_id))
        grant_ids = gone.scalars().all()
        await _forget_grants(session, set(grant_ids), workspace_id)
        return len(grant_ids)
    gone = await session.execute(delete(table).where(which).returning(keys[0]))
    return len(gone.scalars().all())


async def last(session: AsyncSession, workspace_id: str) -> None:
    """The workspace's own row."""
    await session.execute(delete(Workspace).where(Workspace.id == workspace_id))


async def _forget_grants(session: AsyncSession, ids: Collection[str], workspace_id: str) -> None:
    used = (
        exists().where(Connection.grant_id == Grant.id),
        exists().where(Departure.grant_id == Grant.id),
        exists().where(Consent.grant_id == Grant.id),
    )
    query = select(Grant.id).where(Grant.id.in_(list(ids)), *(~each for each in used))
    orphans = (await session.execute(query)).scalars().all()
    await session.execute(delete(GrantAttempt).where(GrantAttempt.grant_id.in_(orphans)))
    await session.execute(delete(Grant).where(Grant.id.in_(orphans)))
    rest = select(Grant).where(Grant.id.in_(list(ids)))
    for grant in (await session.execute(rest)).scalars():  # another workspace's: who opened it is forgotten
        if grant.opened_by.get("workspace") == workspace_id:
            grant.opened_by = {}
