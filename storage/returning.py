"""What a workspace finds when it comes back: posts whose time passed, what nobody heard, its accounts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import and_, case, func, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.deliveries import BEFORE_RETURN
from storage.models import Connection, Delivery, Incident, Notice


async def planned_before(
    session: AsyncSession, connection_ids: Sequence[str], now: datetime
) -> Sequence[Delivery]:
    """Deliveries on these connections whose moment has passed and that nobody was asked about yet."""
    query = (
        select(Delivery)
        .where(
            Delivery.connection_id.in_(connection_ids),
            Delivery.state.in_(BEFORE_RETURN),
            Delivery.planned_at <= now,
            Delivery.late.is_(False),
        )
        .order_by(Delivery.due_at)
    )
    return (await session.execute(query)).scalars().all()


async def alerts_again(session: AsyncSession, workspace_id: str, ask_others_at: datetime) -> int:
    """Has the root of every open alert said again; how many alerts are open. Whoever would have been asked
    meanwhile is asked anew, from `ask_others_at` on."""
    open_ones = select(Incident.id).where(Incident.workspace_id == workspace_id, Incident.state == "open")
    silent = Notice.state == "undeliverable"
    await session.execute(
        update(Notice)
        .where(
            Notice.workspace_id == workspace_id,
            Notice.topic == "incident",
            Notice.kind == "view",
            Notice.subject_id.in_(open_ones),
        )
        .values(
            state=case((silent, "due"), else_=Notice.state),
            ts=case((silent, null()), else_=Notice.ts),
            version=Notice.version + 1,
            next_at=datetime.now(UTC),  # Slack's time
        )
        .execution_options(synchronize_session=False)
    )
    await session.execute(
        update(Incident)
        .where(
            Incident.workspace_id == workspace_id,
            Incident.state == "open",
            Incident.severity == "dead",
            Incident.taken_by.is_(None),
        )
        .values(step=0, next_at=ask_others_at)
        .execution_options(synchronize_session=False)
    )
    count = select(func.count()).select_from(open_ones.subquery())
    return int(await session.scalar(count) or 0)


async def questions_again(session: AsyncSession, workspace_id: str) -> None:
    """Has every message said that asks about posts and that nobody could be told: what failed or is doubted,
    and what waits past its time."""
    doubted = and_(Delivery.state == "unconfirmed", Delivery.next_at.is_(None))
    unsettled = select(Delivery.post_id).where(
        Delivery.workspace_id == workspace_id, or_(Delivery.state == "failed", doubted)
    )
    offered = select(Delivery.offer_id).where(
        Delivery.workspace_id == workspace_id, Delivery.state == "blocked", Delivery.late.is_(True)
    )
    asks = or_(
        and_(Notice.topic == "post", Notice.subject_id.in_(unsettled)),
        and_(Notice.topic == "late", Notice.id.in_(offered)),
    )
    await session.execute(
        update(Notice)
        .where(
            Notice.workspace_id == workspace_id,
            Notice.kind == "view",
            Notice.state == "undeliverable",
            asks,
        )
        .values(
            state="due",
            ts=null(),
            version=Notice.version + 1,
            next_at=datetime.now(UTC),  # Slack's time
        )
        .execution_options(synchronize_session=False)
    )


async def look_again(session: AsyncSession, workspace_id: str, now: datetime) -> None:
    """Every living account is looked at in the next sweeps: warnings may have come due."""
    await session.execute(
        update(Connection)
        .where(Connection.workspace_id == workspace_id, Connection.state == "live")
        .values(next_change_at=now)
        .execution_options(synchronize_session=False)
    )


async def accounts(session: AsyncSession, workspace_id: str) -> int:
    """How many accounts are connected."""
    query = select(func.count()).where(Connection.workspace_id == workspace_id, Connection.state == "live")
    return int(await session.scalar(query) or 0)
