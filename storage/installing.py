"""Workspaces as they come and go: walks through Slack's OAuth, tokens by generation, and the end of one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import InstallWalk, Workspace, new_id
from storage.upsert import insert_new


async def take_walk(
    session: AsyncSession, state_hash: str, browser_hash: str, now: datetime
) -> InstallWalk | None:
    """Uses a state up: for one load, in the browser that it was made for, before its end."""
    taken = await session.execute(
        update(InstallWalk)
        .where(
            InstallWalk.state_hash == state_hash,
            InstallWalk.browser_hash == browser_hash,
            InstallWalk.used_at.is_(None),
            InstallWalk.expires_at > now,
        )
        .values(used_at=now)
        .returning(InstallWalk)
        .execution_options(populate_existing=True)
    )
    return taken.scalar_one_or_none()


async def walk_of_state(session: AsyncSession, state_hash: str) -> InstallWalk | None:
    query = select(InstallWalk).where(InstallWalk.state_hash == state_hash)
    return (await session.execute(query)).scalar_one_or_none()


async def end_walk(session: AsyncSession, walk_id: str, result: str, workspace_id: str | None = None) -> None:
    await session.execute(
        update(InstallWalk)
        .where(InstallWalk.id == walk_id)
        .values(result=result, workspace_id=workspace_id)
        .execution_options(synchronize_session=False)
    )


async def forget_walks(session: AsyncSession, before: datetime) -> None:
    """Walks whose state ended before a moment: nobody looks at their page any more."""
    await session.execute(delete(InstallWalk).where(InstallWalk.expires_at < before))


async def row_of_team(session: AsyncSession, team_id: str, now: datetime) -> tuple[Workspace, bool]:
    """The row of a Slack team, locked until the transaction ends, and whether this call made it."""
    values: dict[str, Any] = {
        "id": new_id(),
        "team_id": team_id,
        "name": "",
        "bot_user_id": "",
        "admins": [],
        "zone": "UTC",
        "settings": {},
        "created_at": now,
    }
    made = await insert_new(session, Workspace, values, "team_id")
    query = select(Workspace).where(Workspace.team_id == team_id).with_for_update()
    row = (await session.execute(query.execution_options(populate_existing=True))).scalar_one()
    return row, made


async def mark_gone(
    session: AsyncSession, workspace_id: str, generation: int, now: datetime, remove_at: datetime
) -> bool:
    """The token of this generation is dead: the workspace is left, and its token forgotten. False where it
    was left already, or installed again meanwhile."""
    gone = await session.execute(
        update(Workspace)
        .where(
            Workspace.id == workspace_id,
            Workspace.token_generation == generation,
            Workspace.uninstalled_at.is_(None),
        )
        .values(uninstalled_at=now, remove_at=remove_at, bot_token=None)
        .returning(Workspace.id)
        .execution_options(synchronize_session=False)
    )
    return gone.first() is not None
