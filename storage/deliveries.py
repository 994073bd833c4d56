"""Deliveries: due ones, the marker before the point of no return, and moves from one state to the next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from storage.leases import free
from storage.models import Client, Connection, Delivery, Grant, Notice, Post, Workspace

BEFORE_RETURN = ("scheduled", "preparing", "blocked")
"""States in which nothing can have appeared yet: edit, move and cancel are possible."""

AT_WORK = ("scheduled", "preparing", "sending", "processing", "unconfirmed", "blocked")


@dataclass(frozen=True, slots=True)
class Work:
    """A delivery with everything that decides what happens to it."""

    delivery: Delivery
    post: Post
    connection: Connection
    grant: Grant
    client: Client
    workspace: Workspace


async def any_due(session: AsyncSession, now: datetime) -> bool:
    """Whether a look for due deliveries is worth a writing transaction."""
    return bool(await session.scalar(select(exists().where(Delivery.next_at <= now))))


async def claim(
    session: AsyncSession, owner: str, now: datetime, lease_now: datetime, span: timedelta, limit: int
) -> Sequence[str]:
    """Takes due deliveries, the longest due first. A send that may still be on its way is not taken."""
    ready = (
        select(Delivery.id)
        .where(
            Delivery.next_at <= now,
            free(Delivery, lease_now),
            or_(Delivery.sending_over_at.is_(None), Delivery.sending_over_at <= lease_now),
            Delivery.state.in_(AT_WORK),
        )
        .order_by(Delivery.next_at, Delivery.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = await session.execute(
        update(Delivery)
        .where(Delivery.id.in_(ready), free(Delivery, lease_now))
        .values(lease_owner=owner, lease_until=lease_now + span)
        .returning(Delivery.id)
        .execution_options(synchronize_session=False)
    )
    return taken.scalars().all()


async def load(session: AsyncSession, delivery_id: str) -> Work | None:
    query = (
        select(Delivery, Post, Connection, Grant, Client, Workspace)
        .join(Post, Post.id == Delivery.post_id)
        .join(Connection, Connection.id == Delivery.connection_id)
        .join(Grant, Grant.id == Connection.grant_id)
        .join(Client, Client.id == Delivery.client_id)
        .join(Workspace, Workspace.id == Delivery.workspace_id)
        .where(Delivery.id == delivery_id)
        .execution_options(populate_existing=True)
    )
    row = (await session.execute(query)).first()
    return Work(*row) if row else None


async def move(
    session: AsyncSession, delivery: Delivery, owner: str, old: str, now: datetime, **values: Any
) -> bool:
    """One step by the lease's holder; false when the row moved on meanwhile (edited, cancelled, taken)."""
    moved = await session.execute(
        update(Delivery)
        .where(
            Delivery.id == delivery.id,
            Delivery.state == old,
            Delivery.lease_owner == owner,
            Delivery.revision == delivery.revision,
            Delivery.attempt == delivery.attempt,
        )
        .values(changed_at=now, **values)
        .returning(Delivery.id)
        .execution_options(synchronize_session=False)
    )
    return moved.first() is not None


async def mark_sending(
    session: AsyncSession, delivery: Delivery, owner: str, now: datetime, **values: Any
) -> bool:
    """The marker before the point of no return: one at a time per connection, in due order, and none where
    the client was stopped since the step began."""
    if await _is_stopped(session, delivery):
        return False
    other = aliased(Delivery)
    ahead = exists().where(
        other.connection_id == delivery.connection_id,
        other.id != delivery.id,
        or_(
            other.state == "sending",
            and_(
                other.state.in_(("scheduled", "preparing")),
                other.planned_at <= now,
                or_(
                    other.due_at < delivery.due_at,
                    and_(other.due_at == delivery.due_at, other.created_at < delivery.created_at),
                ),
            ),
        ),
    )
    if await session.scalar(select(ahead)):
        return False
    try:
        async with session.begin_nested():
            return await move(session, delivery, owner, "preparing", now, state="sending", **values)
    except IntegrityError:  # the index on `sending` has the last word between processes
        return False


