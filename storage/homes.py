"""Home tabs: of several pictures that are on their way to one person, the one asked for last stands."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import HomeTab
from storage.upsert import insert_new


async def ask(session: AsyncSession, workspace_id: str, user_id: str, ts: str) -> bool:
    """Notes that a picture was asked for at `ts`; false where a later one was asked for already."""
    key = {"workspace_id": workspace_id, "user_id": user_id}
    if await insert_new(session, HomeTab, key | {"asked_ts": ts}, *key):
        return True
    moved = await session.execute(
        update(HomeTab)
        .where(
            HomeTab.workspace_id == workspace_id,
            HomeTab.user_id == user_id,
            HomeTab.asked_ts <= ts,
        )
        .values(asked_ts=ts)
        .returning(HomeTab.user_id)
        .execution_options(synchronize_session=False)
    )
    return moved.first() is not None


async def is_last(session: AsyncSession, workspace_id: str, user_id: str, ts: str) -> bool:
    """Whether nothing was asked for since `ts`."""
    query = select(HomeTab.asked_ts).where(HomeTab.workspace_id == workspace_id, HomeTab.user_id == user_id)
    found: str | None = await session.scalar(query)
    return found is None or found <= ts
