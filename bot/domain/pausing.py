"""Pausing a client, or everything: accounts stay connected, posts wait until somebody lets them go.

The channel sees it and who did it: the client's team channel, or operations for "pause all". A pause holds
from its commit on: whoever prepares a post at that moment has to read it again before anything leaves.
Resuming lets go what is on time, and offers what is late in one message per client.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import holding, incident_threads
from bot.domain.auditing import Actor, record
from bot.domain.house import House
from bot.domain.telling import (
    OPERATIONS,
    Audience,
    find,
    show_view,
    team,
    tell_event,
    touch,
)
from storage import clients
from storage import queue as store
from storage.models import Client, Workspace

TOPIC, NEWS = "pause", "pause.news"


async def pause(session: AsyncSession, actor: Actor, client: Client, now: datetime) -> bool:
    """False when it was paused already: ten presses are one."""
    client = await clients.hold(session, Client, client.id)
    if client.paused_at is not None:
        return False
    client.paused_at, client.paused_by = now, actor.user_id
    await session.flush()
    await store.take_back(session, [client.id])
    record(session, actor, "client.paused", now, client_id=client.id)
    await _show(session, actor, team(client.id), client.id, now)
    await incident_threads.touch_of_client(session, client.id)
    return True


async def resume(
    session: AsyncSession, house: House, actor: Actor, client: Client, now: datetime
) -> tuple[int, int]:
    """Lets the client's posts go: (on their way, offered because they are late). Nothing happens where it
    was not paused; where everything is paused, the posts wait for that."""
    client = await clients.hold(session, Client, client.id)
    since = client.paused_at
    if since is None:
        return 0, 0
    client.paused_at = client.paused_by = None
    record(session, actor, "client.resumed", now, client_id=client.id)
    workspace = await session.get_one(Workspace, client.workspace_id, populate_existing=True)
    let_go = (0, 0)
    if workspace.paused_at is None:
        let_go = await _let_go(session, house, [client.id], now)
    await _tell_resumed(session, actor, client.id, since, let_go)
    await incident_threads.touch_of_client(session, client.id)
    return let_go


async def pause_all(session: AsyncSession, actor: Actor, now: datetime) -> bool:
    """Everything of the workspace waits. False when it was paused already."""
    workspace = await clients.hold(session, Workspace, actor.workspace_id)
    if workspace.paused_at is not None:
        return False
    workspace.paused_at, workspace.paused_by = now, actor.user_id
    await session.flush()
    await store.take_back(session, await store.unpaused(session, actor.workspace_id))
    record(session, actor, "workspace.paused", now)
    await _show(session, actor, OPERATIONS, actor.workspace_id, now)
    return True


async def resume_all(session: AsyncSession, house: House, actor: Actor, now: datetime) -> tuple[int, int]:
    """As `resume`, for every client that is not paused by itself."""
    workspace = await clients.hold(session, Workspace, actor.workspace_id)
    since = workspace.paused_at
    if since is None:
        return 0, 0
    workspace.paused_at = workspace.paused_by = None
    record(session, actor, "workspace.resumed", now)
    let_go = await _let_go(session, house, await store.unpaused(session, actor.workspace_id), now)
    await _tell_resumed(session, actor, actor.workspace_id, since, let_go)
    return let_go


async def _let_go(
    session: AsyncSession, house: House, client_ids: Sequence[str], now: datetime
) -> tuple[int, int]:
    await store.take_back(session, client_ids)
    return await holding.release(session, house, await store.able(session, client_ids), now)


async def _show(
    session: AsyncSession, actor: Actor, audience: Audience, subject_id: str, since: datetime
) -> None:
    """A message of its own in the channel, which shows whether the pause still holds."""
    facts = {"since": since.isoformat(), "by": actor.user_id}
    key = _key(subject_id, since)
    await show_view(session, actor.workspace_id, TOPIC, key, audience, subject_id=subject_id, facts=facts)


async def _tell_resumed(
    session: AsyncSession, actor: Actor, subject_id: str, since: datetime, let_go: tuple[int, int]
) -> None:
    """Says in the pause's thread who ended it; a pause from before it had a message ends quietly."""
    root = await find(session, _key(subject_id, since))
    if root is None:
        return
    sent, late = let_go
    facts = {"since": since.isoformat(), "by": actor.user_id, "sent": sent, "late": late}
    await tell_event(
        session,
        actor.workspace_id,
        NEWS,
        f"{root.unique_key}:over",
        Audience(root.audience, root.audience_id),
        subject_id=subject_id,
        facts=facts,
        root=root,
    )
    await touch(session, root.unique_key)


def _key(subject_id: str, since: datetime) -> str:
    return f"pause:{subject_id}:{since.isoformat()}"
