"""Monday: what each mentioned person has to know of his clients, and the totals for operations.

Told at the start of working hours; where Monday is a day off, on the first working day of the week. A bot
that was off then tells it in working hours of the same week. The facts are read when the messages are sent,
and what is all green says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import working_time
from bot.domain.auditing import Actor, record
from bot.domain.telling import OPERATIONS, team, tell_event, user
from storage import clients as store
from storage.models import Client, Workspace

PERSON, TEAM, TOTALS = "digest", "digest.team", "digest.totals"


async def tell(session: AsyncSession, workspace: Workspace, now: datetime) -> None:
    """The notices of this week, each once, however often this runs."""
    monday = monday_of(workspace, now)
    found = await store.all_open(session, workspace.id)
    facts, key = {"week": monday.isoformat()}, f"digest:{workspace.id}:{monday.isoformat()}"
    for person in people_of(found):
        await tell_event(
            session, workspace.id, PERSON, f"{key}:{person}", user(person), subject_id=person, facts=facts
        )
    for client in found:
        if client.team_digest:
            where = team(client.id)
            await tell_event(
                session, workspace.id, TEAM, f"{key}:{client.id}", where, subject_id=client.id, facts=facts
            )
    if found:
        await tell_event(session, workspace.id, TOTALS, key, OPERATIONS, facts=facts)


def monday_of(workspace: Workspace, moment: datetime) -> date:
    """The Monday of a moment's week, in the workspace's zone."""
    day = moment.astimezone(working_time.of(workspace).zone).date()
    return day - timedelta(days=day.weekday())


def people_of(found: Sequence[Client]) -> list[str]:
    """Everybody whom these clients mention, once; groups have no inbox."""
    return list(dict.fromkeys(person for client in found for person in client.mentions if is_person(person)))


def is_person(slack_id: str) -> bool:
    """A person, rather than a group."""
    return slack_id.startswith(("U", "W"))


async def switch(session: AsyncSession, actor: Actor, client: Client, on: bool, now: datetime) -> bool:
    """Whether the client's team channel gets a digest too; false where that was so already. A channel that
    is shared with other workspaces never gets one."""
    if client.team_digest is on:
        return False
    client.team_digest = on
    record(session, actor, "client.digest", now, client_id=client.id, detail={"on": on})
    return True
