"""Before set-up: operator notices go to whoever owns the workspace, and that person is told how to begin."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.telling import tell_event, user
from storage import clients


async def needs_owner(session: AsyncSession, workspace_id: str) -> bool:
    """Whether nobody is known yet who could be told anything."""
    workspace = await clients.workspace(session, workspace_id)
    return workspace.installed_by is None and not workspace.admins


async def welcome(session: AsyncSession, workspace_id: str, owner: str) -> None:
    """Notes who stands in for the operations channel until there is one, and says hello, once."""
    workspace = await clients.workspace(session, workspace_id)
    workspace.installed_by = owner
    await tell_event(session, workspace_id, "welcome", f"welcome:{workspace_id}", user(owner))
