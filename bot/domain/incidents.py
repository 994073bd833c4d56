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

from bot.domain import bad_days, inviting, preferences, reminding
from bot.domain.health import nearest_step
from bot.domain.house import House
from bot.domain.incident_threads import (
    DEAD,
    WARNING,
    client_key,
    connection_key,
    grant_key,
    lead_on,
    mass_key,
    news,
    root_in_operations,
    root_in_team,
)
from bot.domain.outcomes import Judgement
from bot.domain.telling import touch_subject
from storage import grants, watching
from storage import incidents as store
from storage.grants import Reach
from storage.models import Connection, Grant, Incident, Workspace

ANOTHER_ROOT_AFTER = timedelta(days=7)  # an older first message is out of sight: a death gets one of its own
SAME_TROUBLE = timedelta(hours=1)  # what went away by itself and is back so soon is the same episode
GOES_ON = "went_on"  # how a warning is closed whose death has an alert of its own
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
    await _tell_of_grant(session, house, grant, WARNING, now, {"until": end.isoformat()} if end else {})


async def warn(
    session: AsyncSession,
    house: House,
    grant: Grant,
    workspace_id: str,
    until: datetime,
    step: int,
    now: datetime,
    *,
    is_last: bool = False,
) -> None:
    """A person will be needed by `until`: opens the grant's thread, or tells the next step there, once.

    `step` is in days; the last one (`is_last`) is shown in the channel too."""
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
    if (told is None or step < told) and not reminding.is_snoozed(incident, now):
        await store.change(session, incident, snoozed_until=None, snoozed_by=None, remind_at=None)
        mark = f"{step}:{until.date().isoformat()}"
        await news(session, incident, "warning", mark, broadcast=is_last)
    else:
        await touch_subject(session, "incident", incident.id)


async def _tell_of_grant(
    session: AsyncSession, house: House, grant: Grant, severity: str, now: datetime, detail: dict[str, Any]
) -> None:
    reach = await grants.live_reach(session, grant.id)
    for workspace_id in sorted({item.connection.workspace_id for item in reach}):
        mine = [item for item in reach if item.connection.workspace_id == workspace_id]
        if severity == WARNING and grant.access_expires_at is not None:
            days = preferences.of(await session.get_one(Workspace, workspace_id)).warning_days
            detail = detail | {"step": nearest_step(grant.access_expires_at - now, days)}
        incident = await _open(session, house, grant, severity, now, detail, mine)
        if incident.severity == severity == WARNING and incident.reason != _why(grant, severity):
            await _refused_meanwhile(session, incident, grant, detail)
        elif incident.severity == WARNING and severity == DEAD:
            if now - incident.opened_at > ANOTHER_ROOT_AFTER:
                await _go_on(session, house, incident, grant, now, detail, mine)
            else:
                await _escalate(session, incident, grant, now, detail)


def _why(grant: Grant, severity: str) -> str:
    return grant.reason or ("expired" if severity == WARNING else "refused")


async def _refused_meanwhile(
    session: AsyncSession, incident: Incident, grant: Grant, detail: dict[str, Any]
) -> None:
    """What was warned of for its end is refused already: its thread says so, whoever put it off."""
    awake = {"snoozed_until": None, "snoozed_by": None, "remind_at": None}
    told = {"reason": _why(grant, WARNING), "code": grant.reason_code, "detail": detail}
    await store.change(session, incident, **told, **awake)
    workspace = await session.get_one(Workspace, incident.workspace_id)
    is_last = detail.get("step") == min(preferences.of(workspace).warning_days)
    await news(session, incident, "warning", f"{grant.reason}:{detail.get('until')}", broadcast=is_last)


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
    key = grant_key(workspace_id, grant.id)
    same = {"workspace_id": workspace_id, "kind": "grant", "grant_id": grant.id}
    told: dict[str, Any] = {"code": grant.reason_code}
    told["reason"] = _why(grant, severity)
    if severity == DEAD:
        again = await _again(session, key, same, told | {"detail": detail}, now)
        if again is not None:
            await _links(session, house, reach, now)
            return again
        told |= await reminding.awake_in_team(session, workspace_id, now)
    incident, opened = await store.open_one(
        session,
        key,
        **same,
        **told,
        platform=reach[0].connection.platform,
        severity=severity,
        opened_at=now,
        detail=detail,
    )
    if opened:
        if severity == DEAD:
            await _count_deaths(session, incident, now)
        await _post_roots(session, house, incident, grant, reach, now)
    return incident


