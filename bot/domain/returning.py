"""A workspace that was left comes back: everything goes on, and it is told what happened meanwhile.

What was due meanwhile is offered, client by client; none of it goes out by itself. Alerts that are still open
and questions about posts are said again, because nobody could be told of them.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import holding, incident_threads
from bot.domain.house import House
from bot.domain.telling import OPERATIONS, tell_event
from storage import queue, returning
from storage.models import Workspace

TOPIC = "back"


async def come_back(
    session: AsyncSession, house: House, workspace: Workspace, since: datetime, now: datetime
) -> None:
    """In the transaction of the reinstall. `since` is when it was left."""
    clients = [] if workspace.paused_at is not None else await queue.unpaused(session, workspace.id)
    await queue.take_back(session, clients)
    able = await queue.able(session, clients)
    missed = await returning.planned_before(session, able, now)
    await holding.offer(session, missed, now)
    for item in missed:  # read again below as it stands now
        session.expunge(item)
    to_come, _ = await holding.release(session, house, able, now)
    again = await incident_threads.ask_others_at(session, workspace.id, now)
    alerts = await returning.alerts_again(session, workspace.id, again)
    await returning.questions_again(session, workspace.id)
    await returning.look_again(session, workspace.id, now)
    facts = {
        "since": since.isoformat(),
        "until": now.isoformat(),
        "accounts": await returning.accounts(session, workspace.id),
        "alerts": alerts,
        "missed": len(missed),
        "to_come": to_come,
    }
    key = f"{TOPIC}:{workspace.id}:{workspace.token_generation}"
    await tell_event(session, workspace.id, TOPIC, key, OPERATIONS, facts=facts)
