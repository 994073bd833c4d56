"""People who were deactivated in Slack while clients, logins or the workspace depend on them.

Each is told once, in the operations channel, with everything that depends on him; who comes back and leaves
again is told again. Who asks Slack is the business of `bot.jobs.roll_call`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import preferences
from bot.domain.digests import is_person
from bot.domain.telling import OPERATIONS, tell_event
from storage import absences as store
from storage import clients, logins
from storage.models import Workspace

TOPIC = "person.gone"


class Standing(StrEnum):
    """What Slack says of a person."""

    HERE = "here"
    DEACTIVATED = "deactivated"
    UNKNOWN = "unknown"  # there is nobody of that id
    HIDDEN = "hidden"  # of another workspace, and not visible to us: nothing can be said


GONE = (Standing.DEACTIVATED, Standing.UNKNOWN)


async def whom(session: AsyncSession, workspace: Workspace) -> list[str]:
    """Everybody on whom something of the workspace depends, once: mentioned people and backups, those whom
    operations calls, admins, and those who asked for its logins."""
    found = [*workspace.admins, *preferences.of(workspace).operations_mentions]
    for client in await clients.all_open(session, workspace.id):
        found += [*client.mentions, *client.backup]
    found += (await logins.asked_by(session, workspace.id)).values()
    return sorted({person for person in found if is_person(person)})


async def note(session: AsyncSession, workspace_id: str, seen: Mapping[str, Standing], now: datetime) -> int:
    """What a look found, of everybody on whom something depends; how many are told of now."""
    known = await store.of_workspace(session, workspace_id)
    gone = [person for person, standing in sorted(seen.items()) if standing in GONE]
    hidden = {person for person, standing in seen.items() if standing is Standing.HIDDEN}
    await store.over(session, workspace_id, known - set(gone) - hidden)
    told = 0
    for person in gone:
        if await store.note(session, workspace_id, person, now):
            facts = {"standing": seen[person].value}
            key = f"gone:{workspace_id}:{person}:{now.isoformat()}"
            await tell_event(session, workspace_id, TOPIC, key, OPERATIONS, subject_id=person, facts=facts)
            told += 1
    return told
