"""The record of who did what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import AuditEvent, Incident


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a Slack user in a channel, or a browser that holds a link (no user)."""

    workspace_id: str
    user_id: str | None = None
    channel_id: str | None = None
    outsider: bool = False  # of another team, a guest of ours, or unknown


def record(
    session: AsyncSession,
    actor: Actor,
    action: str,
    now: datetime,
    *,
    client_id: str | None = None,
    connection_id: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Adds one line to the audit, in the caller's transaction."""
    session.add(
        AuditEvent(
            workspace_id=actor.workspace_id,
            at=now,
            actor=actor.user_id,
            action=action,
            client_id=client_id,
            connection_id=connection_id,
            channel_id=actor.channel_id,
            detail=detail or {},
        )
    )


def record_on_alert(
    session: AsyncSession, actor: Actor, action: str, now: datetime, incident: Incident, **more: Any
) -> None:
    """Adds one line about what somebody did with an alert: whose it is and what it is about."""
    detail = {"incident": incident.id, "alert": incident.kind, "platform": incident.platform} | more
    record(
        session,
        actor,
        action,
        now,
        client_id=incident.client_id,
        connection_id=incident.connection_id,
        detail={name: value for name, value in detail.items() if value is not None},
    )
