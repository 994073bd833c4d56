"""*I'm on it*, and who is asked when nobody says so: the backup, then the operations channel, once each."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import incident_threads
from bot.domain.auditing import Actor, record_on_alert
from bot.domain.errors import NotCurrent
from bot.domain.house import House
from bot.domain.incident_threads import AFTER_A_FAILURE
from bot.domain.reminding import CLOSED
from bot.domain.telling import OPERATIONS, tell_event, touch_subject
from storage import clients, watching
from storage import incidents as store
from storage.models import Client, Incident, Notice

BATCH = 50


async def take(session: AsyncSession, actor: Actor, incident_id: str, now: datetime) -> Incident:
    """Somebody sees to an alert: nobody else is asked. The first press counts; the same person's second one
    changes nothing. Raises NotCurrent when the alert is closed, or somebody else was faster."""
    taken = await store.take(session, actor.workspace_id, incident_id, actor.user_id, now)
    incident = await store.get(session, actor.workspace_id, incident_id)
    if incident is None or incident.state != "open":
        raise NotCurrent(CLOSED)
    if taken:
        record_on_alert(session, actor, "incident.taken", now, incident)
        await touch_subject(session, "incident", incident.id)
    elif incident.taken_by != actor.user_id:
        raise NotCurrent(f"<@{incident.taken_by}> is on it already.")
    return incident


async def ask_others(house: House) -> int:
    """Tells of alerts that nobody took in time; how many there were."""
    now = house.clock.now()
    async with house.db.read() as session:
        if not await watching.any_untaken(session, now):
            return 0
    async with house.db.write() as session:
        waiting = await watching.claim_untaken(session, now, BATCH)
        for incident in waiting:
            again = {"next_at": now + AFTER_A_FAILURE, "step": incident.step - 1}
            await incident_threads.by_itself(session, incident, _ask(session, incident, now), again)
    house.wake.outbox.set()
    return len(waiting)


async def _ask(session: AsyncSession, incident: Incident, now: datetime) -> None:
    """The first time the backups of its clients, the second time (or without any backup) the operations."""
    told = await _ask_backups(session, incident) if incident.step == 1 else False
    if told:
        again = await incident_threads.ask_others_at(session, incident.workspace_id, now)
        await store.change(session, incident, next_at=again)
    else:
        await _ask_operations(session, incident)


async def _ask_backups(session: AsyncSession, incident: Incident) -> bool:
    told = False
    for root in await store.roots(session, incident.id):
        client = await _client(session, root)
        if client is not None and client.backup:
            await incident_threads.reply(session, incident, root, "backup", f"backup:{root.id}")
            told = True
    return told


async def _ask_operations(session: AsyncSession, incident: Incident) -> None:
    roots = await store.roots(session, incident.id)
    here = next((root for root in roots if root.audience == OPERATIONS.kind), None)
    await tell_event(
        session,
        incident.workspace_id,
        "incident.news",
        f"incident:{incident.id}:untaken",
        OPERATIONS,
        subject_id=incident.id,
        facts={"what": "untaken", "client": None},
        root=here,
    )


async def _client(session: AsyncSession, root: Notice) -> Client | None:
    client_id = root.facts.get("client")
    return await clients.get(session, root.workspace_id, client_id) if client_id else None
