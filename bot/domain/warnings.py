"""Warning before a person is needed: 14, 7, 3 and 1 days ahead, or as the workspace chose, all in one
thread per grant.

Nothing scans for this: each connection stores the next moment at which it can matter. Of several steps that
passed at once only the nearest is told; a warning that was cured closes itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import health, incident_closing, incidents, preferences, refreshing, working_time
from bot.domain.house import House
from bot.domain.working_time import WorkingTime
from storage import grants, watching
from storage.watching import Watched

EARLY = 365  # the step of an end that is far off, but nearer than a queued post
NEAR = timedelta(days=7)  # before the first step: earlier nothing is to be said of an end by itself
LOOK_AGAIN = timedelta(days=1)  # near an end, where days off may be set anew


async def review(session: AsyncSession, house: House, found: Watched, now: datetime) -> datetime | None:
    """Warns, or ends a warning, as the facts of a grant are now. Returns when that can change."""
    grant, workspace = found.grant, found.workspace
    platform = refreshing.platform_of(house, grant)
    if platform is None or grant.state not in ("live", "ending"):
        return None
    hours = working_time.of(workspace)
    until = health.end_of(platform.info, grant)
    if until is None:
        await incident_closing.close_warning(session, grant.id, workspace.id, until, now)
        return None
    if until <= now:
        return None  # the sweep finds its death
    days = preferences.of(workspace).warning_days
    said_at_linking = grant.state == "live" and until == health.person_needed_at(platform.info, grant)
    since = grant.consented_at if said_at_linking else None
    step = step_reached(until, now, hours, days, since) or await _early(session, found, until)
    if step is not None:
        is_last = step == min(days)
        await incidents.warn(session, house, grant, workspace.id, until, step, now, is_last=is_last)
    elif grant.reason is None:  # a refused renewal is told until it is over, however far the end is
        await incident_closing.close_warning(session, grant.id, workspace.id, until, now)
    return next_step(until, now, hours, days)


def step_reached(
    until: datetime, now: datetime, hours: WorkingTime, days: Sequence[int], since: datetime | None = None
) -> int | None:
    """The nearest warning step that is reached, in days before the end; None: none yet. Steps that were
    reached by `since` were told then: a consent says at once until when it holds."""
    moments = {step: _moment(until, step, hours) for step in days}
    reached = [step for step, at in moments.items() if at <= now and (since is None or at > since)]
    return min(reached, default=None)


def next_step(until: datetime, now: datetime, hours: WorkingTime, days: Sequence[int]) -> datetime:
    """The next moment at which a step is reached; near the end at the latest tomorrow. Posts that are queued
    beyond a known end make a look due when they are queued (`storage.watching.look_soon`)."""
    near = until - timedelta(days=max(days)) - NEAR
    if now < near:
        return near
    ahead = [_moment(until, step, hours) for step in days]
    return min([moment for moment in ahead if moment > now] + [now + LOOK_AGAIN])


def _moment(until: datetime, days: int, hours: WorkingTime) -> datetime:
    return hours.within_hours(until - timedelta(days=days))


async def _early(session: AsyncSession, found: Watched, until: datetime) -> int | None:
    """Posts are queued for a time after the end."""
    reach = await grants.live_reach(session, found.grant.id)
    last = await watching.last_post(session, [item.connection.id for item in reach])
    return EARLY if last is not None and last > until else None
