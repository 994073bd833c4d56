"""Whether a provider answers at all: counted in the database, shared by all processes.

A readable answer, whatever it says, closes the breaker. Unclear answers in a row open it; from then on one
call at a time tries, with a growing pause, until the provider answers again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.lifetimes import backoff
from storage.models import Breaker
from storage.upsert import insert_new

OPENS_AFTER = 5
PAUSE_MOST = timedelta(minutes=10)


async def may_call(session: AsyncSession, provider: str, now: datetime) -> bool:
    """Whether a call may go out now. Inside the caller's writing transaction: taking the one trial of an
    open breaker moves its next trial on, so that two processes do not take the same one."""
    breaker = await _row(session, provider, now)
    if breaker.state == "closed":
        return True
    if breaker.retry_at is not None and breaker.retry_at > now:
        return False
    breaker.state = "half_open"
    breaker.retry_at = now + pause(breaker.failures)
    return True


async def is_open(session: AsyncSession, provider: str) -> bool:
    state = await session.scalar(select(Breaker.state).where(Breaker.provider == provider))
    return state in ("open", "half_open")


async def answered(session: AsyncSession, provider: str, now: datetime) -> None:
    """The provider gave a readable answer."""
    await session.execute(
        update(Breaker)
        .where(Breaker.provider == provider, (Breaker.failures > 0) | (Breaker.state != "closed"))
        .values(state="closed", failures=0, retry_at=None, changed_at=now, last_answer_at=now)
        .execution_options(synchronize_session=False)
    )


async def silent(session: AsyncSession, provider: str, now: datetime) -> None:
    """No readable answer came."""
    breaker = await _row(session, provider, now)
    breaker.failures += 1
    if breaker.failures >= OPENS_AFTER:
        if breaker.state == "closed":
            breaker.changed_at = now
        breaker.state = "open"
        breaker.retry_at = now + pause(breaker.failures)


def pause(failures: int) -> timedelta:
    """How long an open breaker waits before its next trial."""
    return backoff(max(failures - OPENS_AFTER + 1, 1), PAUSE_MOST)


async def _row(session: AsyncSession, provider: str, now: datetime) -> Breaker:
    fresh = {"provider": provider, "state": "closed", "failures": 0, "changed_at": now}
    await insert_new(session, Breaker, fresh, "provider")
    query = select(Breaker).where(Breaker.provider == provider).with_for_update()
    return (await session.execute(query)).scalar_one()
