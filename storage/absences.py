"""People on whom a workspace depends, and those of them who left."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import Absence
from storage.upsert import insert_new


async def note(session: AsyncSession, workspace_id: str, user_id: str, now: datetime) -> bool:
    """Somebody is gone; true for the first who notices."""
    values = {"workspace_id": workspace_id, "user_id": user_id, "found_at": now}
    return await insert_new(session, Absence, values, "workspace_id", "user_id")


async def over(session: AsyncSession, workspace_id: str, user_ids: Iterable[str]) -> None:
    """These are back, or nothing depends on them any more: should they leave again, that is told again."""
    await session.execute(
        delete(Absence)
        .where(Absence.workspace_id == workspace_id, Absence.user_id.in_(list(user_ids)))
        .execution_options(synchronize_session=False)
    )


async def of_workspace(session: AsyncSession, workspace_id: str) -> set[str]:
    """The Slack users who were noticed to be gone."""
    query = select(Absence.user_id).where(Absence.workspace_id == workspace_id)
    return set((await session.execute(query)).scalars())
