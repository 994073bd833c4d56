"""Taking a first link back: "that is not the right account"."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import disconnecting, inviting
from bot.domain.auditing import Actor, record
from bot.domain.errors import NotCurrent
from storage import connections as store
from storage.models import Connection, Invitation

WITHIN = timedelta(hours=24)


async def undo_link(
    session: AsyncSession, actor: Actor, connection_id: str, generation: int, now: datetime
) -> Connection:
    """Disconnects a freshly linked account and opens its invitation again.

    Raises NotCurrent when the account was relinked, disconnected or linked too long ago."""
    connection = await store.get(session, actor.workspace_id, connection_id)
    if connection is None or connection.linked_at < now - WITHIN:
        raise NotCurrent("This link can no longer be undone. Use `/disconnect` instead.")
    connection = (await disconnecting.take_off(session, actor, connection_id, generation, now)).connection
    await _reopen(session, connection, now)
    record(session, actor, "link.undone", now, client_id=connection.client_id, connection_id=connection_id)
    return connection


async def _reopen(session: AsyncSession, connection: Connection, now: datetime) -> None:
    reopened = await session.execute(
        update(Invitation)
        .where(
            Invitation.client_id == connection.client_id,
            Invitation.platform == connection.platform,
            Invitation.state == "used",
            Invitation.used_at == connection.linked_at,
        )
        .values(state="open", used_at=None, consent_id=None, expires_at=now + inviting.LIVES)
        .returning(Invitation.batch_id)
        .execution_options(synchronize_session=False)
    )
    for batch_id in reopened.scalars().all():
        await inviting.touch_batch(session, batch_id)
