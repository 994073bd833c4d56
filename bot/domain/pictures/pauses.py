"""Pauses as their channels see them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.pictures.parts import client_name
from bot.messages.pausing import Pause
from storage import clients as people
from storage import queue


async def pause(
    session: AsyncSession, workspace_id: str, subject_id: str, facts: Mapping[str, Any]
) -> Pause | None:
    """The pause of a client, or (where the workspace itself is the subject) of all its clients."""
    workspace = await people.workspace(session, workspace_id)
    since = datetime.fromisoformat(facts["since"])
    by = facts.get("by")
    if subject_id == workspace_id:
        ids = await queue.unpaused(session, workspace_id)
        waiting = await queue.waiting(session, ids)
        return Pause(None, since, by, workspace.paused_at != since, waiting, workspace.zone)
    client = await people.get(session, workspace_id, subject_id)
    if client is None:
        return None
    waiting = await queue.waiting(session, [client.id])
    return Pause(client_name(client), since, by, client.paused_at != since, waiting, client.zone)
