"""An incident in Slack: the key it is known by while open, its root messages, and replies in their threads.

Roots are views: they always show the present. News is always a reply, said once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import working_time
from bot.domain.telling import OPERATIONS, Audience, show_view, team, tell_event, touch_subject
from storage import incidents as store
from storage.models import Connection, Incident, Notice, Workspace

log = structlog.get_logger(__name__)

WARNING, DEAD = "warning", "dead"
AFTER_A_FAILURE = timedelta(minutes=10)
ASK_OTHERS_AFTER = 4.0  # working hours without anybody who says "I'm on it"


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


async def ask_others_at(session: AsyncSession, workspace_id: str, now: datetime) -> datetime:
    """When somebody else hears of an alert that nobody takes: after so many working hours."""
    workspace = await session.get_one(Workspace, workspace_id)
    return working_time.of(workspace).after(now, ASK_OTHERS_AFTER)


async def root_in_team(session: AsyncSession, incident: Incident, connection: Connection) -> None:
    await show_view(
        session,
        incident.workspace_id,
        "incident",
        f"incident:{incident.id}:{connection.client_id}",
        team(connection.client_id),
        subject_id=incident.id,
        facts={"client": connection.client_id},
    )


async def root_in_operations(session: AsyncSession, incident: Incident) -> None:
    """The incident's root in the operations channel."""
    key = f"incident:{incident.id}:operations"
    await show_view(session, incident.workspace_id, "incident", key, OPERATIONS, subject_id=incident.id)


async def news(
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


async def by_itself(
    session: AsyncSession, incident: Incident, work: Awaitable[None], again: Mapping[str, Any]
) -> None:
    """What is due of one alert of several: where it breaks, it is undone and tried again as `again` says, and
    the others are told."""
    incident_id = incident.id
    try:
        async with session.begin_nested():
            await work
    except DBAPIError:
        raise
    except Exception as error:
        log.exception("work_failed", what="alert", row=incident_id, problem=type(error).__name__)
        await session.refresh(incident)
        await store.change(session, incident, **again)


async def lead_on(session: AsyncSession, before: Incident, after: Incident) -> None:
    """The first messages of an incident say where it goes on, and those of the other where it began. Where a
    client's alert is that of its bad day, the way leads there."""
    new = {root.facts.get("client"): root for root in await store.roots(session, after.id)}
    for old in await store.roots(session, before.id):
        client_id = old.facts.get("client")
        found = new.get(client_id) or (await _root_of_bad_day(session, client_id) if client_id else None)
        if found is None:
            continue
        old.follows_id = found.id
        if found.subject_id == after.id:
            found.facts = {**found.facts, "began": old.id}
    await session.flush()
    await touch_subject(session, "incident", before.id)


async def _root_of_bad_day(session: AsyncSession, client_id: str) -> Notice | None:
    incident = await store.find_open(session, client_key(client_id))
    return next(iter(await store.roots(session, incident.id)), None) if incident is not None else None


async def touch_for_grant(session: AsyncSession, grant_id: str) -> None:
    """What an open incident shows has changed (posts that wait, say)."""
    for incident in await store.open_for_grant(session, grant_id):
        await touch_subject(session, "incident", incident.id)


async def touch_of_client(session: AsyncSession, client_id: str) -> None:
    """What open alerts show of a client has changed: how many of its posts wait, and since when. However
    often that happens before the next look of the outbox, each message is edited once."""
    for incident_id in await store.open_of_client(session, client_id):
        await touch_subject(session, "incident", incident_id)


def _same_audience(root: Notice) -> Audience:
    return Audience(root.audience, root.audience_id)
