"""Pausing a client, or everything: accounts stay connected, posts wait until somebody lets them go.

A pause holds from its commit on: whoever prepares a post at that moment has to read it again before anything
leaves. Resuming lets go what is on time, and offers what is late in one message per client.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import holding
from bot.domain.auditing import Actor, record
from bot.domain.house import House
from storage import queue as store
from storage.models import Client, Workspace


async def pause(session: AsyncSession, actor: Actor, client: Client, now: datetime) -> bool:
    """False when it was paused already."""
    if not await _set(session, Client, client.id, now):
        return False
    client.paused_at = now
    await store.take_back(session, [client.id])
    record(session, actor, "client.paused", now, client_id=client.id)
    return True


async def resume(
    session: AsyncSession, house: House, actor: Actor, client: Client, now: datetime
) -> tuple[int, int]:
    """Lets the client's posts go: (on their way, offered because they are late). Nothing happens where it
    was not paused; where everything is paused, the posts wait for that."""
    if not await _set(session, Client, client.id, None):
        return 0, 0
    client.paused_at = None
    record(session, actor, "client.resumed", now, client_id=client.id)
    workspace = await session.get_one(Workspace, client.workspace_id, populate_existing=True)
    if workspace.paused_at is not None:
        return 0, 0
    return await _let_go(session, house, [client.id], now)


async def pause_all(session: AsyncSession, actor: Actor, now: datetime) -> bool:
    """Everything of the workspace waits. False when it was paused already."""
    if not await _set(session, Workspace, actor.workspace_id, now):
        return False
    await store.take_back(session, await store.unpaused(session, actor.workspace_id))
    record(session, actor, "workspace.paused", now)
    return True


async def resume_all(session: AsyncSession, house: House, actor: Actor, now: datetime) -> tuple[int, int]:
    """As `resume`, for every client that is not paused by itself."""
    if not await _set(session, Workspace, actor.workspace_id, None):
        return 0, 0
    record(session, actor, "workspace.resumed", now)
    return await _let_go(session, house, await store.unpaused(session, actor.workspace_id), now)


async def _let_go(
    session: AsyncSession, house: House, client_ids: Sequence[str], now: datetime
) -> tuple[int, int]:
    await store.take_back(session, client_ids)
    return await holding.release(session, house, await store.able(session, client_ids), now)


async def _set(
    session: AsyncSession, model: type[Client] | type[Workspace], row_id: str, at: datetime | None
) -> bool:
    """Ten presses are one."""
    stands = model.paused_at.is_(None) if at is not None else model.paused_at.is_not(None)
    done = await session.execute(
        update(model)
        .where(model.id == row_id, stands)
        .values(paused_at=at)
        .returning(model.id)
        .execution_options(synchronize_session=False)
    )
    return done.first() is not None
