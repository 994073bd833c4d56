"""Same cause, one thread: opening and escalating incidents, with what is told of each.

A grant's incident has one root message for each client that rests on it, in that client's team channel,
and one in the operations channel where there are several clients. A client on its bad day has one root for
all that is down (`bot.domain.bad_days`). Roots are views: they always show the present. News is always a
reply, said once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import bad_days, inviting
from bot.domain.health import nearest_step
from bot.domain.house import House
from bot.domain.incident_threads import (
    DEAD,
    WARNING,
    ask_others_at,
    client_key,
    connection_key,
    grant_key,
    mass_key,
    news,
    root_in_operations,
    root_in_team,
)
from bot.domain.outcomes import Judgement
from bot.domain.telling import touch_subject
from storage import grants
from storage import incidents as store
from storage.grants import Reach
from storage.models import Connection, Grant, Incident

OFTEN_WITHIN = timedelta(days=14)
OFTEN = 3  # deaths within that time: the alert says so, with what usually causes it


async def dead(
    session: AsyncSession, house: House, grant: Grant, now: datetime, *, permission: str | None = None
) -> None:
    """A grant is over: its incident opens, or the warning that is open becomes a death."""
    detail = {"permission": permission} if permission else {}
    await _tell_of_grant(session, house, grant, DEAD, now, detail)


async def ending(session: AsyncSession, house: House, grant: Grant, now: datetime) -> None:
    """A grant cannot be renewed and works until its access token ends."""
    end = grant.access_expires_at
    detail = {"until": end.isoformat(), "step": nearest_step(end - now)} if end else {}
    await _tell_of_grant(session, house, grant, WARNING, now, detail)


async def warn(
    session: AsyncSession,
    house: House,
    grant: Grant,
    workspace_id: str,
    until: datetime,
    step: int,
    now: datetime,
) -> None:
    """A person will be needed by `until`: opens the grant's thread, or tells the next step there, once.

    `step` is in days; the last one is shown in the channel too."""
    detail = {"until": until.isoformat(), "step": step}
    reach = [
        item
        for item in await grants.live_reach(session, grant.id)
        if item.connection.workspace_id == workspace_id
    ]
    incident = await _open(session, house, grant, WARNING, now, detail, reach) if reach else None
    if incident is None or incident.severity != WARNING or incident.detail == detail:
        return
    told = incident.detail.get("step")
    await store.change(session, incident, detail=detail)
    if told is None or step < told:
        mark = f"{step}:{until.date().isoformat()}"
        await news(session, incident, "warning", mark, broadcast=step == 1)
    else:
        await touch_subject(session, "incident", incident.id)


async def _tell_of_grant(
    session: AsyncSession, house: House, grant: Grant, severity: str, now: datetime, detail: dict[str, Any]
) -> None:
    reach = await grants.live_reach(session, grant.id)
    for workspace_id in sorted({item.connection.workspace_id for item in reach}):
        mine = [item for item in reach if item.connection.workspace_id == workspace_id]
        incident = await _open(session, house, grant, severity, now, detail, mine)
        if incident.severity == WARNING and severity == DEAD:
            await _escalate(session, incident, grant, now, detail)


async def _open(
    session: AsyncSession,
    house: House,
    grant: Grant,
    severity: str,
    now: datetime,
    detail: dict[str, Any],
    reach: list[Reach],
) -> Incident:
    """The open incident of a grant in one workspace, whose roots are posted if this call opened it."""
    workspace_id = reach[0].connection.workspace_id
    incident, opened = await store.open_one(
        session,
        grant_key(workspace_id, grant.id),
        workspace_id=workspace_id,
        kind="grant",
        grant_id=grant.id,
        platform=reach[0].connection.platform,
        severity=severity,
        reason=grant.reason or ("expired" if severity == WARNING else "refused"),
        code=grant.reason_code,
        opened_at=now,
        detail=detail,
        next_at=await ask_others_at(session, workspace_id, now) if severity == DEAD else None,
    )
    if opened:
        if severity == DEAD:
            await _count_deaths(session, incident, grant.id, now)
        await _post_roots(session, house, incident, grant, reach, now)
    return incident


async def _count_deaths(session: AsyncSession, incident: Incident, grant_id: str, now: datetime) -> None:
    deaths = await store.deaths_since(session, grant_id, now - OFTEN_WITHIN)
    if deaths >= OFTEN:
        await store.change(session, incident, detail={**incident.detail, "deaths": deaths})


async def _post_roots(
    session: AsyncSession, house: House, incident: Incident, grant: Grant, reach: list[Reach], now: datetime
) -> None:
    by_client: dict[str, list[Reach]] = {}
    for item in reach:
        by_client.setdefault(item.client.id, []).append(item)
    many = await store.find_open(session, mass_key(incident.workspace_id, grant.provider))
    if many is not None:
        await touch_subject(session, "incident", many.id)
    posted = 0
    for items in by_client.values():
        await inviting.for_relink(session, house, items[0].connection, incident, now)
        if incident.severity == DEAD and await _is_bad_day(session, items, many, now):
            continue
        await root_in_team(session, incident, items[0].connection)
        posted += 1
    if len(by_client) > 1 and many is None:
        await root_in_operations(session, incident)
    elif posted == 0:
        await store.change(session, incident, next_at=None)  # its client's incident asks others


async def _is_bad_day(
    session: AsyncSession, items: list[Reach], many: Incident | None, now: datetime
) -> bool:
    """Whether this death is told in its client's own incident, which this call may open."""
    mine = [item.connection for item in items]
    if not await bad_days.is_one(session, mine, now, in_mass=many is not None):
        return False
    first = mine[0]
    incident, opened = await store.open_one(
        session,
        client_key(first.client_id),
        workspace_id=first.workspace_id,
        kind="client",
        client_id=first.client_id,
        severity=DEAD,
        reason="several",
        opened_at=now,
        next_at=await ask_others_at(session, first.workspace_id, now),
    )
    if opened:
        await root_in_team(session, incident, first)
        return True
    mark = f"{first.id}:{now.date().isoformat()}"
    await news(session, incident, "joined", mark, broadcast=True, facts={"connection": first.id})
    return True


async def _escalate(
    session: AsyncSession, incident: Incident, grant: Grant, now: datetime, detail: dict[str, Any]
) -> None:
    await store.change(
        session,
        incident,
        severity=DEAD,
        reason=grant.reason or "refused",
        code=grant.reason_code,
        detail=detail,
        taken_by=None,
        taken_at=None,
        next_at=await ask_others_at(session, incident.workspace_id, now),
    )
    await _count_deaths(session, incident, grant.id, now)
    await news(session, incident, "dead", broadcast=True)


async def connection_in_trouble(
    session: AsyncSession, house: House, connection: Connection, why: Judgement, now: datetime
) -> None:
    """One account is refused while its grant lives: an incident of its own, in its client's channel."""
    incident, opened = await store.open_one(
        session,
        connection_key(connection.id),
        workspace_id=connection.workspace_id,
        kind="connection",
        client_id=connection.client_id,
        grant_id=connection.grant_id,
        connection_id=connection.id,
        platform=connection.platform,
        severity=DEAD,
        reason=why.reason,
        code=why.code[:64],
        opened_at=now,
        detail={"permission": why.permission} if why.permission else {},
        next_at=await ask_others_at(session, connection.workspace_id, now),
    )
    if opened:
        await _count_deaths(session, incident, connection.grant_id, now)
        await inviting.for_relink(session, house, connection, incident, now)
        await root_in_team(session, incident, connection)
