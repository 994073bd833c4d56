"""What messages show, read in few, bounded queries. Each names its workspace, its client or its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import Client, Connection, Consent, Delivery, Grant, Incident, Invitation, Post

UNSENT = ("scheduled", "preparing", "blocked")
ENDS_AT_ONCE = 200  # SQLite's expressions are at most 1,000 deep


@dataclass(frozen=True, slots=True)
class Queued:
    """Posts on some accounts that have not gone out; `first_due` is UTC-aware."""

    posts: int = 0
    first_due: datetime | None = None
    late: int = 0
    after_end: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """A delivery with what it belongs to."""

    delivery: Delivery
    post: Post
    connection: Connection
    grant: Grant
    client: Client


async def connections(
    session: AsyncSession, workspace_id: str, ids: Iterable[str]
) -> Mapping[str, Connection]:
    """Connections by id, those that are gone too."""
    query = select(Connection).where(Connection.workspace_id == workspace_id, Connection.id.in_(list(ids)))
    return {row.id: row for row in (await session.execute(query)).scalars()}


async def consents(session: AsyncSession, ids: Iterable[str]) -> Mapping[str, Consent]:
    query = select(Consent).where(Consent.id.in_(list(ids)))
    return {row.id: row for row in (await session.execute(query)).scalars()}


async def grants(session: AsyncSession, ids: Iterable[str]) -> Mapping[str, Grant]:
    query = select(Grant).where(Grant.id.in_(list(ids)))
    return {row.id: row for row in (await session.execute(query)).scalars()}


async def clients(session: AsyncSession, workspace_id: str, ids: Iterable[str]) -> Sequence[Client]:
    query = select(Client).where(Client.workspace_id == workspace_id, Client.id.in_(list(ids)))
    return (await session.execute(query.order_by(Client.slug))).scalars().all()


async def reach(
    session: AsyncSession, incident: Incident, client_id: str | None = None
) -> list[tuple[Connection, Client]]:
    """The living connections of the incident's own workspace that it touches, of one client or of all."""
    query = (
        select(Connection, Client)
        .join(Client, Client.id == Connection.client_id)
        .where(Connection.workspace_id == incident.workspace_id, Connection.state == "live")
        .order_by(Client.slug, Connection.platform, Connection.handle)
    )
    if incident.connection_id is not None:
        query = query.where(Connection.id == incident.connection_id)
    else:
        query = query.where(Connection.grant_id == incident.grant_id)
    if client_id is not None:
        query = query.where(Connection.client_id == client_id)
    return [(row[0], row[1]) for row in (await session.execute(query)).all()]


async def alert_links(session: AsyncSession, connection_ids: Iterable[str]) -> Mapping[str, Invitation]:
    """The open reconnect invitations that alerts made, by connection."""
    query = select(Invitation).where(
        Invitation.connection_id.in_(list(connection_ids)),
        Invitation.state == "open",
        Invitation.created_by.is_(None),
    )
    rows = (await session.execute(query)).scalars()
    return {row.connection_id: row for row in rows if row.connection_id is not None}


async def queued(
    session: AsyncSession, connection_ids: Iterable[str], end: datetime | None = None
) -> Mapping[str, Queued]:
    """By connection: what waits on it, and how much of it is due after `end`."""
    after = _counted(Delivery.due_at > end) if end is not None else _counted(Delivery.due_at.is_(None))
    query = (
        select(
            Delivery.connection_id,
            func.count(),
            func.min(Delivery.due_at),
            _counted(and_(Delivery.state == "blocked", Delivery.late)),
            after,
        )
        .where(Delivery.connection_id.in_(list(connection_ids)), Delivery.state.in_(UNSENT))
        .group_by(Delivery.connection_id)
    )
    rows = (await session.execute(query)).all()
    return {row[0]: Queued(int(row[1]), row[2], int(row[3] or 0), int(row[4] or 0)) for row in rows}


async def queued_after(
    session: AsyncSession, ends: Mapping[str, datetime]
) -> Mapping[str, tuple[int, datetime | None]]:
    """By connection: how many posts wait on it that are due after its own moment, and when the first is."""
    if not ends:
        return {}
    late = [and_(Delivery.connection_id == key, Delivery.due_at > end) for key, end in ends.items()]
    query = (
        select(Delivery.connection_id, func.count(), func.min(Delivery.due_at))
        .where(or_(*late), Delivery.state.in_(UNSENT))
        .group_by(Delivery.connection_id)
    )
    return {row[0]: (int(row[1]), row[2]) for row in (await session.execute(query)).all()}


async def queued_by_client(session: AsyncSession, client_ids: Iterable[str]) -> Mapping[str, int]:
    """How many posts of each of these clients have not gone out."""
    query = (
        select(Delivery.client_id, func.count())
        .where(Delivery.client_id.in_(list(client_ids)), Delivery.state.in_(UNSENT))
        .group_by(Delivery.client_id)
    )
    return {row[0]: int(row[1]) for row in (await session.execute(query)).all()}


