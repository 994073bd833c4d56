"""What comes round by itself in every workspace, at its own working hours: Monday's digests, and the reminder
on the working day before a day with many posts.

A routine is a row with a due time. What it tells and when it comes round next are one transaction: whoever
is killed in between has told nothing, and of several processes one holds the row. A bot that was off tells
what belongs to the week or day in which it is back, and nothing of those that are over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import ahead, digests, working_time
from bot.domain.house import House
from bot.domain.working_time import WorkingTime
from storage import clients
from storage import routines as store
from storage.models import Workspace

log = structlog.get_logger(__name__)

AFTER_A_FAILURE = timedelta(minutes=10)

Duty = Callable[[AsyncSession, Workspace, datetime], Awaitable[None]]
"""What is done for a workspace, now."""

Moment = Callable[[WorkingTime, datetime], datetime]


@dataclass(frozen=True, slots=True)
class Period:
    """How often something comes round: when the present period begins for people, and when the next does."""

    begins: Moment
    next_after: Moment


DAY = Period(WorkingTime.day_opening, WorkingTime.opening_after)
WEEK = Period(WorkingTime.week_opening, WorkingTime.week_after)
PERIODS: Mapping[str, Period] = {store.PEOPLE: DAY, store.MONDAY: WEEK, store.AHEAD: DAY}

DUTIES: Mapping[str, Duty] = {store.MONDAY: digests.tell, store.AHEAD: ahead.tell}
WAITS = frozenset({store.MONDAY})
"""What is told in working hours only, however late it is by then."""


async def ensure(house: House) -> None:
    """Gives workspaces that are new their routines."""
    async with house.db.write() as session:
        await store.ensure(session, house.clock.now())


async def run_due(house: House) -> int:
    """Does what has come round; how many there were."""
    now, done = house.clock.now(), 0
    while await _any_due(house, now):
        try:
            did = await _one(house, now)
        except _Failed as failed:
            log.exception("work_failed", what="routine", row=failed.row, problem=failed.problem)
            did = await _put_off(house, failed.row, now)
        if not did:
            break  # somebody else is at it
        done += 1
    if done:
        house.wake.outbox.set()
    return done


async def _any_due(house: House, now: datetime) -> bool:
    async with house.db.read() as session:
        return await store.any_due(session, now, DUTIES)


class _Failed(Exception):
    """A duty that could not be done now: others go on, and this one is tried again later."""

    def __init__(self, row: tuple[str, str], problem: str) -> None:
        super().__init__(problem)
        self.row, self.problem = row, problem


async def _one(house: House, now: datetime) -> bool:
    async with house.db.write() as session:
        routine = await store.take_due(session, now, DUTIES)
        if routine is None:
            return False
        try:
            await _do(session, routine.workspace_id, routine.kind, routine.is_planned, now)
        except Exception as error:
            raise _Failed((routine.workspace_id, routine.kind), type(error).__name__) from error
    return True


async def _do(session: AsyncSession, workspace_id: str, kind: str, is_planned: bool, now: datetime) -> None:
    workspace = await clients.workspace(session, workspace_id)
    hours, period = working_time.of(workspace), PERIODS[kind]
    at = period.next_after(hours, now)
    if is_planned and workspace.uninstalled_at is None and period.begins(hours, now) <= now:
        opens = hours.after(now, 0) if kind in WAITS else now
        if opens > now:
            at = min(at, opens)
        else:
            await DUTIES[kind](session, workspace, now)
    await store.plan(session, workspace_id, kind, at)


async def follow_hours(
    session: AsyncSession, workspace: Workspace, before: WorkingTime, now: datetime
) -> None:
    """A workspace's zone, working days or hours are others than `before`. What was still to come in this week
    or on this day comes at its new hour, at once where that has passed; the rest with the next one."""
    hours = working_time.of(workspace)
    for row in await store.planned(session, workspace.id):
        period = PERIODS[row.kind]
        begins, following = period.begins(before, now), period.next_after(before, now)
        is_to_come = row.next_at <= begins or row.next_at < following
        at = period.begins(hours, now) if is_to_come else period.next_after(hours, now)
        await store.plan(session, workspace.id, row.kind, at)


async def _put_off(house: House, row: tuple[str, str], now: datetime) -> bool:
    async with house.db.write() as session:
        return await store.plan(session, *row, now + AFTER_A_FAILURE)