async def _is_stopped(session: AsyncSession, delivery: Delivery) -> bool:
    """Whether a pause holds, or the workspace was left; neither begins until this transaction ends."""
    query = (
        select(Client.paused_at, Workspace.paused_at, Workspace.uninstalled_at)
        .join(Workspace, Workspace.id == Client.workspace_id)
        .where(Client.id == delivery.client_id)
        .with_for_update(read=True)
    )
    return any(moment is not None for moment in (await session.execute(query)).one())


async def set_progress(session: AsyncSession, delivery: Delivery, percent: int) -> None:
    """How much of an upload is there; nothing for a delivery that has moved on."""
    await session.execute(
        update(Delivery)
        .where(
            Delivery.id == delivery.id,
            Delivery.state == "preparing",
            Delivery.revision == delivery.revision,
            Delivery.attempt == delivery.attempt,
        )
        .values(progress=percent)
        .execution_options(synchronize_session=False)
    )


async def taken_ids(session: AsyncSession, connection_id: str, but: str) -> frozenset[str]:
    """External ids on a connection that belong to other deliveries."""
    query = select(Delivery.external_id).where(
        Delivery.connection_id == connection_id, Delivery.id != but, Delivery.external_id.is_not(None)
    )
    return frozenset(item for item in (await session.execute(query)).scalars() if item)


async def of_post(session: AsyncSession, post_id: str) -> Sequence[tuple[Delivery, Connection]]:
    query = (
        select(Delivery, Connection)
        .join(Connection, Connection.id == Delivery.connection_id)
        .where(Delivery.post_id == post_id)
        .order_by(Connection.platform, Connection.handle)
    )
    return [(row[0], row[1]) for row in (await session.execute(query)).all()]


async def held(
    session: AsyncSession, connection_ids: Iterable[str], late_before: datetime
) -> Sequence[Delivery]:
    """What waits on these connections, and what is past its time there without having been held."""
    past = and_(Delivery.state.in_(("scheduled", "preparing")), Delivery.planned_at < late_before)
    query = select(Delivery).where(
        Delivery.connection_id.in_(list(connection_ids)), or_(Delivery.state == "blocked", past)
    )
    return (await session.execute(query.order_by(Delivery.due_at))).scalars().all()


async def overdue(
    session: AsyncSession, client_id: str, before: datetime, waiting: str, found: str
) -> Sequence[Delivery]:
    """Deliveries of a client that were planned before a moment and have made nothing yet at their platform,
    those that waited for it among them (`waiting`: their reason), and the one that the caller `found`."""
    idle = and_(Delivery.state.in_(("scheduled", "preparing")), Delivery.handles.is_(None))
    held = and_(Delivery.state == "blocked", Delivery.reason == waiting)
    query = select(Delivery).where(
        Delivery.client_id == client_id,
        Delivery.planned_at < before,
        or_(idle, held, and_(Delivery.id == found, Delivery.state.in_(BEFORE_RETURN))),
    )
    return (await session.execute(query.order_by(Delivery.due_at))).scalars().all()


async def retire_offer(session: AsyncSession, key: str, retired: str) -> None:
    """Gives the notice `key` another key where nothing of what it asks about is undecided any more: then the
    next late post gets a message of its own. Of two that try, one waits for the other and changes nothing."""
    undecided = exists().where(
        Delivery.offer_id == Notice.id, Delivery.state == "blocked", Delivery.late.is_(True)
    )
    await session.execute(
        update(Notice)
        .where(Notice.unique_key == key, ~undecided)
        .values(unique_key=retired)
        .execution_options(synchronize_session=False)
    )


async def waiting(session: AsyncSession, connection_ids: Iterable[str]) -> tuple[int, datetime | None]:
    """How many posts wait on these connections, and when the first is (or was) due."""
    query = select(func.count(), func.min(Delivery.due_at)).where(
        Delivery.connection_id.in_(list(connection_ids)),
        Delivery.state.in_(("scheduled", "preparing", "blocked")),
    )
    count, first = (await session.execute(query)).one()
    return int(count), first
