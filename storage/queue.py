"""What is to come: posts that have not gone out, changed before the point of no return, held and let go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage import pictures
from storage.deliveries import BEFORE_RETURN
from storage.models import AuditEvent, Client, Connection, Delivery, Grant, Post
from storage.pictures import Item

CANCELLED = "cancelled"
"""The reason of a delivery that was cancelled in the queue: only those can be restored."""

RESTORABLE = timedelta(days=1)
GONE_GRANTS = ("dead", "forgotten")
HISTORY_MOST = 300


@dataclass(frozen=True, slots=True)
class Copy:
    """A text that stands on an account: queued, or published. `due_at` is UTC-aware."""

    connection_id: str
    text: str
    due_at: datetime


def open_ones() -> ColumnElement[bool]:
    """Deliveries of which nothing can have appeared yet."""
    return Delivery.state.in_(BEFORE_RETURN)


def restorable(now: datetime) -> ColumnElement[bool]:
    """Deliveries that were cancelled in the queue less than a day ago."""
    return and_(
        Delivery.state == "cancelled", Delivery.reason == CANCELLED, Delivery.changed_at > now - RESTORABLE
    )


async def page(
    session: AsyncSession, workspace_id: str, client_ids: Iterable[str], now: datetime, start: int, size: int
) -> tuple[list[list[Item]], int]:
    """Posts that are to come, each with its deliveries of one moment, the first due first; and how many
    there are in all. A post whose accounts were moved apart stands at each of its moments."""
    which = and_(
        Delivery.workspace_id == workspace_id,
        Delivery.client_id.in_(list(client_ids)),
        or_(open_ones(), restorable(now)),
    )
    moment = (Delivery.post_id, Delivery.due_at)
    groups = select(*moment).where(which).group_by(*moment)
    total = await session.scalar(select(func.count()).select_from(groups.subquery()))
    ordered = groups.order_by(Delivery.due_at, Delivery.post_id).limit(size).offset(start)
    keys = [(row[0], row[1]) for row in (await session.execute(ordered)).all()]
    found: dict[tuple[str, datetime], list[Item]] = {key: [] for key in keys}
    of_posts = Delivery.post_id.in_([key[0] for key in keys])
    for item in await pictures.deliveries(session, workspace_id, which, of_posts):
        key = (item.post.id, item.delivery.due_at)
        if key in found:
            found[key].append(item)
    return [items for items in found.values() if items], int(total or 0)


async def locked(session: AsyncSession, workspace_id: str, delivery_ids: Iterable[str]) -> dict[str, Post]:
    """The posts of these deliveries by the delivery's id, locked until the transaction ends."""
    pairs = select(Delivery.id, Delivery.post_id).where(
        Delivery.workspace_id == workspace_id, Delivery.id.in_(list(delivery_ids))
    )
    post_of = {row[0]: row[1] for row in (await session.execute(pairs)).all()}
    query = select(Post).where(Post.id.in_(set(post_of.values()))).order_by(Post.id).with_for_update()
    rows = (await session.execute(query.execution_options(populate_existing=True))).scalars()
    posts = {row.id: row for row in rows}
    return {key: posts[post_id] for key, post_id in post_of.items()}


async def of_post(session: AsyncSession, post_id: str) -> Sequence[Delivery]:
    """All deliveries of a post, whatever their state, the longest standing first."""
    query = select(Delivery).where(Delivery.post_id == post_id).order_by(Delivery.created_at, Delivery.id)
    return (await session.execute(query.execution_options(populate_existing=True))).scalars().all()


async def change(
    session: AsyncSession,
    workspace_id: str,
    numbers: tuple[str, int, int],
    condition: ColumnElement[bool],
    now: datetime,
    **values: Any,
) -> Delivery | None:
    """One delivery, if its attempt and revision are still the ones that were seen and `condition` holds.

    Whoever works on it loses the lease, and with it the right to send."""
    delivery_id, attempt, revision = numbers
    changed = await session.execute(
        update(Delivery)
        .where(
            Delivery.id == delivery_id,
            Delivery.workspace_id == workspace_id,
            Delivery.attempt == attempt,
            Delivery.revision == revision,
            condition,
        )
        .values(changed_at=now, lease_owner=None, lease_until=None, **values)
        .returning(Delivery)
        .execution_options(populate_existing=True)
    )
    return changed.scalars().first()


