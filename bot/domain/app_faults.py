"""Our own app is refused by a platform: the operator is told, once while it lasts; no client hears of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import reminding
from bot.domain.incident_closing import close_one
from bot.domain.incident_threads import DEAD, app_key, root_in_operations
from bot.domain.outcomes import Judgement
from bot.domain.telling import touch_subject
from bot.platforms.errors import Reason
from storage import grants
from storage import incidents as store
from storage.models import Grant

BY_A_RENEWAL = frozenset({Reason.APP_SECRET, Reason.APP_SUSPENDED, Reason.APP_SETTINGS})
"""What a renewal disproves that failed before. Credits and quotas are met elsewhere."""

BY_A_CONSENT = BY_A_RENEWAL | {Reason.APP_NOT_REVIEWED}
"""What an account that was linked disproves."""

APP_REASONS = BY_A_CONSENT | {Reason.VERSION_RETIRED, Reason.CREDITS, Reason.APP_QUOTA}
"""What a post that is out disproves: everything."""

SAME_TROUBLE = timedelta(hours=1)  # what comes back so soon is the same episode, and not told again


async def app_at_fault(session: AsyncSession, grant: Grant, found: Judgement, now: datetime) -> None:
    """Our own app is refused: the operator is told, once while it lasts; no client hears of it."""
    reach = await grants.live_reach(session, grant.id)
    for workspace_id in sorted({item.connection.workspace_id for item in reach}):
        await app_refused(session, workspace_id, reach[0].connection.platform, found, now)


async def app_refused(
    session: AsyncSession, workspace_id: str, platform: str, found: Judgement, now: datetime
) -> None:
    key = app_key(workspace_id, platform)
    if await store.find_open(session, key) is not None:
        return
    same = {"workspace_id": workspace_id, "kind": "app", "platform": platform, "reason": found.reason}
    again = await store.reopen(session, key, now - SAME_TROUBLE, **same)
    if again is not None:
        nobodys = {"taken_by": None, "taken_at": None}
        await store.change(session, again, **nobodys, **await reminding.awake(session, workspace_id, now))
        await touch_subject(session, "incident", again.id)
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
        **await reminding.awake(session, workspace_id, now),
    )
    if opened:
        await root_in_operations(session, incident)


async def app_works(
    session: AsyncSession,
    workspace_id: str,
    platform: str,
    now: datetime,
    disproved: frozenset[Reason] = APP_REASONS,
) -> None:
    """A call of this app succeeded: its incident is over, if one is open and this call disproves it."""
    incident = await store.find_open(session, app_key(workspace_id, platform))
    if incident is not None and incident.reason in disproved:
        await close_one(session, incident, "recovered", now)


async def renewed(session: AsyncSession, grant: Grant, now: datetime) -> None:
    """A grant that could not be renewed was: our app is let in again."""
    reach = await grants.live_reach(session, grant.id)
    for workspace_id in sorted({item.connection.workspace_id for item in reach}):
        await app_works(session, workspace_id, reach[0].connection.platform, now, BY_A_RENEWAL)
