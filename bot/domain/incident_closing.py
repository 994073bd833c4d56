"""Closing incidents: what is over says so once, and what tells of several deaths shows one less."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import bad_days, inviting
from bot.domain.incident_threads import WARNING, client_key, grant_key, news
from bot.domain.telling import touch_subject
from storage import grants, logins, watching
from storage import incidents as store
from storage.models import Incident

TOLD_AGAIN = 2  # of what comes and goes by itself, so many cures are told besides the first


async def close_for_grant(
    session: AsyncSession,
    grant_id: str,
    how: str,
    now: datetime,
    cured: tuple[str, ...] = (),
    *,
    renewed: bool = True,
) -> None:
    """The grant lives again, and the accounts in `cured` (connection ids) were checked with it: their open
    incidents close and say so. One that was not `renewed` lived before: what is warned of goes on."""
    for incident in await store.open_for_grant(session, grant_id):
        mine = (renewed and incident.kind == "grant") or incident.connection_id in cured
        if mine:
            await close_one(session, incident, how, now)
    await _after_cure(session, grant_id, now)
    await watching.look_again(session, grant_id, now)


async def close_warning(
    session: AsyncSession, grant_id: str, workspace_id: str, until: datetime | None, now: datetime
) -> None:
    """What was warned of is no trouble any more: its end has moved, or (where `until` is still the end that
    was warned of) no post lies beyond it."""
    incident = await store.find_open(session, grant_key(workspace_id, grant_id))
    if incident is not None and incident.severity == WARNING:
        same_end = until is not None and incident.detail.get("until") == until.isoformat()
        how = "posts_gone" if same_end else "renewed"
        await close_one(session, incident, how, now)


async def _after_cure(session: AsyncSession, grant_id: str, now: datetime) -> None:
    """What tells of several deaths shows one less, or is over."""
    reach = await grants.live_reach(session, grant_id)
    for client_id in {item.client.id for item in reach}:
        found = await store.find_open(session, client_key(client_id))
        if found is not None:
            left = await store.down(session, client_id, found.opened_at - bad_days.WITHIN)
            await _one_less(session, found, len(left), "relinked", now)
    for workspace_id in {item.connection.workspace_id for item in reach}:
        await some_gone(session, workspace_id, [grant_id], "relinked", now)


async def _one_less(
    session: AsyncSession, incident: Incident, left: int, how: str, now: datetime, **detail: object
) -> None:
    if left:
        await touch_subject(session, "incident", incident.id)
    else:
        await close_one(session, incident, how, now, **detail)


async def one_gone(session: AsyncSession, client_id: str, how: str, now: datetime, **detail: object) -> None:
    """An account of a client is not down any more, or not there: the alert of its bad day shows one less, or
    is over."""
    found = await store.find_open(session, client_key(client_id))
    if found is not None:
        left = await store.down(session, client_id, found.opened_at - bad_days.WITHIN)
        await _one_less(session, found, len(left), how, now, **detail)


async def some_gone(
    session: AsyncSession,
    workspace_id: str,
    grant_ids: Collection[str],
    how: str,
    now: datetime,
    **detail: object,
) -> None:
    """The same for accounts of a workspace on these logins, and the alerts that many were refused at once."""
    for found in await store.open_mass(session, workspace_id, grant_ids):
        since = found.opened_at - bad_days.WITHIN
        left = await store.fallen(session, workspace_id, found.code or "", since)
        await _one_less(session, found, len(left), how, now, **detail)


async def close_one(
    session: AsyncSession, incident: Incident, how: str, now: datetime, **detail: object
) -> None:
    """Closes an incident, says so, and ends the invitations that belonged to it. `detail`: what its
    messages say of that."""
    if not await store.close(session, incident, how, now, **detail):
        return
    await _end_links(session, incident)
    if incident.kind == "connection" and incident.client_id is not None:
        await one_gone(session, incident.client_id, how, now, **detail)
    again = incident.detail.get("again")
    await news(session, incident, how, str(min(again, TOLD_AGAIN)) if again else "")


async def _end_links(session: AsyncSession, incident: Incident) -> None:
    """Ends the invitations of an alert that is over, save those that another open alert gives as well."""
    concerned = {incident.connection_id} if incident.connection_id else set()
    if incident.kind == "grant" and incident.grant_id is not None:
        reach = await logins.reach(session, incident.workspace_id, [incident.grant_id])
        concerned = {item.connection.id for item in reach}
    await end_links(session, concerned)


async def end_links(session: AsyncSession, connection_ids: Collection[str]) -> None:
    """Ends the alerts' invitations for these accounts, save those that an open alert is about."""
    over = set(connection_ids)
    if over:
        over -= await store.still_open(session, over)
        await inviting.close_alerts(session, sorted(over))
