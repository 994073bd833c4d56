"""Refreshing one grant: lease, journal, call. What the answer means stands in `bot.domain.answers`.

The order is the promise. The attempt is committed before the call leaves; the answer lies in the spool
before its transaction and is stored under the attempt's generation; nothing in between can be cancelled. The
call itself may leave only until its guard: a process that was stopped and woken late presents nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.clock import boot_seconds
from bot.domain import breaker, lifetimes, tokens
from bot.domain.answers import Attempt, store_failure, store_tokens, until_committed
from bot.domain.house import House
from bot.domain.outcomes import Judgement, Outcome, judge
from bot.http import HttpError
from bot.platforms.base import Platform, RefreshKind
from bot.platforms.errors import PlatformError, Reason
from storage import grants
from storage.models import Grant

log = structlog.get_logger(__name__)

CONSENT_BLOCKS_FOR = timedelta(minutes=15)
POSTPONED = timedelta(seconds=30)


class Cause(StrEnum):
    SWEEP = "sweep"
    POST = "post"  # the check before a post
    REFUSED = "refused"  # a platform said that the access token is bad
    TRIAL = "trial"  # the one call that finds out whether a silent provider answers again


class Skipped(StrEnum):
    """Why no call was made."""

    BUSY = "busy"  # somebody else holds the lease, or a consent is under way
    RENEWED = "renewed"  # somebody else was faster: newer tokens are there
    NOT_LIVE = "not_live"
    WAITING = "waiting"  # an unclear attempt is open and may not be repeated yet
    BREAKER = "breaker"
    OFF = "off"  # the platform has no app configured


async def refresh(
    house: House, grant: Grant, cause: Cause, *, due_by: datetime | None = None
) -> Judgement | Skipped:
    """One attempt to renew a grant's tokens, from the lease to the stored consequence.

    `grant` is the row as the caller saw it: tokens newer than those are left alone, and with `due_by` also a
    grant that is not due by then any more. A refusal leaves the grant `ending` and due at once:
    `bot.domain.second_look` has the last word.
    """
    platform = platform_of(house, grant)
    if platform is None:
        return Skipped.OFF
    async with house.http.slot(platform.info.token_host):
        attempt = await _begin(house, grant, platform, cause, due_by)
        if isinstance(attempt, Skipped):
            return attempt
        return await house.tasks.finish(_call_and_store(house, platform, attempt))


def platform_of(house: House, grant: Grant) -> Platform | None:
    """What renews a grant; None where its app is not configured any more."""
    return house.platform_of(grant.provider, grant.app_id)


def past_renewing(platform: Platform, grant: Grant, now: datetime) -> bool:
    """Whether a grant's access token is over and nothing can be presented for another."""
    end = grant.access_expires_at
    if end is None or end > now:
        return False
    model = platform.info.refresh
    return model.kind is RefreshKind.SELF_EXTENDING or not lifetimes.renewable(model, tokens.life_of(grant))


async def without_waiting(house: House, due: Sequence[Grant], now: datetime) -> list[Grant]:
    """What can be tended now. The others' platforms are silent, or limit our app: they are moved on in one
    transaction, spread over minutes, and cost no more than that while it lasts."""
    async with house.db.read() as session:
        closed = await breaker.waits(session, (grant.provider for grant in due), now)
    waiting = [grant for grant in due if grant.provider in closed and _can_wait(house, grant, now)]
    if waiting:
        moments = [(grant, breaker.spread_after(closed[grant.provider], now)) for grant in waiting]
        async with house.db.write() as session:
            await grants.postpone(session, moments)
    moved = {grant.id for grant in waiting}
    return [grant for grant in due if grant.id not in moved]


def _can_wait(house: House, grant: Grant, now: datetime) -> bool:
    platform = platform_of(house, grant)
    return grant.state == "live" and platform is not None and not past_renewing(platform, grant, now)


async def _begin(
    house: House, seen: Grant, platform: Platform, cause: Cause, due_by: datetime | None = None
) -> Attempt | Skipped:
    """Takes the lease and writes the journal, in one transaction. Skips where a rule forbids the call."""
    now = house.clock.now()
    span = house.timings.lease_span
    async with house.db.write() as session:
        not_after = boot_seconds() + house.timings.guard  # no later than the journal reckons, from here on
        lease_now = await house.db.lease_now(session)
        grant = await grants.take_lease(session, seen.id, house.owner, lease_now, span, due_by=due_by)
        if grant is None:
            return Skipped.BUSY
        renewed = grant.generation != seen.generation
        skipped = (
            Skipped.RENEWED if renewed else await _forbidden(session, grant, platform, cause, now, lease_now)
        )
        if skipped is not None:
            await _postpone(session, grant, skipped, now)
            return skipped
        over_at = lease_now + house.timings.refresh_over
        attempt_id = await grants.begin_attempt(session, grant, house.owner, cause, now, over_at)
        old = tokens.open_tokens(house.vault, grant)
    return Attempt(attempt_id, grant.id, grant.generation, platform.info.key, old, not_after)


async def _forbidden(
    session: AsyncSession,
    grant: Grant,
    platform: Platform,
    cause: Cause,
    now: datetime,
    lease_now: datetime,
) -> Skipped | None:
    life = tokens.life_of(grant)
    if grant.state != "live" or not lifetimes.renewable(platform.info.refresh, life):
        return Skipped.NOT_LIVE
    found = await grants.in_the_way(session, grant, now - CONSENT_BLOCKS_FOR, lease_now)
    if found.consent:
        return Skipped.BUSY
    if found.unclear and tokens.can_be_spent(platform.info):
        from_then_on = lifetimes.nearly_over(life)
        if found.running or (from_then_on is not None and now < from_then_on):
            return Skipped.WAITING
    if cause is not Cause.TRIAL and not await breaker.may_call(session, platform.info.provider, now):
        return Skipped.BREAKER
    return None


async def _postpone(session: AsyncSession, grant: Grant, skipped: Skipped, now: datetime) -> None:
    """Gives the lease back and moves the due moment: a grant that must wait is not due at every tick."""
    due = grant.next_due_at
    if skipped is Skipped.WAITING:
        due = max(now + POSTPONED, lifetimes.nearly_over(tokens.life_of(grant)) or now)
    elif skipped is Skipped.BREAKER:
        due = await breaker.again_at(session, grant.provider, now)
    elif skipped is Skipped.BUSY:
        due = now + POSTPONED
    waiting = grant.waiting_for_platform or skipped is Skipped.WAITING
    await session.execute(
        update(Grant)
        .where(Grant.id == grant.id)
        .values(lease_owner=None, lease_until=None, next_due_at=due, waiting_for_platform=waiting)
    )


async def _call_and_store(house: House, platform: Platform, attempt: Attempt) -> Judgement:
    call = house.call(platform, not_after=attempt.not_after)
    try:
        fresh = await platform.refresh(call, attempt.old)
    except (PlatformError, HttpError) as error:
        judgement = judge(error)
        house.meters.refreshes.labels(attempt.platform, judgement.outcome).inc()
        await until_committed(lambda: store_failure(house, platform, attempt, judgement))
        log.info("refresh_failed", grant=attempt.grant_id, outcome=judgement.outcome, code=judgement.code)
        return judgement
    won = await store_tokens(house, platform, attempt, fresh)
    house.meters.refreshes.labels(attempt.platform, Outcome.REFRESHED).inc()
    log.info("refreshed", grant=attempt.grant_id, platform=attempt.platform, stored=won)
    return Judgement(Outcome.REFRESHED, Reason.UNKNOWN)
