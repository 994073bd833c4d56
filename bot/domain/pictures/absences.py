"""What depends on a person who left, within one workspace."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import preferences
from bot.domain.house import House
from bot.domain.pictures.logins import line_of
from bot.domain.pictures.parts import client_name
from bot.messages.absences import LOGINS_MOST, Gone, Named
from storage import absences as store
from storage import clients as people
from storage import logins


async def gone(
    session: AsyncSession, house: House, workspace_id: str, person: str, standing: str
) -> Gone | None:
    """None when the person is back, or nothing depends on him any more."""
    if person not in await store.of_workspace(session, workspace_id):
        return None
    workspace = await people.workspace(session, workspace_id)
    found = [
        Named(client_name(client), person in client.mentions, person in client.backup)
        for client in await people.all_open(session, workspace_id)
        if person in client.mentions or person in client.backup
    ]
    asked = await logins.asked_by(session, workspace_id)
    mine = sorted(grant_id for grant_id, by in asked.items() if by == person)
    lines = []
    for grant_id in mine[:LOGINS_MOST]:
        grant = await logins.get(session, workspace_id, grant_id)
        if grant is not None:
            resting = await logins.reach(session, workspace_id, [grant_id])
            lines.append(replace(line_of(house, workspace, grant, resting), opened_by=person))
    is_admin = person in workspace.admins
    is_called = person in preferences.of(workspace).operations_mentions
    if not found and not mine and not is_admin and not is_called:
        return None
    return Gone(person, standing, tuple(lines), len(mine), tuple(found), is_admin, is_called)