async def put(session: AsyncSession, delivery_ids: Iterable[str], post_id: str) -> None:
    """Hangs deliveries under another post."""
    await session.execute(
        update(Delivery)
        .where(Delivery.id.in_(list(delivery_ids)))
        .values(post_id=post_id)
        .execution_options(synchronize_session=False)
    )


async def take_back(session: AsyncSession, client_ids: Iterable[str]) -> None:
    """Takes these clients' deliveries out of the hands of whoever prepares them: what stops or starts the
    clients is read again before anything leaves."""
    await session.execute(
        update(Delivery)
        .where(Delivery.client_id.in_(list(client_ids)), open_ones(), Delivery.lease_owner.is_not(None))
        .values(lease_owner=None, lease_until=None)
        .execution_options(synchronize_session=False)
    )


async def able(session: AsyncSession, client_ids: Iterable[str]) -> Sequence[str]:
    """The connections of these clients that can carry posts now."""
    query = (
        select(Connection.id)
        .join(Grant, Grant.id == Connection.grant_id)
        .where(
            Connection.client_id.in_(list(client_ids)),
            Connection.state == "live",
            Connection.problem.is_(None),
            Grant.state.not_in(GONE_GRANTS),
        )
    )
    return (await session.execute(query)).scalars().all()


async def unpaused(session: AsyncSession, workspace_id: str) -> Sequence[str]:
    """The open clients of a workspace that are not paused by themselves."""
    query = select(Client.id).where(
        Client.workspace_id == workspace_id, Client.closed_at.is_(None), Client.paused_at.is_(None)
    )
    return (await session.execute(query)).scalars().all()


async def waiting(session: AsyncSession, client_ids: Iterable[str]) -> int:
    """How many deliveries of these clients are to come."""
    query = select(func.count()).where(Delivery.client_id.in_(list(client_ids)), open_ones())
    return int(await session.scalar(query) or 0)


async def history(
    session: AsyncSession, workspace_id: str, client_id: str, since: datetime
) -> Sequence[AuditEvent]:
    """What people did for a client since then, the newest first."""
    query = (
        select(AuditEvent)
        .where(
            AuditEvent.workspace_id == workspace_id,
            AuditEvent.client_id == client_id,
            AuditEvent.at >= since,
        )
        .order_by(AuditEvent.at.desc())
        .limit(HISTORY_MOST)
    )
    return (await session.execute(query)).scalars().all()


async def copies(
    session: AsyncSession,
    connection_ids: Iterable[str],
    since: datetime,
    until: datetime,
    but: Iterable[str] = (),
) -> list[Copy]:
    """What is queued or published on these accounts between two moments of house time; `but` names
    deliveries that are left out."""
    query = (
        select(Delivery.connection_id, func.coalesce(Delivery.text, Post.text), Delivery.due_at)
        .join(Post, Post.id == Delivery.post_id)
        .where(
            Delivery.connection_id.in_(list(connection_ids)),
            Delivery.due_at >= since,
            Delivery.due_at <= until,
            Delivery.state.not_in(("cancelled", "failed")),
            Delivery.id.not_in(list(but)),
        )
        .order_by(Delivery.due_at)
    )
    return [Copy(*row) for row in (await session.execute(query)).all()]


async def siblings(session: AsyncSession, connection_ids: Iterable[str]) -> dict[str, str]:
    """These accounts and all other living ones of their clients, each with its platform."""
    theirs = select(Connection.client_id).where(Connection.id.in_(list(connection_ids)))
    query = select(Connection.id, Connection.platform).where(
        Connection.client_id.in_(theirs), Connection.state == "live"
    )
    return {row[0]: row[1] for row in (await session.execute(query)).all()}


async def imported(session: AsyncSession, workspace_id: str, request_key: str) -> bool:
    """Whether a post of that key stands."""
    query = select(Post.id).where(Post.workspace_id == workspace_id, Post.request_key == request_key)
    return await session.scalar(query) is not None
