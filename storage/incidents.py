"""Incidents: opened once per cause, found while open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import Connection, Grant, Incident, Notice, new_id
from storage.upsert import insert_new


async def open_one(session: AsyncSession, open_key: str, **values: Any) -> tuple[Incident, bool]:
    """The open incident of this cause, and whether this call opened it."""
    fresh = {"id": new_id(), "open_key": open_key, "state": "open", "step": 0, "reminders": 0, "detail": {}}
    row = fresh | values
    opened = await insert_new(session, Incident, row, "open_key")
    incident = await find_open(session, open_key)
    assert incident is not None
    return incident, opened


async def find_open(session: AsyncSession, open_key: str) -> Incident | None:
    query = select(Incident).where(Incident.open_key == open_key).with_for_update()
    return (await session.execute(query)).scalar_one_or_none()


async def get(session: AsyncSession, workspace_id: str, incident_id: str) -> Incident | None:
    query = select(Incident).where(Incident.id == incident_id, Incident.workspace_id == workspace_id)
    return (await session.execute(query)).scalar_one_or_none()


async def open_for_grant(session: AsyncSession, grant_id: str) -> Sequence[Incident]:
    query = select(Incident).where(Incident.grant_id == grant_id, Incident.state == "open")
    return (await session.execute(query)).scalars().all()


async def open_of_client(session: AsyncSession, client_id: str) -> Sequence[str]:
    """The ids of open incidents whose alerts show this client."""
    rests = select(Connection.grant_id).where(Connection.client_id == client_id, Connection.state == "live")
    query = select(Incident.id).where(
        Incident.state == "open",
        or_(Incident.open_key == f"client:{client_id}", Incident.grant_id.in_(rests)),
    )
    query = query.order_by(Incident.id)  # whoever changes several messages does so in one order
    return (await session.execute(query)).scalars().all()


async def close(session: AsyncSession, incident: Incident, how: str, now: datetime, **detail: object) -> bool:
    """Closes an incident; true for the one call that did. `detail` is added to what is known of it."""
    values: dict[str, Any] = {"state": "closed", "open_key": None, "closed_at": now, "closed_how": how}
    values |= {"next_at": None, "remind_at": None}
    if detail:
        values["detail"] = {**incident.detail, **detail}
    closed = await session.execute(
        update(Incident)
        .where(Incident.id == incident.id, Incident.state == "open")
        .values(**values)
        .returning(Incident.id)
    )
    return closed.first() is not None


async def wake(
    session: AsyncSession,
    workspace_id: str,
    incident_id: str,
    severity: str,
    remind_at: datetime | None,
    ask_at: datetime,
) -> Incident | None:
    """Ends the snooze of an open incident. None where nobody sleeps over it, or where it is of another
    severity by now."""
    quiet = {"snoozed_until": None, "snoozed_by": None, "remind_at": remind_at}
    return await _rest(
        session, workspace_id, incident_id, severity, Incident.snoozed_until.is_not(None), quiet, ask_at
    )


async def snooze(
    session: AsyncSession,
    workspace_id: str,
    incident_id: str,
    severity: str,
    by: str | None,
    until: datetime,
    remind_at: datetime | None,
    ask_at: datetime,
) -> Incident | None:
    """Keeps an open incident quiet until then. None where it is not open, was taken, or is of another
    severity by now."""
    quiet = {"snoozed_until": until, "snoozed_by": by, "remind_at": remind_at}
    return await _rest(
        session, workspace_id, incident_id, severity, Incident.taken_by.is_(None), quiet, ask_at
    )


async def _rest(
    session: AsyncSession,
    workspace_id: str,
    incident_id: str,
    severity: str,
    still: ColumnElement[bool],
    quiet: dict[str, Any],
    ask_at: datetime,
) -> Incident | None:
    """Changes how long an open incident is quiet. What asks for somebody to take it does so at `ask_at`; what
    does not, goes on not to."""
    changed = await session.execute(
        update(Incident)
        .where(
            Incident.id == incident_id,
            Incident.workspace_id == workspace_id,
            Incident.state == "open",
            Incident.severity == severity,
            still,
        )
        .values(**quiet, next_at=case((Incident.next_at.is_(None), null()), else_=ask_at))
        .returning(Incident)
        .execution_options(populate_existing=True)
    )
    return changed.scalar_one_or_none()


async def roots(session: AsyncSession, incident_id: str) -> Sequence[Notice]:
    """The incident's root messages, one a channel."""
    query = select(Notice).where(Notice.topic == "incident", Notice.subject_id == incident_id)
    return (await session.execute(query)).scalars().all()


async def reopen(session: AsyncSession, open_key: str, since: datetime, **same: Any) -> Incident | None:
    """The newest incident of a cause that was closed after `since`, opened again: what flaps is one episode.

    `same` are the columns by which it is known. None also for whom another process was faster than."""
    newest = (
        select(Incident)
        .where(Incident.state == "closed", Incident.closed_at >= since)
        .filter_by(**same)
        .order_by(Incident.closed_at.desc())
        .limit(1)
    )
    incident = (await session.execute(newest)).scalar_one_or_none()
    if incident is None:
        return None
    reopened = await session.execute(
        update(Incident)
        .where(Incident.id == incident.id, Incident.state == "closed")
        .values(state="open", open_key=open_key, closed_at=None, closed_how=None)
        .returning(Incident)
        .execution_options(populate_existing=True)
    )
    return reopened.scalar_one_or_none()


