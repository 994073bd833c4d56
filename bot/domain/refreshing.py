"""Refreshing one grant: lease, journal, call, answer, and what the answer means.

The order is the promise. The attempt is committed before the call leaves; the answer lies in the spool
before its transaction and is stored under the attempt's generation; nothing in between can be cancelled. The
call itself may leave only until its guard: a process that was stopped and woken late presents nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.clock import boot_seconds
from bot.domain import breaker, health, lifetimes, tokens
from bot.domain.house import House
from bot.domain.outcomes import Judgement, Outcome, judge
from bot.http import HttpError
from bot.platforms.base import Platform, PlatformError, Reason, RefreshKind, Tokens
from storage import grants, incidents, watching
from storage.models import Grant
from storage.spool import SpooledAnswer

log = structlog.get_logger(__name__)

CONSENT_BLOCKS_FOR = timedelta(minutes=15)
POSTPONED = timedelta(seconds=30)
COMMIT_RETRY_SECONDS = 1.0
SLOW_DOWN_SECONDS = 60.0  # where the provider limits our app and does not say for how long


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


@dataclass(frozen=True, slots=True)
class Attempt:
    """A journalled attempt whose call may leave now. `not_after` is in boot seconds."""

    id: str
    grant_id: str
    generation: int
    platform: str
    old: Tokens
    not_after: float


async def refresh(house: House, grant_id: str, cause: Cause, seen: int) -> Judgement | Skipped:
    """One attempt to renew a grant's tokens, from the lease to the stored consequence.

    `seen` is the generation whose renewing the caller thought necessary: newer tokens are left alone.
    A refusal leaves the grant `ending` and due at once: `bot.domain.second_look` has the last word.
    """
    platform = await _platform_of(house, grant_id)
    if platform is None:
        return Skipped.OFF
    async with house.http.slot(platform.info.token_host):
        attempt = await _begin(house, grant_id, platform, cause, seen)
        if isinstance(attempt, Skipped):
            return attempt
        return await house.tasks.finish(_call_and_store(house, platform, attempt))


async def _platform_of(house: House, grant_id: str) -> Platform | None:
    async with house.db.read() as session:
        grant = await grants.get(session, grant_id)
    if grant is None:
        return None
    return platform_of(house, grant)


def platform_of(house: House, grant: Grant) -> Platform | None:
    """What renews a grant; None where its app is not configured any more."""
    return house.platform_of(grant.provider, grant.app_id)


async def _begin(
    house: House, grant_id: str, platform: Platform, cause: Cause, seen: int
) -> Attempt | Skipped:
    """Takes the lease and writes the journal, in one transaction. Skips where a rule forbids the call."""
    now = house.clock.now()
    not_after = boot_seconds() + house.timings.guard
    async with house.db.write() as session:
        lease_now = await house.db.lease_now(session)
        grant = await grants.take_lease(session, grant_id, house.owner, lease_now, house.timings.lease_span)
        if grant is None:
            return Skipped.BUSY
        renewed = grant.generation != seen
        skipped = (
            Skipped.RENEWED if renewed else await _forbidden(session, grant, platform, cause, now, lease_now)
        )
        if skipped is not None:
            await _postpone(session, grant, skipped, now)
            return skipped
        over_at = lease_now + house.timings.refresh_over
        row = await grants.begin_attempt(session, grant, house.owner, cause, now, over_at)
        old = tokens.open_tokens(house.vault, grant)
        attempt = Attempt(row.id, grant.id, grant.generation, platform.info.key, old, not_after)
    return attempt


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
    if await grants.consent_under_way(session, grant.id, now - CONSENT_BLOCKS_FOR):
        return Skipped.BUSY
    if tokens.can_be_spent(platform.info):
        unclear = await grants.open_attempts(session, grant)
        if any(attempt.over_at > lease_now for attempt in unclear):
            return Skipped.WAITING
        from_then_on = lifetimes.nearly_over(life, now)
        if unclear and from_then_on is not None and now < from_then_on:
            return Skipped.WAITING
    if cause is not Cause.TRIAL and not await breaker.may_call(session, platform.info.provider, now):
        return Skipped.BREAKER
    return None


async def _postpone(session: AsyncSession, grant: Grant, skipped: Skipped, now: datetime) -> None:
    """Gives the lease back and moves the due moment: a grant that must wait is not due at every tick."""
    due = grant.next_due_at
    if skipped is Skipped.WAITING:
        due = max(now + POSTPONED, lifetimes.nearly_over(tokens.life_of(grant), now) or now)
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
        await _until_committed(lambda: _store_failure(house, platform, attempt, judgement))
        log.info("refresh_failed", grant=attempt.grant_id, outcome=judgement.outcome, code=judgement.code)
        return judgement
    won = await _store_tokens(house, platform, attempt, fresh)
    house.meters.refreshes.labels(attempt.platform, Outcome.REFRESHED).inc()
    log.info("refreshed", grant=attempt.grant_id, platform=attempt.platform, stored=won)
    return Judgement(Outcome.REFRESHED, Reason.UNKNOWN)


async def _store_tokens(house: House, platform: Platform, attempt: Attempt, fresh: Tokens) -> bool:
    """The answer first and alone: to the spool, then into the row, then out of the spool."""
    now = house.clock.now()
    values = tokens.sealed_values(
        house.vault,
        attempt.grant_id,
        attempt.generation + 1,
        tokens.kept(fresh, attempt.old),
        platform.info,
        now,
    )
    values |= after_success(platform, values, now)
    answer = SpooledAnswer(attempt.grant_id, attempt.id, attempt.generation, values)
    path = await asyncio.to_thread(house.spool.put, answer)
    won = await _until_committed(lambda: store_spooled(house, answer))
    await asyncio.to_thread(house.spool.drop, path)
    return won


def after_success(platform: Platform, values: dict[str, object], now: datetime) -> dict[str, object]:
    """The columns that any new token set resets, beside the tokens themselves."""
    expires = values.get("access_expires_at")
    life = lifetimes.Life(now, expires if isinstance(expires, datetime) else None, "refresh_token" in values)
    due = lifetimes.next_due(platform.info.refresh, life, now, lifetimes.fresh_jitter())
    return {
        "state": "live",
        "reason": None,
        "reason_code": None,
        "reason_at": None,
        "waiting_for_platform": False,
        "failures": 0,
        "next_due_at": due,
        "last_refreshed_at": now,
        "proved_at": now,
        "lease_owner": None,
        "lease_until": None,
    }


async def store_spooled(house: House, answer: SpooledAnswer) -> bool:
    """Stores an answer under its attempt's generation; doing it twice is harmless."""
    async with house.db.write() as session:
        won = await grants.store_answer(
            session, answer.grant_id, answer.attempt_id, answer.generation, answer.values
        )
        if won:
            grant = await grants.get(session, answer.grant_id)
            assert grant is not None
            await breaker.answered(session, grant.provider, answer.values["last_refreshed_at"])
            await _look_at_warnings(session, house, grant)
    return won


