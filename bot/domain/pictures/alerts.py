"""Incidents as one channel may see them: a client's channel hears of that client only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import preferences
from bot.domain.bad_days import WITHIN
from bot.domain.house import House
from bot.domain.incident_threads import DEAD
from bot.domain.pictures.parts import (
    account,
    client_name,
    open_link,
    permission_words,
    platform_words,
    waiting,
)
from bot.domain.preferences import MentionFrom
from bot.domain.reminding import is_snoozed
from bot.messages import incident_facts as shown
from bot.messages.people import Account
from storage import clients as people
from storage import incidents as store
from storage import pictures
from storage.models import Client, Connection, Grant, Incident, Invitation, Notice, Workspace


async def alert(
    session: AsyncSession, house: House, workspace_id: str, incident_id: str, client_id: str | None
) -> shown.Incident | None:
    """An incident for one client's channel, or (without a client) for the operations channel."""
    incident = await store.get(session, workspace_id, incident_id)
    if incident is None:
        return None
    until = _instant(incident.detail.get("until"))
    groups = await _groups_of(session, house, incident, client_id, until)
    if not groups and (client_id or incident.client_id) is not None:
        groups = await _bare_group(session, workspace_id, client_id or incident.client_id or "")
    workspace = await people.workspace(session, workspace_id)
    if incident.severity == MentionFrom.WARNING:
        groups = await _quiet(session, workspace, groups)
    chosen = preferences.of(workspace)
    loud = incident.severity == DEAD or chosen.mention_from is MentionFrom.WARNING
    return shown.Incident(
        id=incident.id,
        kind=incident.kind,
        severity=incident.severity,
        reason=incident.reason,
        platform=platform_words(house, incident.platform, await pictures.provider(session, incident)),
        groups=tuple(groups),
        permission=permission_words(house, incident.platform, incident.detail.get("permission")),
        until=until,
        how=incident.closed_how if incident.state == "closed" else None,
        closed_at=incident.closed_at,
        taken_by=incident.taken_by,
        operations=client_id is None,
        holder=await _holder(session, incident) if client_id is None else "",
        called=chosen.operations_mentions if client_id is None and loud else (),
        deaths=int(incident.detail.get("deaths", 0)),
        app=str(incident.detail.get("app", "unknown")),
        opened_at=incident.opened_at,
        again=bool(incident.detail.get("again")),
        snoozed_by=incident.snoozed_by if is_snoozed(incident, house.clock.now()) else None,
        snoozed_until=incident.snoozed_until if is_snoozed(incident, house.clock.now()) else None,
        ended_by=incident.detail.get("by"),
        ended_account=await news_of(session, house, workspace_id, incident.detail.get("connection")),
    )


async def _holder(session: AsyncSession, incident: Incident) -> str:
    """Who signs in with the login that the incident is about."""
    grant = await session.get(Grant, incident.grant_id) if incident.grant_id else None
    return grant.subject_name if grant is not None else ""


async def _quiet(
    session: AsyncSession, workspace: Workspace, groups: Sequence[shown.Group]
) -> list[shown.Group]:
    """A warning mentions nobody of a client that wants to be called only when something is down."""
    named = await pictures.clients(session, workspace.id, [group.client.id for group in groups])
    silent = {row.id for row in named if preferences.mention_from(workspace, row) is not MentionFrom.WARNING}
    return [replace(group, mentions=()) if group.client.id in silent else group for group in groups]


async def linked_roots(session: AsyncSession, notice: Notice) -> dict[str, Notice]:
    """The first messages that an alert's first message leads to: "goes_on" and "began"."""
    ids = {"goes_on": notice.follows_id, "began": notice.facts.get("began")}
    found = {word: await session.get(Notice, key) for word, key in ids.items() if key}
    return {word: row for word, row in found.items() if row is not None}


async def news_of(
    session: AsyncSession, house: House, workspace_id: str, connection_id: object
) -> Account | None:
    """The account that a piece of news is about, if it names one."""
    if not isinstance(connection_id, str):
        return None
    found = await pictures.connections(session, workspace_id, [connection_id])
    return account(house, found[connection_id]) if connection_id in found else None


async def _groups_of(
    session: AsyncSession, house: House, incident: Incident, client_id: str | None, until: datetime | None
) -> list[shown.Group]:
    if incident.kind in ("app", "platform"):
        return []
    if incident.kind == "client":
        return await _down(session, house, incident)
    if incident.kind == "mass":
        since = incident.opened_at - WITHIN
        rows = await store.fallen(session, incident.workspace_id, incident.code or "", since)
        named = await pictures.clients(session, incident.workspace_id, {row.client_id for row in rows})
        by_id = {client.id: client for client in named}
        pairs = [(row, by_id[row.client_id]) for row in rows if row.client_id in by_id]
        return await _groups(session, house, sorted(pairs, key=lambda pair: pair[1].slug), until)
    return await _groups(session, house, await pictures.reach(session, incident, client_id), until)


async def _down(session: AsyncSession, house: House, incident: Incident) -> list[shown.Group]:
    """A client's bad day: a group for each login that is over and for each account in trouble of its own."""
    (client,) = await pictures.clients(session, incident.workspace_id, [incident.client_id or ""])
    causes: dict[str, list[Connection]] = {}
    reasons: dict[str, str] = {}
    for connection, grant in await store.down(session, client.id, incident.opened_at - WITHIN):
        is_over = grant.state == "dead"
        key = grant.id if is_over else connection.id
        causes.setdefault(key, []).append(connection)
        reasons[key] = (grant.reason if is_over else connection.problem) or "refused"
    ids = [row.id for rows in causes.values() for row in rows]
    queued = await pictures.queued(session, ids)
    links = await pictures.alert_links(session, ids)
    return [
        replace(_group(house, client, rows, queued, links), reason=reasons[key])
        for key, rows in causes.items()
    ]


async def _groups(
    session: AsyncSession,
    house: House,
    reach: Sequence[tuple[Connection, Client]],
    until: datetime | None,
) -> list[shown.Group]:
    ids = [connection.id for connection, _ in reach]
    queued = await pictures.queued(session, ids, until)
    links = await pictures.alert_links(session, ids)
    by_client: dict[str, list[tuple[Connection, Client]]] = {}
    for connection, client in reach:
        by_client.setdefault(client.id, []).append((connection, client))
    return [
        _group(house, pairs[0][1], [connection for connection, _ in pairs], queued, links)
        for pairs in by_client.values()
    ]


def _group(
    house: House,
    client: Client,
    rows: Sequence[Connection],
    queued: Mapping[str, pictures.Queued],
    links: Mapping[str, Invitation],
) -> shown.Group:
    invitation = next((links[row.id] for row in rows if row.id in links), None)
    return shown.Group(
        client=client_name(client),
        accounts=tuple(account(house, row) for row in rows),
        waiting=waiting(queued, [row.id for row in rows]),
        url=open_link(house, invitation),
        can_ask=True,  # without a client channel the press says how to set one
        mentions=tuple(client.mentions),
        backup=tuple(client.backup),
        paused_at=client.paused_at,
        paused_by=client.paused_by,
    )


async def _bare_group(session: AsyncSession, workspace_id: str, client_id: str) -> list[shown.Group]:
    """The client, when none of its accounts rests on the grant any more."""
    return [
        shown.Group(client_name(client))
        for client in await pictures.clients(session, workspace_id, [client_id])
    ]


def _instant(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