async def take(
    session: AsyncSession, workspace_id: str, incident_id: str, user_id: str | None, now: datetime
) -> bool:
    """Notes who sees to an open incident, unless somebody does already; true if this call did."""
    taken = await session.execute(
        update(Incident)
        .where(
            Incident.id == incident_id,
            Incident.workspace_id == workspace_id,
            Incident.state == "open",
            Incident.taken_by.is_(None),
        )
        .values(
            taken_by=user_id, taken_at=now, next_at=None, remind_at=None, snoozed_until=None, snoozed_by=None
        )
        .returning(Incident.id)
        .execution_options(synchronize_session=False)
    )
    return taken.first() is not None


async def change(session: AsyncSession, incident: Incident, **values: Any) -> None:
    """Changes columns, in the row and in this object."""
    await session.execute(
        update(Incident)
        .where(Incident.id == incident.id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    await session.refresh(incident)


async def deaths_since(session: AsyncSession, incident: Incident, since: datetime) -> int:
    """How often the account of an incident died since then, the open episode included: by itself, or with the
    login that it rests on. Of a login that carries several, the account that died most often counts. What
    came back in the same episode (`again` in its detail) counts as well."""
    query = select(Incident.kind, Incident.connection_id, Incident.detail).where(
        Incident.grant_id == incident.grant_id,
        Incident.workspace_id == incident.workspace_id,
        Incident.severity == "dead",
        Incident.kind.in_(("grant", "connection")),
        Incident.opened_at >= since,
    )
    with_login, by_itself = 0, Counter[str | None]()
    for kind, connection_id, detail in (await session.execute(query)).all():
        times = 1 + int(detail.get("again", 0))
        if kind == "grant":
            with_login += times
        else:
            by_itself[connection_id] += times
    if incident.kind == "connection":
        return with_login + by_itself[incident.connection_id]
    return with_login + max(by_itself.values(), default=0)


async def down(
    session: AsyncSession, client_id: str, since: datetime | None = None
) -> Sequence[tuple[Connection, Grant]]:
    """A client's living connections that do not work, all or those that broke since then."""
    died: list[ColumnElement[bool]] = [Grant.state == "dead"]
    broke: list[ColumnElement[bool]] = [Connection.problem.is_not(None)]
    if since is not None:
        died.append(Grant.reason_at >= since)
        broke.append(Connection.problem_at >= since)
    query = (
        select(Connection, Grant)
        .join(Grant, Grant.id == Connection.grant_id)
        .where(Connection.client_id == client_id, Connection.state == "live", or_(and_(*died), and_(*broke)))
        .order_by(Connection.platform, Connection.handle)
    )
    return [(row[0], row[1]) for row in (await session.execute(query)).all()]


async def fallen(
    session: AsyncSession, workspace_id: str, provider: str, since: datetime
) -> Sequence[Connection]:
    """A workspace's living connections whose grants at one provider died since then and are still dead."""
    query = (
        select(Connection)
        .join(Grant, Grant.id == Connection.grant_id)
        .where(
            Connection.workspace_id == workspace_id,
            Connection.state == "live",
            Grant.provider == provider,
            Grant.state == "dead",
            Grant.reason_at >= since,
        )
        .order_by(Connection.platform, Connection.handle)
    )
    return (await session.execute(query)).scalars().all()


async def open_on(session: AsyncSession, kind: str, code: str) -> Sequence[Incident]:
    """Open incidents of a kind, in every workspace, that carry this code (a provider's name)."""
    query = select(Incident).where(Incident.kind == kind, Incident.code == code, Incident.state == "open")
    return (await session.execute(query)).scalars().all()


async def open_mass(
    session: AsyncSession, workspace_id: str, grant_ids: Collection[str]
) -> Sequence[Incident]:
    """A workspace's open incidents of many refused at once, at the providers of these grants."""
    providers = select(Grant.provider).where(Grant.id.in_(grant_ids))
    query = select(Incident).where(
        Incident.workspace_id == workspace_id,
        Incident.kind == "mass",
        Incident.state == "open",
        Incident.code.in_(providers),
    )
    return (await session.execute(query.order_by(Incident.id).with_for_update())).scalars().all()


async def still_open(session: AsyncSession, connection_ids: Collection[str]) -> set[str]:
    """Those of these connections that an open incident of their own, or of their login, is about."""
    of_login = and_(
        Incident.kind == "grant",
        Incident.grant_id == Connection.grant_id,
        Incident.workspace_id == Connection.workspace_id,
    )
    query = (
        select(Connection.id)
        .join(Incident, or_(Incident.connection_id == Connection.id, of_login))
        .where(Connection.id.in_(connection_ids), Incident.state == "open")
    )
    return set((await session.scalars(query)).all())