async def _look_at_warnings(session: AsyncSession, house: House, grant: Grant) -> None:
    """New tokens may move the end that people are warned of, and cure what they were warned of."""
    platform = platform_of(house, grant)
    ends = platform is not None and health.end_of(platform.info, grant) is not None
    if ends or await incidents.open_for_grant(session, grant.id):
        await watching.look_again(session, grant.id, house.clock.now())


async def read_spool(house: House) -> int:
    """What earlier runs received and did not get to store. Called by every start, before anything else."""
    count = 0
    for path, answer in list(house.spool.waiting()):
        await store_spooled(house, answer)
        house.spool.drop(path)
        count += 1
    return count


async def _store_failure(house: House, platform: Platform, attempt: Attempt, judgement: Judgement) -> bool:
    now = house.clock.now()
    async with house.db.write() as session:
        await grants.close_attempt(
            session, attempt.id, judgement.outcome, judgement.reason, judgement.code, now
        )
        await _note(session, platform, judgement, now)
        grant = await grants.get(session, attempt.grant_id)
        if grant is None or grant.generation != attempt.generation:
            return True  # somebody else won; this answer is about tokens that are history
        values = _after_failure(platform, grant, judgement, now)
        if judgement.outcome is not Outcome.DEAD and await breaker.is_open(session, grant.provider):
            again = await breaker.again_at(session, grant.provider, now)  # it is not this grant that fails
            values["next_due_at"] = max(again, _not_before(platform, grant, judgement, now))
        await session.execute(
            update(Grant)
            .where(Grant.id == attempt.grant_id, Grant.generation == attempt.generation)
            .values(**values, lease_owner=None, lease_until=None)
        )
    return True


async def _note(session: AsyncSession, platform: Platform, judgement: Judgement, now: datetime) -> None:
    """What an answer, or none, says of the provider. Meta's limits are one account's, not our app's."""
    provider = platform.info.provider
    limited = judgement.reason in (Reason.RATE_LIMIT, Reason.APP_QUOTA)
    nothing_said = judgement.outcome in (Outcome.UNCLEAR, Outcome.TRY_LATER) and judgement.retry_after is None
    if nothing_said and not limited:
        await breaker.silent(session, provider, now)
        return
    await breaker.answered(session, provider, now)
    if limited and platform.info.refresh.kind is not RefreshKind.SELF_EXTENDING:
        await breaker.slow_down(session, provider, now, judgement.retry_after or SLOW_DOWN_SECONDS)


def _not_before(platform: Platform, grant: Grant, judgement: Judgement, now: datetime) -> datetime:
    """Before when an unclear answer, or one that names a pause, forbids another try."""
    moments = [now]
    if judgement.retry_after is not None:
        moments.append(now + timedelta(seconds=judgement.retry_after))
    if judgement.outcome is Outcome.UNCLEAR and tokens.can_be_spent(platform.info):
        moments.append(lifetimes.nearly_over(tokens.life_of(grant), now) or now)
    return max(moments)


def _after_failure(
    platform: Platform, grant: Grant, judgement: Judgement, now: datetime
) -> dict[str, object]:
    failures = grant.failures + 1
    if judgement.outcome is Outcome.DEAD:
        return {
            "state": "ending",
            "reason": judgement.reason,
            "reason_code": judgement.code[:64],
            "reason_at": now,
            "waiting_for_platform": False,
            "failures": failures,
            "next_due_at": now,
        }
    pause = lifetimes.backoff(failures)
    if judgement.retry_after is not None:
        pause = max(pause, timedelta(seconds=judgement.retry_after))
    due = now + pause
    unclear = judgement.outcome is Outcome.UNCLEAR and tokens.can_be_spent(platform.info)
    if unclear:
        due = max(due, lifetimes.nearly_over(tokens.life_of(grant), now) or due)
    elif platform.info.refresh.kind is RefreshKind.SELF_EXTENDING and judgement.outcome is Outcome.UNKNOWN:
        due = now + lifetimes.DAY
    return {
        "failures": failures,
        "next_due_at": due,
        "waiting_for_platform": unclear or grant.waiting_for_platform,
    }


async def _until_committed(store: Callable[[], Awaitable[bool]]) -> bool:
    """Tries until the database takes it: an answer that arrived is not given up while the process lives."""
    while True:
        try:
            return await store()
        except (DBAPIError, OSError, TimeoutError) as error:
            log.error("answer_not_stored_yet", problem=type(error).__name__)
            await asyncio.sleep(COMMIT_RETRY_SECONDS)
