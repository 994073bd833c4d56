"""A provider that answers nobody: the operator is told once, and once more when it is over.

No client hears of it and nobody is asked to reconnect: tokens are not blamed for their platform. What opens
again within the hour is the same outage.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import incident_closing, incident_threads
from bot.domain.telling import touch_subject
from bot.platforms.errors import Reason
from storage import incidents as store
from storage import watching

SAME_OUTAGE = timedelta(hours=1)


async def begun(session: AsyncSession, provider: str, now: datetime) -> None:
    """Tells each workspace with living accounts there, in its operations channel."""
    for workspace_id, platform in await watching.workspaces_on(session, provider):
        await _open(session, workspace_id, provider, platform, now)


async def over(session: AsyncSession, provider: str, now: datetime) -> None:
    """It answers again."""
    for incident in await store.open_on(session, "platform", provider):
        await incident_closing.close_one(session, incident, "recovered", now)


async def _open(
    session: AsyncSession, workspace_id: str, provider: str, platform: str, now: datetime
) -> None:
    key = outage_key(workspace_id, provider)
    same = {"workspace_id": workspace_id, "kind": "platform", "code": provider}
    again = await store.reopen(session, key, now - SAME_OUTAGE, **same)
    if again is not None:
        await touch_subject(session, "incident", again.id)
        return
    incident, opened = await store.open_one(
        session,
        key,
        **same,
        platform=platform,
        severity=incident_threads.DEAD,
        reason=Reason.PLATFORM_DOWN,
        opened_at=now,
    )
    if opened:
        await incident_threads.root_in_operations(session, incident)


def outage_key(workspace_id: str, provider: str) -> str:
    return f"platform:{workspace_id}:{provider}"
