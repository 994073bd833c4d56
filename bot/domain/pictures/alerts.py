"""Incidents as one channel may see them: a client's channel hears of that client only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.house import House
from bot.domain.pictures.parts import (
    account,
    client_name,
    open_link,
    permission_words,
    platform_words,
    waiting,
)
from bot.messages import incident_facts as shown
from storage import incidents as store
from storage import pictures
from storage.models import Client, Connection, Invitation


async def alert(
    session: AsyncSession, house: House, workspace_id: str, incident_id: str, client_id: str | None
) -> shown.Incident | None:
    """An incident for one client's channel, or (without a client) for the operations channel."""
    incident = await store.get(session, workspace_id, incident_id)
    if incident is None:
        return None
    until = _instant(incident.detail.get("until"))
    reach = [] if incident.kind == "app" else await pictures.reach(session, incident, client_id)
    groups = await _groups(session, house, reach, until)
    if not groups and client_id is not None:
        groups = await _bare_group(session, workspace_id, client_id)
    return shown.Incident(
        id=incident.id,
        kind=incident.kind,
        severity=incident.severity,
        reason=incident.reason,
        platform=platform_words(house, incident.platform),
        groups=tuple(groups),
        permission=permission_words(house, incident.platform, incident.detail.get("permission")),
        until=until,
        how=incident.closed_how if incident.state == "closed" else None,
        closed_at=incident.closed_at,
        taken_by=incident.taken_by,
        operations=client_id is None,
    )


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
    )


async def _bare_group(session: AsyncSession, workspace_id: str, client_id: str) -> list[shown.Group]:
    """The client, when none of its accounts rests on the grant any more."""
    return [
        shown.Group(client_name(client))
        for client in await pictures.clients(session, workspace_id, [client_id])
    ]


def _instant(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
