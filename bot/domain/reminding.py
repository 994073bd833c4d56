"""Saying again that an alert is open, rarely; and *Snooze*, which keeps it quiet for a while.

A death that nobody cured or took is said again 2, 7 and 21 days after it, in working time, and then no more.
Warnings have steps of their own. A snoozed alert is quiet until its moment, and says so then; a death is told
whatever was snoozed. An alert that somebody takes is his: nobody is reminded.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import incident_threads, preferences, working_time
from bot.domain.auditing import Actor, record_on_alert
from bot.domain.errors import NotCurrent, Refused
from bot.domain.house import House
from bot.domain.incident_threads import AFTER_A_FAILURE, WARNING
from bot.domain.telling import touch_subject
from storage import incidents as store
from storage import watching
from storage.models import Incident, Notice, Workspace

PAUSES = (timedelta(days=2), timedelta(days=5), timedelta(days=14))
"""Between the death and its first reminder, between that and the second, and so on."""
BATCH = 50
CLOSED = "This alert is closed already. `/health` shows how things are."
CHANGED = "Nothing was changed: this alert is another by now. Its first message shows how things are."
TAKEN = "Nothing was changed: somebody is on it already, so nobody is reminded."
AWAKE = "Nothing was changed: this alert is not snoozed any more."
TOO_SHORT = "It ends too soon to be put off. Press *I'm on it* if you see to it."


class Span(StrEnum):
    """How long an alert is snoozed."""

    DAY = "day"  # until the next working day
    WEEK = "week"  # until next week


END = "end"
"""Instead of a span: a snooze is over."""


def is_snoozed(incident: Incident, now: datetime) -> bool:
    return incident.snoozed_until is not None and incident.snoozed_until > now


async def awake(session: AsyncSession, workspace_id: str, now: datetime) -> dict[str, Any]:
    """The columns of an alert that has just become one: nobody sleeps over it, and it is said again later."""
    first = await _after(session, workspace_id, now, 0)
    return {"snoozed_until": None, "snoozed_by": None, "reminders": 0, "remind_at": first}


async def awake_in_team(session: AsyncSession, workspace_id: str, now: datetime) -> dict[str, Any]:
    """As `awake`, for an alert of a client's channel: others hear of it if nobody takes it."""
    next_at = await incident_threads.ask_others_at(session, workspace_id, now)
    return await awake(session, workspace_id, now) | {"next_at": next_at}


async def snooze(
    session: AsyncSession, actor: Actor, incident_id: str, severity: str, span: Span, now: datetime
) -> Incident:
    """Keeps an alert quiet. `severity`: as the person saw it. Raises NotCurrent when that has changed, or
    Refused where there is no time for it."""
    seen = await store.get(session, actor.workspace_id, incident_id)
    if seen is None or seen.state != "open":
        raise NotCurrent(CLOSED)
    workspace = await session.get_one(Workspace, actor.workspace_id)
    hours = working_time.of(workspace)
    until = hours.opening(now, 1) if span is Span.DAY else hours.next_monday(now)
    last = _last_step(seen, workspace)
    if last is not None and last <= now:
        raise Refused(TOO_SHORT)
    remind_at = until if last is None or until < last else None  # the last step speaks for itself
    until = min(until, last) if last is not None else until
    ask_at = await incident_threads.ask_others_at(session, actor.workspace_id, until)
    found = await store.snooze(
        session, actor.workspace_id, incident_id, severity, actor.user_id, until, remind_at, ask_at
    )
    if found is None:
        raise NotCurrent(TAKEN if seen.taken_by and seen.severity == severity else CHANGED)
    record_on_alert(session, actor, "incident.snoozed", now, found, until=until.isoformat())
    await touch_subject(session, "incident", found.id)
    return found


async def wake(
    session: AsyncSession, actor: Actor, incident_id: str, severity: str, now: datetime
) -> Incident:
    """Ends a snooze early: people are called again, and it is reminded of as if nobody had slept. Raises
    NotCurrent when nobody does, or when the alert has changed."""
    seen = await store.get(session, actor.workspace_id, incident_id)
    if seen is None or seen.state != "open":
        raise NotCurrent(CLOSED)
    remind_at = None
    if severity != WARNING:
        remind_at = await _after(session, actor.workspace_id, now, seen.reminders)
    ask_at = await incident_threads.ask_others_at(session, actor.workspace_id, now)
    found = await store.wake(session, actor.workspace_id, incident_id, severity, remind_at, ask_at)
    if found is None:
        raise NotCurrent(AWAKE if seen.severity == severity else CHANGED)
    record_on_alert(session, actor, "incident.woken", now, found)
    await touch_subject(session, "incident", found.id)
    return found


def _last_step(incident: Incident, workspace: Workspace) -> datetime | None:
    """When a warning says for the last time that it ends: that is never slept through."""
    days = timedelta(days=min(preferences.of(workspace).warning_days))
    until = incident.detail.get("until") if incident.severity == WARNING else None
    if not until:
        return None
    return working_time.of(workspace).within_hours(datetime.fromisoformat(until) - days)


async def remind(house: House) -> int:
    """Says again what is due to be said again; how many alerts that were."""
    now = house.clock.now()
    async with house.db.read() as session:
        if not await watching.any_to_remind(session, now):
            return 0
    async with house.db.write() as session:
        waiting = await watching.claim_reminders(session, now, BATCH)
        for incident in waiting:
            again = {"remind_at": now + AFTER_A_FAILURE}
            await incident_threads.by_itself(session, incident, _remind(session, incident, now), again)
    house.wake.outbox.set()
    return len(waiting)


async def _remind(session: AsyncSession, incident: Incident, now: datetime) -> None:
    """One reply in each thread: the end of a snooze, or the next reminder."""
    slept, by = incident.snoozed_until, incident.snoozed_by
    said = incident.reminders + (0 if slept else 1)
    following = None
    if incident.severity != WARNING:
        following = await _after(session, incident.workspace_id, now, said)
    step = f"awake:{slept:%Y%m%d%H%M}" if slept else f"reminder:{said}:{now:%Y%m%d%H%M}"
    facts = {"snoozed_by": by if slept else None, "is_last": not slept and following is None}
    for root in await store.roots(session, incident.id):
        await incident_threads.reply(
            session, incident, root, "reminder", f"{step}:{root.id}", facts=facts, broadcast=_unheard(root)
        )
    await store.change(
        session, incident, reminders=said, remind_at=following, snoozed_until=None, snoozed_by=None
    )
    await touch_subject(session, "incident", incident.id)


def _unheard(root: Notice) -> bool:
    """Nobody is mentioned in the operations channel, so a reply there would be seen by nobody."""
    return root.facts.get("client") is None


async def _after(session: AsyncSession, workspace_id: str, now: datetime, said: int) -> datetime | None:
    """The next reminder after so many, in working time."""
    if said >= len(PAUSES):
        return None
    hours = working_time.of(await session.get_one(Workspace, workspace_id))
    return hours.after(now + PAUSES[said], 0)