def _counted(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.sum(case((condition, 1), else_=0))


async def first_after(session: AsyncSession, ends: Mapping[str, datetime]) -> Mapping[str, datetime]:
    """By connection: when the first waiting post is due that falls after that connection's own end."""
    found: dict[str, datetime] = {}
    pairs = list(ends.items())
    for start in range(0, len(pairs), ENDS_AT_ONCE):
        after = [
            and_(Delivery.connection_id == key, Delivery.due_at > end)
            for key, end in pairs[start : start + ENDS_AT_ONCE]
        ]
        query = (
            select(Delivery.connection_id, func.min(Delivery.due_at))
            .where(or_(*after), Delivery.state.in_(UNSENT))
            .group_by(Delivery.connection_id)
        )
        found |= {row[0]: row[1] for row in (await session.execute(query)).all()}
    return found


async def posts_to_come(
    session: AsyncSession, client_ids: Sequence[str], since: datetime, until: datetime
) -> Sequence[tuple[str, str, datetime]]:
    """What waits for a moment between two on accounts of these clients: client, post, and when it is due."""
    query = (
        select(Delivery.client_id, Delivery.post_id, Delivery.due_at)
        .where(
            Delivery.client_id.in_(client_ids),
            Delivery.state.in_(UNSENT),
            Delivery.due_at >= since,
            Delivery.due_at < until,
        )
        .distinct()
    )
    return [(row[0], row[1], row[2]) for row in (await session.execute(query)).all()]


async def outcomes(
    session: AsyncSession, client_ids: Iterable[str], since: datetime, until: datetime
) -> Mapping[str, int]:
    """How many posts of these clients that were due between two moments are in each state."""
    query = (
        select(Delivery.state, func.count())
        .join(Post, Post.id == Delivery.post_id)
        .where(Post.client_id.in_(list(client_ids)), Post.due_at >= since, Post.due_at < until)
        .group_by(Delivery.state)
    )
    return {row[0]: int(row[1]) for row in (await session.execute(query)).all()}


async def published_between(
    session: AsyncSession, client_id: str, since: datetime, until: datetime
) -> Mapping[str, int]:
    """How many posts of a client went out, by platform."""
    query = (
        select(Connection.platform, func.count())
        .select_from(Delivery)
        .join(Connection, Connection.id == Delivery.connection_id)
        .where(
            Delivery.client_id == client_id,
            Delivery.state == "published",
            Delivery.published_at >= since,
            Delivery.published_at < until,
        )
        .group_by(Connection.platform)
        .order_by(Connection.platform)
    )
    return {row[0]: int(row[1]) for row in (await session.execute(query)).all()}


async def deliveries(
    session: AsyncSession,
    workspace_id: str,
    *which: ColumnElement[bool],
    limit: int | None = None,
    offset: int | None = None,
) -> list[Item]:
    """Deliveries of a workspace that fit, the first due first."""
    query = (
        select(Delivery, Post, Connection, Grant, Client)
        .join(Post, Post.id == Delivery.post_id)
        .join(Connection, Connection.id == Delivery.connection_id)
        .join(Grant, Grant.id == Connection.grant_id)
        .join(Client, Client.id == Delivery.client_id)
        .where(Delivery.workspace_id == workspace_id, *which)
        .order_by(Delivery.due_at, Connection.platform, Connection.handle, Delivery.id)
        .limit(limit)
        .offset(offset)
    )
    return [Item(*row) for row in (await session.execute(query)).all()]


async def offered(
    session: AsyncSession, workspace_id: str, offer_id: str, start: int, size: int
) -> tuple[list[Item], int]:
    """A page of what one notice asks about and is undecided, the first due first; and how many there are."""
    undecided = (Delivery.offer_id == offer_id, Delivery.state == "blocked", Delivery.late.is_(True))
    return await _page(session, workspace_id, undecided, start, size)


async def failed(
    session: AsyncSession, workspace_id: str, client_id: str, start: int, size: int
) -> tuple[list[Item], int]:
    """A page of what failed for a client, the first due first; and how many there are."""
    which = (Delivery.client_id == client_id, Delivery.state == "failed")
    return await _page(session, workspace_id, which, start, size)


async def _page(
    session: AsyncSession,
    workspace_id: str,
    which: tuple[ColumnElement[bool], ...],
    start: int,
    size: int,
) -> tuple[list[Item], int]:
    own = (Delivery.workspace_id == workspace_id, *which)
    total = await session.scalar(select(func.count()).select_from(Delivery).where(*own))
    found = await deliveries(session, workspace_id, *which, limit=size, offset=start)
    return found, int(total or 0)


async def unsettled(
    session: AsyncSession, workspace_id: str, client_ids: Iterable[str], limit: int
) -> tuple[list[Item], int]:
    """What failed, waits for a person's word or was held past its time: the newest, and how many in all."""
    open_ones = or_(
        Delivery.state == "failed",
        and_(Delivery.state == "unconfirmed", Delivery.next_at.is_(None)),
        and_(Delivery.state == "blocked", Delivery.late),
    )
    which = and_(Delivery.workspace_id == workspace_id, Delivery.client_id.in_(list(client_ids)), open_ones)
    total = await session.scalar(select(func.count()).select_from(Delivery).where(which))
    newest = select(Delivery.id).where(which).order_by(Delivery.due_at.desc(), Delivery.id).limit(limit)
    ids = (await session.execute(newest)).scalars().all()
    return await deliveries(session, workspace_id, Delivery.id.in_(ids)), int(total or 0)


async def provider(session: AsyncSession, incident: Incident) -> str | None:
    """Whose grant an incident is about; None where it is about no single one."""
    query = select(Grant.provider)
    if incident.connection_id is not None:
        query = query.join(Connection, Connection.grant_id == Grant.id)
        query = query.where(Connection.id == incident.connection_id)
    elif incident.grant_id is not None:
        query = query.where(Grant.id == incident.grant_id)
    else:
        return None
    return (await session.execute(query)).scalar_one_or_none()
