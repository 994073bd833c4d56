"""A changed username is followed by the account's id, with one quiet line in the team's channel."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.labels import label_of
from bot.domain.telling import team, tell_event
from bot.platforms.base import Account
from storage.models import Connection


async def follow(
    session: AsyncSession,
    connection: Connection,
    account: Account,
    now: datetime,
    *,
    only_handle: bool = False,
) -> bool:
    """Brings the row to the account's present handle and name; true if people call it otherwise now.

    `only_handle`: a probe that knows the handle for sure and makes its name up."""
    old = label_of(connection)
    fresh: dict[str, Any] = {}
    if account.handle and account.handle != connection.handle:
        fresh["handle"] = account.handle[:255]
    if account.name and account.name != connection.name and not only_handle:
        fresh["name"] = account.name[:255]
    if not fresh:
        return False
    changed = await session.execute(
        update(Connection)
        .where(Connection.id == connection.id, Connection.handle == connection.handle)
        .values(**fresh)
        .returning(Connection.id)
        .execution_options(synchronize_session=False)
    )
    if changed.first() is None:  # somebody was faster
        return False
    connection.handle = fresh.get("handle", connection.handle)
    connection.name = fresh.get("name", connection.name)
    return await tell(session, connection, old, now)


async def tell(session: AsyncSession, connection: Connection, old: str, now: datetime) -> bool:
    """One quiet line, if `old` is not what the account is called now."""
    new = label_of(connection)
    if not old or not new or old == new:
        return False
    told = await tell_event(
        session,
        connection.workspace_id,
        "renamed",
        f"renamed:{connection.id}:{now.isoformat()}",
        team(connection.client_id),
        subject_id=connection.id,
        facts={"old": old, "new": new},
    )
    return told is not None
