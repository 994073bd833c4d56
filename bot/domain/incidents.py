"""Same cause, one thread: opening, escalating and closing incidents, with what is told of each.

A grant's incident has one root message for each client that rests on it, in that client's team channel,
and one in the operations channel where there are several clients. A client on its bad day has one root for
all that is down (`bot.domain.bad_days`). Roots are views: they always show the present. News is always a
reply, said once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import bad_days, inviting, working_time
from bot.domain.health import nearest_step
from bot.domain.house import House
from bot.domain.outcomes import Judgement
from bot.domain.telling import OPERATIONS, Audience, show_view, team, tell_event, touch_subject
from storage import grants, watching
from storage import incidents as store
from storage.grants import Reach
from storage.models import Connection, Grant, Incident, Notice, Workspace

WARNING, DEAD = "warning", "dead"
ASK_OTHERS_AFTER = 4.0  # working hours without anybody who says "I'm on it"
SAME_TROUBLE = timedelta(hours=1)  # what comes back so soon is the same episode, and not told again
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
        await _news(session, incident, "warning", mark, broadcast=step == 1)
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


async def ask_others_at(session: AsyncSession, workspace_id: str, now: datetime) -> datetime:
    """When somebody else hears of an alert that nobody takes: after so many working hours."""
    workspace = await session.get_one(Workspace, workspace_id)
    return working_time.of(workspace).after(now, ASK_OTHERS_AFTER)


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
        await _root(session, incident, items[0].connection)
        posted += 1
    if len(by_client) > 1 and many is None:
        key = f"incident:{incident.id}:operations"
        await show_view(session, incident.workspace_id, "incident", key, OPERATIONS, subject_id=incident.id)
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
        await _root(session, incident, first)
        return True
    mark = f"{first.id}:{now.date().isoformat()}"
    await _news(session, incident, "joined", mark, broadcast=True, facts={"connection": first.id})
    return True


async def _root(session: AsyncSession, incident: Incident, connection: Connection) -> None:
    await show_view(
        session,
        incident.workspace_id,
        "incident",
        f"incident:{incident.id}:{connection.client_id}",
        team(connection.client_id),
        subject_id=incident.id,
        facts={"client": connection.client_id},
    )


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
    await _news(session, incident, "dead", broadcast=True)


async def _news(
    session: AsyncSession,
    incident: Incident,
    what: str,
    mark: str = "",
    *,
    broadcast: bool = False,
    facts: dict[str, Any] | None = None,
) -> None:
    """A reply in every thread of the incident, and its roots rendered again."""
    for root in await store.roots(session, incident.id):
        step = f"{what}:{mark}:{root.id}" if mark else f"{what}:{root.id}"
        await reply(session, incident, root, what, step, facts=facts, broadcast=broadcast)
    await touch_subject(session, "incident", incident.id)


async def reply(
    session: AsyncSession,
    incident: Incident,
    root: Notice,
    what: str,
    step: str,
    *,
    facts: dict[str, Any] | None = None,
    broadcast: bool = False,
) -> None:
    """One piece of news in one thread; `step` makes it unique within the incident."""
    await tell_event(
        session,
        incident.workspace_id,
        "incident.news",
        f"incident:{incident.id}:{step}",
        _same_audience(root),
        subject_id=incident.id,
        facts={"what": what, "client": root.facts.get("client")} | (facts or {}),
        root=root,
        broadcast=broadcast,
    )


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
        await _root(session, incident, connection)


async def close_for_grant(
    session: AsyncSession, grant_id: str, how: str, now: datetime, cured: tuple[str, ...] = ()
) -> None:
    """The grant lives again, and the accounts in `cured` (connection ids) were checked with it: their open
    incidents close and say so."""
    for incident in await store.open_for_grant(session, grant_id):
        mine = incident.kind == "grant" or incident.connection_id in cured
        if mine:
            await close_one(session, incident, how, now)
    await _after_cure(session, grant_id, now)
    await watching.look_again(session, grant_id, now)


async def close_warning(
    session: AsyncSession, grant_id: str, workspace_id: str, how: str, now: datetime
) -> None:
    """What was warned of will not happen any more."""
    incident = await store.find_open(session, grant_key(workspace_id, grant_id))
    if incident is not None and incident.severity == WARNING:
        await close_one(session, incident, how, now)


async def _after_cure(session: AsyncSession, grant_id: str, now: datetime) -> None:
    """What tells of several deaths shows one less, or is over."""
    grant = await grants.get(session, grant_id)
    reach = await grants.live_reach(session, grant_id)
    for client_id in {item.client.id for item in reach}:
        found = await store.find_open(session, client_key(client_id))
        if found is not None:
            left = await store.down(session, client_id, found.opened_at - bad_days.WITHIN)
            await _one_less(session, found, len(left), now)
    for workspace_id in {item.connection.workspace_id for item in reach}:
        found = await store.find_open(session, mass_key(workspace_id, grant.provider)) if grant else None
        if found is not None and grant is not None:
            since = found.opened_at - bad_days.WITHIN
            gone = await store.fallen(session, workspace_id, grant.provider, since)
            await _one_less(session, found, len(gone), now)


async def _one_less(session: AsyncSession, incident: Incident, left: int, now: datetime) -> None:
    if left:
        await touch_subject(session, "incident", incident.id)
    else:
        await close_one(session, incident, "relinked", now)


async def close_one(session: AsyncSession, incident: Incident, how: str, now: datetime) -> None:
    """Closes an incident, says so, and ends the invitations that belonged to it."""
    if not await store.close(session, incident, how, now):
        return
    concerned = [incident.connection_id] if incident.connection_id else []
    if incident.kind == "grant" and incident.grant_id is not None:
        concerned = [item.connection.id for item in await grants.live_reach(session, incident.grant_id)]
    await inviting.close_alerts(session, concerned)
    await _news(session, incident, how)


async def touch_for_grant(session: AsyncSession, grant_id: str) -> None:
    """What an open incident shows has changed (posts that wait, say)."""
    for incident in await store.open_for_grant(session, grant_id):
        await touch_subject(session, "incident", incident.id)


async def app_at_fault(session: AsyncSession, grant: Grant, found: Judgement, now: datetime) -> None:
    """Our own app is refused: the operator is told, once while it lasts; no client hears of it."""
    reach = await grants.live_reach(session, grant.id)
    for workspace_id in sorted({item.connection.workspace_id for item in reach}):
        await app_refused(session, workspace_id, reach[0].connection.platform, found, now)


async def app_refused(
    session: AsyncSession, workspace_id: str, platform: str, found: Judgement, now: datetime
) -> None:
    same = {"workspace_id": workspace_id, "kind": "app", "platform": platform}
    key = app_key(workspace_id, platform)
    if await store.reopen(session, key, now - SAME_TROUBLE, **same) is not None:
        return
    incident, opened = await store.open_one(
        session,
        key,
        workspace_id=workspace_id,
        kind="app",
        platform=platform,
        severity=DEAD,
        reason=found.reason,
        code=found.code[:64],
        opened_at=now,
    )
    if opened:
        root = f"incident:{incident.id}:operations"
        await show_view(session, workspace_id, "incident", root, OPERATIONS, subject_id=incident.id)


async def app_works(session: AsyncSession, workspace_id: str, platform: str, now: datetime) -> None:
    """A call of this app succeeded: its incident, if one is open, is over."""
    incident = await store.find_open(session, app_key(workspace_id, platform))
    if incident is not None:
        await close_one(session, incident, "recovered", now)


def grant_key(workspace_id: str, grant_id: str) -> str:
    return f"grant:{workspace_id}:{grant_id}"


def connection_key(connection_id: str) -> str:
    return f"connection:{connection_id}"


def app_key(workspace_id: str, platform: str) -> str:
    return f"app:{workspace_id}:{platform}"


def client_key(client_id: str) -> str:
    return f"client:{client_id}"


def mass_key(workspace_id: str, provider: str) -> str:
    return f"mass:{workspace_id}:{provider}"


def _same_audience(root: Notice) -> Audience:
    return Audience(root.audience, root.audience_id)
