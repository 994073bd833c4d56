"""Same cause, one thread: opening, escalating and closing incidents, with what is told of each.

A grant's incident has one root message for each client that rests on it, in that client's team channel,
and one in the operations channel where there are several clients. Roots are views: they always show the
present. News is always a reply, said once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import inviting
from bot.domain.house import House
from bot.domain.outcomes import Judgement
from bot.domain.telling import OPERATIONS, Audience, show_view, team, tell_event, touch_subject
from storage import grants
from storage import incidents as store
from storage.grants import Reach
from storage.models import Connection, Grant, Incident, Notice

WARNING, DEAD = "warning", "dead"


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


async def _tell_of_grant(
    session: AsyncSession, house: House, grant: Grant, severity: str, now: datetime, detail: dict[str, Any]
) -> None:
    reach = await grants.live_reach(session, grant.id)
    for workspace_id in sorted({item.connection.workspace_id for item in reach}):
        mine = [item for item in reach if item.connection.workspace_id == workspace_id]
        incident, opened = await store.open_one(
            session,
            grant_key(workspace_id, grant.id),
            workspace_id=workspace_id,
            kind="grant",
            grant_id=grant.id,
            platform=mine[0].connection.platform,
            severity=severity,
            reason=grant.reason or "refused",
            code=grant.reason_code,
            opened_at=now,
            detail=detail,
        )
        if opened:
            await _post_roots(session, house, incident, mine, now)
        elif incident.severity == WARNING and severity == DEAD:
            await _escalate(session, incident, grant, detail)


async def _post_roots(
    session: AsyncSession, house: House, incident: Incident, reach: list[Reach], now: datetime
) -> None:
    by_client: dict[str, list[Reach]] = {}
    for item in reach:
        by_client.setdefault(item.client.id, []).append(item)
    for client_id, items in by_client.items():
        await inviting.for_relink(session, house, items[0].connection, incident, now)
        await show_view(
            session,
            incident.workspace_id,
            "incident",
            f"incident:{incident.id}:{client_id}",
            team(client_id),
            subject_id=incident.id,
            facts={"client": client_id},
        )
    if len(by_client) > 1:
        key = f"incident:{incident.id}:operations"
        await show_view(
            session, incident.workspace_id, "incident", key, OPERATIONS, subject_id=incident.id
        )


async def _escalate(session: AsyncSession, incident: Incident, grant: Grant, detail: dict[str, Any]) -> None:
    await session.execute(
        update(Incident)
        .where(Incident.id == incident.id)
        .values(severity=DEAD, reason=grant.reason or "refused", code=grant.reason_code, detail=detail)
        .execution_options(synchronize_session=False)
    )
    await _news(session, incident, "dead", broadcast=True)


async def _news(session: AsyncSession, incident: Incident, what: str, *, broadcast: bool = False) -> None:
    """A reply in every thread of the incident, and its roots rendered again."""
    for root in await store.roots(session, incident.id):
        await reply(session, incident, root, what, f"{what}:{root.id}", broadcast=broadcast)
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
    )
    if opened:
        await inviting.for_relink(session, house, connection, incident, now)
        await show_view(
            session,
            connection.workspace_id,
            "incident",
            f"incident:{incident.id}:{connection.client_id}",
            team(connection.client_id),
            subject_id=incident.id,
            facts={"client": connection.client_id},
        )


async def close_for_grant(
    session: AsyncSession, grant_id: str, how: str, now: datetime, cured: tuple[str, ...] = ()
) -> None:
    """The grant lives again, and the accounts in `cured` (connection ids) were checked with it: their open
    incidents close and say so."""
    for incident in await store.open_for_grant(session, grant_id):
        mine = incident.kind == "grant" or incident.connection_id in cured
        if mine:
            await close_one(session, incident, how, now)


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
    incident, opened = await store.open_one(
        session,
        app_key(workspace_id, platform),
        workspace_id=workspace_id,
        kind="app",
        platform=platform,
        severity=DEAD,
        reason=found.reason,
        code=found.code[:64],
        opened_at=now,
    )
    if opened:
        key = f"incident:{incident.id}:operations"
        await show_view(session, workspace_id, "incident", key, OPERATIONS, subject_id=incident.id)


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


def _same_audience(root: Notice) -> Audience:
    return Audience(root.audience, root.audience_id)
