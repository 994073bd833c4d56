"""Pausing a client: its accounts stay connected, its posts wait until somebody lets them go."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import holding
from bot.domain.auditing import Actor, record
from bot.domain.house import House
from storage import connections
from storage.models import Client


async def pause(session: AsyncSession, actor: Actor, client: Client, now: datetime) -> bool:
    """False when it was paused already."""
    if client.paused_at is not None:
        return False
    client.paused_at = now
    record(session, actor, "client.paused", now, client_id=client.id)
    return True


async def resume(
    session: AsyncSession, house: House, actor: Actor, client: Client, now: datetime
) -> tuple[int, int]:
    """Lets the client's posts go: (on their way, offered because they are late)."""
    client.paused_at = None
    record(session, actor, "client.resumed", now, client_id=client.id)
    await session.flush()
    rows = await connections.of_client(session, client.id)
    return await holding.release(session, house, [row.id for row in rows], now)
