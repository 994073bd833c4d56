"""Which connections must be looked at next, which outages can be tried again, who was not asked yet.

Everything here is found on an index: a tick in which nothing is due costs four look-ups.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import Breaker, Client, Connection, Delivery, Grant, Incident, Workspace

CLAIMED_FOR = timedelta(minutes=10)  # house time: after a crash somebody else looks then
BEFORE_POSTS = timedelta(hours=1)
UNSENT = ("scheduled", "preparing", "blocked")


@dataclass(frozen=True, slots=True)
class Watched:
    """A connection with everything that decides when somebody must look at it."""

    connection: Connection
    grant: Grant
    client: Client
    workspace: Workspace


async def look_again(session: AsyncSession, grant_id: str, now: datetime) -> None:
    """What is known of a grant has changed: its connections are looked at in the next sweep."""
    await session.execute(
        update(Connection)
        .where(Connection.grant_id == grant_id, Connection.state == "live")
        .values(next_change_at=now)
        .execution_options(synchronize_session=False)
    )


async def look_at_all(session: AsyncSession, workspace_id: str, now: datetime) -> None:
    """A workspace wants to be warned otherwise: its connections are looked at in the next sweeps."""
    await session.execute(
        update(Connection)
        .where(
            Connection.workspace_id == workspace_id,
            Connection.state == "live",
            Connection.next_change_at > now,
        )
        .values(next_change_at=now)
        .execution_options(synchronize_session=False)
    )


async def look_soon(session: AsyncSession, connection_ids: Iterable[str], now: datetime) -> None:
    """In the next sweep these connections are looked at: posts were queued, moved or taken out, and a known
    end may lie before one now, or before none any more; or trouble began, and has to be looked at again."""
    await session.execute(
        update(Connection)
        .where(Connection.id.in_(sorted(set(connection_ids))), Connection.state == "live")
        .values(next_change_at=now)
        .execution_options(synchronize_session=False)
    )


async def any_due(session: AsyncSession, now: datetime) -> bool:
    """Whether a claim is worth a writing transaction."""
    due = select(Connection.id).where(Connection.next_change_at <= now).limit(1)
    return await session.scalar(due) is not None


async def claim(session: AsyncSession, now: datetime, limit: int) -> Sequence[str]:
    """Takes connections whose moment has come, the longest due first."""
    ready = (
        select(Connection.id)
        .where(Connection.next_change_at <= now)
        .order_by(Connection.next_change_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = await session.execute(
        update(Connection)
        .where(Connection.id.in_(ready), Connection.next_change_at <= now)
        .values(next_change_at=now + CLAIMED_FOR)
        .returning(Connection.id)
        .execution_options(synchronize_session=False)
    )
    return taken.scalars().all()


async def load(session: AsyncSession, connection_id: str) -> Watched | None:
    query = (
        select(Connection, Grant, Client, Workspace)
        .join(Grant, Grant.id == Connection.grant_id)
        .join(Client, Client.id == Connection.client_id)
        .join(Workspace, Workspace.id == Connection.workspace_id)
        .where(Connection.id == connection_id)
        .execution_options(populate_existing=True)
    )
    row = (await session.execute(query)).first()
    return Watched(*row) if row else None


async def set_next(
    session: AsyncSession, connection: Connection, seen: datetime | None, at: datetime | None
) -> None:
    """When to look next; a connection that was touched since `seen` keeps its earlier moment."""
    await session.execute(
        update(Connection)
        .where(Connection.id == connection.id, Connection.next_change_at == seen)
        .values(next_change_at=at)
        .execution_options(synchronize_session=False)
    )


async def proved(session: AsyncSession, connection_id: str, now: datetime) -> None:
    """An account answered for itself: a success that proves life."""
    await session.execute(
        update(Connection)
        .where(Connection.id == connection_id)
        .values(proved_at=now)
        .execution_options(synchronize_session=False)
    )


async def probed(session: AsyncSession, connection_id: str, now: datetime) -> None:
    await session.execute(
        update(Connection)
        .where(Connection.id == connection_id)
        .values(probed_at=now)
        .execution_options(synchronize_session=False)
    )


async def take_look(session: AsyncSession, connection_id: str, now: datetime, tried_before: datetime) -> bool:
    """A living account is looked at now; false where somebody has begun to since `tried_before`."""
    taken = await session.execute(
        update(Connection)
        .where(
            Connection.id == connection_id,
            Connection.state == "live",
            _before(Connection.probed_at, tried_before),
        )
        .values(probed_at=now)
        .returning(Connection.id)
        .execution_options(synchronize_session=False)
    )
    return taken.first() is not None


async def unproved_before_posts(
    session: AsyncSession, now: datetime, proved_before: datetime, tried_before: datetime, limit: int
) -> Sequence[str]:
    """Living connections with a post within the hour that nothing has proved since `proved_before`."""
    by_grant = or_(Connection.own_token.is_not(None), _before(Grant.proved_at, proved_before))
    query = (
        select(Connection.id)
        .join(Delivery, Delivery.connection_id == Connection.id)
        .join(Grant, Grant.id == Connection.grant_id)
        .where(
            Delivery.next_at > now,
            Delivery.next_at <= now + BEFORE_POSTS,
            Delivery.state.in_(("scheduled", "preparing")),
            Connection.state == "live",
            Connection.problem.is_(None),
            Grant.state == "live",
            _before(Connection.proved_at, proved_before),
            _before(Connection.probed_at, tried_before),
            by_grant,
        )
        .distinct()
        .limit(limit)
    )
    return (await session.execute(query)).scalars().all()


def _before(column: Any, moment: datetime) -> ColumnElement[bool]:
    return or_(column.is_(None), column <= moment)


async def last_post(session: AsyncSession, connection_ids: Iterable[str]) -> datetime | None:
    """When the last post that waits on these connections is due."""
    query = select(func.max(Delivery.due_at)).where(
        Delivery.connection_id.in_(list(connection_ids)), Delivery.state.in_(UNSENT)
    )
    return await session.scalar(query)


async def trial_candidates(session: AsyncSession, provider: str, now: datetime) -> Sequence[Grant]:
    """With whom a silent provider can be tried, the most harmless first: renewals that are due and were never
    unclear, then working access tokens, then unclear renewals, then what was put off for the silence. None
    only where nobody is left to ask for."""
    rest = select(Connection.id).where(Connection.grant_id == Grant.id, Connection.state == "live").exists()
    living = (Grant.provider == provider, Grant.state == "live", rest)
    clean_due = select(Grant).where(*living, Grant.waiting_for_platform.is_(False), Grant.next_due_at <= now)
    no_end = Grant.access_expires_at.is_(None)
    works = select(Grant).where(*living, or_(no_end, Grant.access_expires_at > now))
    unclear = select(Grant).where(*living, Grant.waiting_for_platform.is_(True))
    put_off = select(Grant).where(*living)
    found: list[Grant] = []
    for query in (
        clean_due.order_by(Grant.next_due_at),
        works.order_by(Grant.proved_at.desc()),
        unclear.order_by(Grant.next_due_at),
        put_off.order_by(Grant.next_due_at),
    ):
        found += (await session.execute(query.limit(1))).scalars()
    return list({grant.id: grant for grant in found}.values())


async def silent_providers(session: AsyncSession, now: datetime) -> Sequence[str]:
    """Providers behind an open breaker that may be tried again."""
    query = select(Breaker.provider).where(Breaker.state != "closed", Breaker.retry_at <= now)
    return (await session.execute(query)).scalars().all()


async def workspaces_on(session: AsyncSession, provider: str) -> Sequence[tuple[str, str]]:
    """Workspaces with living connections on a provider's grants, each with a platform that it uses there."""
    query = (
        select(Connection.workspace_id, func.min(Connection.platform))
        .join(Grant, Grant.id == Connection.grant_id)
        .where(Grant.provider == provider, Grant.state.in_(("live", "ending")), Connection.state == "live")
        .group_by(Connection.workspace_id)
        .order_by(Connection.workspace_id)
    )
    return [(row[0], row[1]) for row in (await session.execute(query)).all()]


