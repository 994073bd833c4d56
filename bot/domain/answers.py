"""What a platform's answer to a refresh means for the grant, and its storing.

New tokens are stored first and alone, under the attempt's generation: into the spool, then into the row,
then out of the spool. A failure closes its attempt and says when the grant is due again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import breaker, health, lifetimes, tokens
from bot.domain.house import House
from bot.domain.outcomes import Judgement, Outcome
from bot.platforms.base import Platform, RefreshKind, Tokens
from bot.platforms.errors import Reason
from storage import grants, incidents, watching
from storage.models import Grant
from storage.spool import SpooledAnswer

log = structlog.get_logger(__name__)

COMMIT_RETRY_SECONDS = 1.0
SPOOL_SYNC_SECONDS = 0.25
"""How long an answer's commit may take before the spooled file is synced as well. Shorter than a commit on a
busy disk takes, a sync of the file beside it would make the answer durable no sooner."""

SLOW_DOWN_SECONDS = 60.0  # where the provider limits our app and does not say for how long


@dataclass(frozen=True, slots=True)
class Attempt:
    """A journalled attempt whose call may leave now. `not_after` is in boot seconds."""

    id: str
    grant_id: str
    generation: int
    platform: str
    old: Tokens
    not_after: float


async def store_tokens(house: House, platform: Platform, attempt: Attempt, fresh: Tokens) -> bool:
    """New tokens are the grant's when this returns; true if nobody else's were there first."""
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
    path = house.spool.put(answer)
    storing = asyncio.create_task(until_committed(lambda: store_spooled(house, answer)))
    done, _ = await asyncio.wait({storing}, timeout=SPOOL_SYNC_SECONDS)
    if not done:
        await asyncio.to_thread(house.spool.sync, path)
    won = await storing
    house.spool.drop(path)
    return won


def after_success(platform: Platform, values: dict[str, object], now: datetime) -> dict[str, object]:
    """The columns that any new token set resets, beside the tokens themselves."""
    expires = values.get("access_expires_at")
    life = lifetimes.Life(now, expires if isinstance(expires, datetime) else None, "refresh_token" in values)
    due = lifetimes.next_due(platform.info.refresh, life, lifetimes.fresh_jitter())
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
        grant = await grants.store_answer(
            session, answer.grant_id, answer.attempt_id, answer.generation, answer.values
        )
        if grant is not None:
            await breaker.answered(session, grant.provider, answer.values["last_refreshed_at"])
            await _look_at_warnings(session, house, grant)
    return grant is not None


async def _look_at_warnings(session: AsyncSession, house: House, grant: Grant) -> None:
    """New tokens may move the end that people are warned of, and cure what they were warned of."""
    platform = house.platform_of(grant.provider, grant.app_id)
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


async def store_failure(house: House, platform: Platform, attempt: Attempt, judgement: Judgement) -> bool:
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
        moments.append(lifetimes.nearly_over(tokens.life_of(grant)) or now)
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
        due = max(due, lifetimes.nearly_over(tokens.life_of(grant)) or due)
    elif platform.info.refresh.kind is RefreshKind.SELF_EXTENDING and judgement.outcome is Outcome.UNKNOWN:
        due = now + lifetimes.DAY
    return {
        "failures": failures,
        "next_due_at": due,
        "waiting_for_platform": unclear or grant.waiting_for_platform,
    }


async def until_committed(store: Callable[[], Awaitable[bool]]) -> bool:
    """Tries until the database takes it: an answer that arrived is not given up while the process lives."""
    while True:
        try:
            return await store()
        except (DBAPIError, OSError, TimeoutError) as error:
            log.error("answer_not_stored_yet", problem=type(error).__name__)
            await asyncio.sleep(COMMIT_RETRY_SECONDS)