async def _again(
    session: AsyncSession, key: str, same: dict[str, Any], told: dict[str, Any], now: datetime
) -> Incident | None:
    """What went away by itself within the hour and is back: its alert is open again. The second death is
    told, the third with what usually causes it; further ones only show."""
    if await store.find_open(session, key) is not None:
        return None
    by_itself = {"severity": DEAD, "closed_how": "recovered"}
    incident = await store.reopen(session, key, now - SAME_TROUBLE, **same, **by_itself)
    if incident is None:
        return None
    again = int(incident.detail.get("again", 0)) + 1
    values = told | {"detail": {**told["detail"], "again": again}, "taken_by": None, "taken_at": None}
    values |= await reminding.awake_in_team(session, incident.workspace_id, now)
    await store.change(session, incident, **values)
    await _count_deaths(session, incident, now)
    mark = "often" if incident.detail.get("deaths") else "again"
    await news(session, incident, "dead", mark, broadcast=True)
    return incident


async def _count_deaths(session: AsyncSession, incident: Incident, now: datetime) -> None:
    deaths = await store.deaths_since(session, incident, now - OFTEN_WITHIN)
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
    await _links(session, house, reach, now)
    for items in by_client.values():
        if incident.severity == DEAD and await _is_bad_day(session, items, many, now):
            continue
        await root_in_team(session, incident, items[0].connection)
        posted += 1
    if len(by_client) > 1 and many is None:
        await root_in_operations(session, incident)
    elif posted == 0:
        # its client's incident asks others, and reminds them
        await store.change(session, incident, next_at=None, remind_at=None)


async def _links(session: AsyncSession, house: House, reach: list[Reach], now: datetime) -> None:
    """A link for each account, for the others may leave the login while its alert is open."""
    for item in reach:
        await inviting.for_relink(session, house, item.connection, now)


async def _is_bad_day(
    session: AsyncSession, items: list[Reach], many: Incident | None, now: datetime
) -> bool:
    """Whether this death is told in its client's own incident, which this call may open."""
    mine = [item.connection for item in items]
    if not await bad_days.is_one(session, mine, now, in_mass=many is not None):
        return False
    first = mine[0]
    awake = await reminding.awake_in_team(session, first.workspace_id, now)
    incident, opened = await store.open_one(
        session,
        client_key(first.client_id),
        workspace_id=first.workspace_id,
        kind="client",
        client_id=first.client_id,
        severity=DEAD,
        reason="several",
        opened_at=now,
        **awake,
    )
    if opened:
        await root_in_team(session, incident, first)
        return True
    if incident.taken_by is None:  # one more account is down: nobody sleeps over that
        await store.change(session, incident, **awake)
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
        reason=_why(grant, DEAD),
        code=grant.reason_code,
        detail=detail,
        taken_by=None,
        taken_at=None,
        **await reminding.awake_in_team(session, incident.workspace_id, now),
    )
    await _count_deaths(session, incident, now)
    await news(session, incident, "dead", broadcast=True)


async def _go_on(
    session: AsyncSession,
    house: House,
    warned: Incident,
    grant: Grant,
    now: datetime,
    detail: dict[str, Any],
    reach: list[Reach],
) -> None:
    """A death after a warning whose first message is out of sight: an alert of its own, linked both ways.

    The reconnect links of the warning go on too: a client may have been asked with them."""
    if not await store.close(session, warned, GOES_ON, now):
        return
    died = await _open(session, house, grant, DEAD, now, detail, reach)
    await lead_on(session, warned, died)


async def connection_in_trouble(
    session: AsyncSession, house: House, connection: Connection, why: Judgement, now: datetime
) -> None:
    """One account is refused while its grant lives: an incident of its own, in its client's channel."""
    await watching.look_soon(session, [connection.id], now)
    key = connection_key(connection.id)
    same = {"workspace_id": connection.workspace_id, "kind": "connection", "connection_id": connection.id}
    told = {"reason": why.reason, "code": why.code[:64], "grant_id": connection.grant_id}
    detail = {"permission": why.permission} if why.permission else {}
    again = await _again(session, key, same, told | {"detail": detail}, now)
    if again is not None:
        await inviting.for_relink(session, house, connection, now)
        return
    incident, opened = await store.open_one(
        session,
        key,
        **same,
        **told,
        **await reminding.awake_in_team(session, connection.workspace_id, now),
        client_id=connection.client_id,
        platform=connection.platform,
        severity=DEAD,
        opened_at=now,
        detail=detail,
    )
    if opened:
        await _count_deaths(session, incident, now)
        await inviting.for_relink(session, house, connection, now)
        await root_in_team(session, incident, connection)