async def claim_untaken(session: AsyncSession, now: datetime, limit: int) -> Sequence[Incident]:
    """Open alerts that nobody took in time; each is given out once per step."""
    ready = (
        select(Incident.id)
        .where(Incident.next_at <= now, Incident.state == "open", Incident.taken_by.is_(None))
        .order_by(Incident.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = await session.execute(
        update(Incident)
        .where(Incident.id.in_(ready), Incident.next_at <= now)
        .values(next_at=None, step=Incident.step + 1)
        .returning(Incident)
        .execution_options(populate_existing=True)
    )
    return taken.scalars().all()


async def any_untaken(session: AsyncSession, now: datetime) -> bool:
    return await session.scalar(select(Incident.id).where(Incident.next_at <= now).limit(1)) is not None


async def claim_reminders(session: AsyncSession, now: datetime, limit: int) -> Sequence[Incident]:
    """Open alerts that nobody took and that are due to be said again; each is given out once per moment."""
    ready = (
        select(Incident.id)
        .where(Incident.remind_at <= now, Incident.state == "open", Incident.taken_by.is_(None))
        .order_by(Incident.remind_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = await session.execute(
        update(Incident)
        .where(Incident.id.in_(ready), Incident.remind_at <= now)
        .values(remind_at=None)
        .returning(Incident)
        .execution_options(populate_existing=True)
    )
    return taken.scalars().all()


async def any_to_remind(session: AsyncSession, now: datetime) -> bool:
    return await session.scalar(select(Incident.id).where(Incident.remind_at <= now).limit(1)) is not None
