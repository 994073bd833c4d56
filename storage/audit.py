"""The audit as it is exported: what was done, and which app has access to which account. Streamed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select

from storage.database import Database
from storage.models import AuditEvent, Client, Connection, Grant, Workspace

BATCH = 500
EVENT_FIELDS = (
    "at",
    "workspace",
    "actor",
    "action",
    "client",
    "platform",
    "account",
    "channel",
    "detail",
)
ACCESS_FIELDS = (
    "workspace",
    "client",
    "platform",
    "account",
    "account_id",
    "state",
    "linked_at",
    "linked_by",
    "disconnected_at",
    "provider",
    "app_id",
    "login",
    "login_state",
    "has_tokens",
    "scopes",
    "consented_at",
    "access_ends_at",
)

Row = dict[str, str]
"""One line by field; instants in ISO 8601, UTC. Never a token."""


async def events(
    db: Database, team_id: str | None = None, since: datetime | None = None
) -> AsyncIterator[Row]:
    """Who did what, from the first to the last, of one Slack team or of all."""
    query = (
        select(AuditEvent, Workspace.team_id, Client.slug, Connection)
        .join(Workspace, Workspace.id == AuditEvent.workspace_id)
        .outerjoin(Client, Client.id == AuditEvent.client_id)
        .outerjoin(Connection, Connection.id == AuditEvent.connection_id)
        .order_by(AuditEvent.at, AuditEvent.id)
        .limit(BATCH)
    )
    if team_id is not None:
        query = query.where(Workspace.team_id == team_id)
    if since is not None:
        query = query.where(AuditEvent.at >= since)
    last: AuditEvent | None = None
    while True:
        page = query if last is None else query.where(_after(last))
        async with db.read() as session:
            rows = (await session.execute(page)).all()
        for event, team, slug, connection in rows:
            yield _event(event, team, slug, connection)
        if len(rows) < BATCH:
            return
        last = rows[-1][0]


def _after(last: AuditEvent) -> Any:
    return or_(AuditEvent.at > last.at, and_(AuditEvent.at == last.at, AuditEvent.id > last.id))


async def access(db: Database, team_id: str | None = None) -> AsyncIterator[Row]:
    """Which app of ours has (or had) access to which account, through whose login."""
    query = (
        select(Connection, Grant, Client.slug, Workspace.team_id)
        .join(Grant, Grant.id == Connection.grant_id)
        .join(Client, Client.id == Connection.client_id)
        .join(Workspace, Workspace.id == Connection.workspace_id)
        .order_by(Connection.id)
        .limit(BATCH)
    )
    if team_id is not None:
        query = query.where(Workspace.team_id == team_id)
    last = ""
    while True:
        async with db.read() as session:
            rows = (await session.execute(query.where(Connection.id > last))).all()
        for connection, grant, slug, team in rows:
            yield _access(connection, grant, slug, team)
        if len(rows) < BATCH:
            return
        last = rows[-1][0].id


def _event(event: AuditEvent, team: str, slug: str | None, connection: Connection | None) -> Row:
    return {
        "at": event.at.isoformat(),
        "workspace": team,
        "actor": event.actor or "",
        "action": event.action,
        "client": slug or "",
        "platform": connection.platform if connection else "",
        "account": connection.handle or connection.name if connection else "",
        "channel": event.channel_id or "",
        "detail": json.dumps(event.detail, sort_keys=True, ensure_ascii=False) if event.detail else "",
    }


def _access(connection: Connection, grant: Grant, slug: str, team: str) -> Row:
    return {
        "workspace": team,
        "client": slug,
        "platform": connection.platform,
        "account": connection.handle or connection.name,
        "account_id": connection.account_id,
        "state": connection.state,
        "linked_at": connection.linked_at.isoformat(),
        "linked_by": connection.linked_by or "",
        "disconnected_at": _when(connection.disconnected_at),
        "provider": grant.provider,
        "app_id": grant.app_id,
        "login": grant.subject_name or grant.subject,
        "login_state": grant.state,
        "has_tokens": "yes" if grant.access_token or connection.own_token else "no",
        "scopes": " ".join(sorted(grant.scopes)),
        "consented_at": grant.consented_at.isoformat(),
        "access_ends_at": _when(grant.access_expires_at),
    }


def _when(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
