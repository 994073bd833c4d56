"""Grants: due ones, the lease, the journal, and the one conditional write of an answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.leases import free
from storage.models import Client, Connection, Consent, Grant, GrantAttempt, Invitation, new_id

BUSY_CONSENTS = ("exchanging", "choosing")
NO_ANSWER = ("open", "unclear")  # states of attempts that brought no readable answer
ATTEMPTS_KEPT = 64  # of each grant, the newest; an attempt without an answer is never forgotten


@dataclass(frozen=True, slots=True)
class Reach:
    """A connection that rests on a grant, with its client."""

    connection: Connection
    client: Client


async def get(session: AsyncSession, grant_id: str) -> Grant | None:
    """The row as it stands now, whatever this session has seen before."""
    return await session.get(Grant, grant_id, populate_existing=True)


async def find(session: AsyncSession, provider: str, app_id: str, subject: str) -> Grant | None:
    query = select(Grant).where(Grant.provider == provider, Grant.app_id == app_id, Grant.subject == subject)
    return (await session.execute(query)).scalar_one_or_none()


async def due(session: AsyncSession, now: datetime, lease_now: datetime, limit: int) -> Sequence[Grant]:
    """Grants whose moment has come and that nobody holds, the longest due first."""
    query = (
        select(Grant)
        .where(Grant.next_due_at <= now, free(Grant, lease_now))
        .order_by(Grant.next_due_at)
        .limit(limit)
    )
    return (await session.execute(query)).scalars().all()


async def live_reach(session: AsyncSession, grant_id: str) -> list[Reach]:
    """All living connections on a grant, in every workspace."""
    query = (
        select(Connection, Client)
        .join(Client, Client.id == Connection.client_id)
        .where(Connection.grant_id == grant_id, Connection.state == "live")
        .order_by(Client.slug, Connection.platform, Connection.handle)
    )
    return [Reach(*row) for row in (await session.execute(query)).all()]


async def consent_under_way(session: AsyncSession, grant_id: str, since: datetime) -> bool:
    """Whether somebody is walking through a consent for this grant right now (house time `since`)."""
    return bool(await session.scalar(select(_consent_under_way(grant_id, since))))


def _consent_under_way(grant_id: str, since: datetime) -> ColumnElement[bool]:
    targets = select(Connection.id).where(Connection.grant_id == grant_id)
    return exists().where(
        Consent.state.in_(BUSY_CONSENTS),
        Consent.created_at > since,
        (Consent.grant_id == grant_id)
        | Consent.invitation_id.in_(select(Invitation.id).where(Invitation.connection_id.in_(targets))),
    )


@dataclass(frozen=True, slots=True)
class InTheWay:
    """What may forbid a refresh: a consent under way, attempts without an answer, one that may still run."""

    consent: bool
    unclear: bool
    running: bool


async def in_the_way(
    session: AsyncSession, grant: Grant, consents_since: datetime, lease_now: datetime
) -> InTheWay:
    unclear = exists().where(*_unclear(grant))
    query = select(
        _consent_under_way(grant.id, consents_since),
        unclear,
        unclear.where(GrantAttempt.over_at > lease_now),
    )
    return InTheWay(*map(bool, (await session.execute(query)).one()))


async def has_unclear_attempt(session: AsyncSession, grant: Grant) -> bool:
    """Whether an attempt with the present tokens brought no readable answer."""
    return bool(await session.scalar(select(exists().where(*_unclear(grant)))))


def _unclear(grant: Grant) -> tuple[ColumnElement[bool], ...]:
    return (
        GrantAttempt.grant_id == grant.id,
        GrantAttempt.generation == grant.generation,
        GrantAttempt.state.in_(NO_ANSWER),
    )


async def take_lease(
    session: AsyncSession,
    grant_id: str,
    owner: str,
    lease_now: datetime,
    span: timedelta,
    *,
    due_by: datetime | None = None,
) -> Grant | None:
    """Takes the lease, or renews one's own; None when somebody else holds it. With `due_by`, only while the
    grant is due by then: None also when it has been tended since."""
    conditions = [Grant.id == grant_id, free(Grant, lease_now, owner)]
    if due_by is not None:
        conditions.append(Grant.next_due_at <= due_by)
    statement = (
        update(Grant)
        .where(*conditions)
        .values(lease_owner=owner, lease_until=lease_now + span)
        .returning(Grant)
        .execution_options(populate_existing=True)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def postpone(session: AsyncSession, moments: Iterable[tuple[Grant, datetime]]) -> None:
    """Moves living grants on to another due moment, each unless somebody has tended it since it was read."""
    table: Any = Grant.__table__
    same = (table.c.id == bindparam("seen"), table.c.next_due_at == bindparam("was"), table.c.state == "live")
    rows = [{"seen": grant.id, "was": grant.next_due_at, "next_due_at": at} for grant, at in moments]
    connection = await session.connection()
    await connection.execute(update(table).where(*same), rows)


async def set_aside(session: AsyncSession, grant: Grant, until: datetime) -> None:
    """Counts a failure of ours with a grant and moves it on, unless somebody tended it since it was read."""
    await session.execute(
        update(Grant)
        .where(Grant.id == grant.id, Grant.next_due_at == grant.next_due_at)
        .values(next_due_at=until, failures=Grant.failures + 1)
        .execution_options(synchronize_session=False)
    )


async def drop_lease(session: AsyncSession, grant_id: str, owner: str) -> None:
    await session.execute(
        update(Grant)
        .where(Grant.id == grant_id, Grant.lease_owner == owner)
        .values(lease_owner=None, lease_until=None)
    )


async def begin_attempt(
    session: AsyncSession, grant: Grant, owner: str, cause: str, now: datetime, over_at: datetime
) -> str:
    """Writes the journal before the call; the attempt's id. The caller holds the lease in the same
    transaction."""
    number, attempt_id = grant.attempts + 1, new_id()
    await session.execute(
        update(Grant)
        .where(Grant.id == grant.id)
        .values(attempts=number)
        .execution_options(synchronize_session=False)
    )
    values = {"grant_id": grant.id, "number": number, "generation": grant.generation}
    how = {"owner": owner, "cause": cause, "started_at": now, "over_at": over_at}
    await session.execute(insert(GrantAttempt).values(id=attempt_id, state="open", **values, **how))
    if number % ATTEMPTS_KEPT == 0:
        old = (GrantAttempt.grant_id == grant.id, GrantAttempt.number <= number - ATTEMPTS_KEPT)
        await session.execute(delete(GrantAttempt).where(*old, GrantAttempt.state.not_in(NO_ANSWER)))
    return attempt_id


async def store_answer(
    session: AsyncSession, grant_id: str, attempt_id: str, generation: int, values: dict[str, Any]
) -> Grant | None:
    """Stores new tokens if the grant is still at the attempt's generation: the grant, if it was.

    Whoever holds the lease by now does not matter: the generation decides.
    """
    stored = await session.execute(
        update(Grant)
        .where(Grant.id == grant_id, Grant.generation == generation)
        .values(**values)
        .returning(Grant)
        .execution_options(populate_existing=True)
    )
    grant = stored.scalar_one_or_none()
    await session.execute(
        update(GrantAttempt)
        .where(GrantAttempt.id == attempt_id, GrantAttempt.state == "open")  # said once, however often stored
        .values(state="superseded" if grant is None else "refreshed", finished_at=values["last_refreshed_at"])
        .execution_options(synchronize_session=False)
    )
    return grant


async def close_attempt(
    session: AsyncSession, attempt_id: str, state: str, reason: str, code: str, now: datetime
) -> None:
    await session.execute(
        update(GrantAttempt)
        .where(GrantAttempt.id == attempt_id)
        .values(state=state, reason=reason, code=code[:64], finished_at=now)
    )


async def renewed_twice(session: AsyncSession, grant: Grant, cause: str) -> datetime | None:
    """When the first of the last two renewals began, where both token sets were renewed for this cause."""
    query = select(GrantAttempt.started_at).where(
        GrantAttempt.grant_id == grant.id,
        GrantAttempt.generation.in_((grant.generation - 1, grant.generation - 2)),
        GrantAttempt.state == "refreshed",
        GrantAttempt.cause == cause,
    )
    began = (await session.scalars(query)).all()
    return min(began) if len(began) == 2 else None


@dataclass(frozen=True, slots=True)
class Overdue:
    """How many grants are due and not yet tended, and since when the oldest is (UTC-aware)."""

    count: int
    since: datetime | None


async def overdue(session: AsyncSession, now: datetime) -> Overdue:
    query = select(func.count(), func.min(Grant.next_due_at)).where(Grant.next_due_at <= now)
    return Overdue(*(await session.execute(query)).one())


async def live_states(session: AsyncSession, provider: str, app_id: str, since: datetime) -> tuple[int, int]:
    """How many grants of one app live, and how many were refused since then (what ran out was not)."""
    own = (Grant.provider == provider, Grant.app_id == app_id)
    live = select(func.count()).select_from(Grant).where(*own, Grant.state == "live")
    refused = select(func.count()).select_from(Grant).where(*own, *_refused(since))
    return int(await session.scalar(live) or 0), int(await session.scalar(refused) or 0)


async def due_now(session: AsyncSession, provider: str, app_id: str, now: datetime) -> int:
    """How many living grants of one app are being renewed at this moment, or about to be."""
    query = select(func.count()).select_from(Grant)
    own = query.where(Grant.provider == provider, Grant.app_id == app_id, Grant.state == "live")
    return int(await session.scalar(own.where(Grant.next_due_at <= now)) or 0)


async def refused(session: AsyncSession, provider: str, app_id: str, since: datetime) -> Sequence[Grant]:
    query = select(Grant).where(Grant.provider == provider, Grant.app_id == app_id, *_refused(since))
    return (await session.execute(query)).scalars().all()


async def other_living(session: AsyncSession, grant: Grant, now: datetime) -> tuple[Grant, Connection] | None:
    """Another grant of the same app whose access token should work, with an account on it."""
    query = (
        select(Grant, Connection)
        .join(Connection, Connection.grant_id == Grant.id)
        .where(
            Grant.provider == grant.provider,
            Grant.app_id == grant.app_id,
            Grant.id != grant.id,
            Grant.state == "live",
            or_(Grant.access_expires_at.is_(None), Grant.access_expires_at > now),
            Connection.state == "live",
            Connection.problem.is_(None),
        )
        .order_by(Grant.proved_at.desc())
        .limit(1)
    )
    row = (await session.execute(query)).first()
    return (row[0], row[1]) if row else None


def _refused(since: datetime) -> tuple[ColumnElement[bool], ...]:
    return (Grant.state.in_(("ending", "dead")), Grant.reason_at >= since, Grant.reason != "expired")
