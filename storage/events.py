"""What happened to one account: what people did, its alerts, its posts; the newest, and only so many."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import AuditEvent, Connection, Delivery, Incident, Post

TOLD = ("published", "failed", "unconfirmed")


async def of_connection(session: AsyncSession, connection: Connection, limit: int) -> Sequence[AuditEvent]:
    query = (
        select(AuditEvent)
        .where(
            AuditEvent.workspace_id == connection.workspace_id,
            AuditEvent.client_id == connection.client_id,
            AuditEvent.connection_id == connection.id,
        )
        .order_by(AuditEvent.at.desc())
        .limit(limit)
    )
    return (await session.execute(query)).scalars().all()


async def alerts_of(session: AsyncSession, connection: Connection, limit: int) -> Sequence[Incident]:
    """Of the account itself, and of its login since the account rests on it."""
    of_login = and_(
        Incident.kind == "grant",
        Incident.grant_id == connection.grant_id,
        Incident.opened_at >= connection.linked_at,
    )
    query = (
        select(Incident)
        .where(
            Incident.workspace_id == connection.workspace_id,
            or_(Incident.connection_id == connection.id, of_login),
        )
        .order_by(Incident.opened_at.desc())
        .limit(limit)
    )
    return (await session.execute(query)).scalars().all()


async def posts_of(
    session: AsyncSession, connection: Connection, limit: int
) -> Sequence[tuple[Delivery, str]]:
    """Posts that went out, failed, or that nobody can tell about, each with its text."""
    query = (
        select(Delivery, Post.text)
        .join(Post, Post.id == Delivery.post_id)
        .where(Delivery.connection_id == connection.id, Delivery.state.in_(TOLD))
        .order_by(Delivery.due_at.desc())
        .limit(limit)
    )
    return [(row[0], row[1]) for row in (await session.execute(query)).all()]
