"""Whether a provider answers at all: counted in the database, shared by all processes.

A readable answer, whatever it says, closes the breaker. Silences in a row open it: then nothing calls but
one trial at a time, with a growing pause (`bot.domain.probing.try_again`), until the provider answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import outages
from bot.domain.lifetimes import backoff, fresh_jitter
from storage.models import Breaker
from storage.upsert import insert_new

OPENS_AFTER = 5
PAUSE_MOST = timedelta(minutes=5)
SLOW_MOST = timedelta(minutes=15)
SPREAD = timedelta(minutes=2)  # what waited for a provider does not come back all at once


async def may_call(session: AsyncSession, provider: str, now: datetime) -> bool:
    """Whether renewals may go out: the provider answers, and has not asked our app to slow down."""
    query = select(Breaker.state, Breaker.retry_at).where(Breaker.provider == provider)
    breaker = (await session.execute(query)).first()
    if breaker is None:
        return True
    return _lets_through(breaker.state, breaker.retry_at, now)


def _lets_through(state: str, retry_at: datetime | None, now: datetime) -> bool:
    return state == "closed" and (retry_at is None or retry_at <= now)


async def take_trial(session: AsyncSession, provider: str, now: datetime) -> bool:
    """Takes the one trial of an open breaker, if its time has come, and moves the next one on."""
    breaker = await _row(session, provider, now)
    if breaker.state == "closed" or (breaker.retry_at is not None and breaker.retry_at > now):
        return False
    breaker.state = "half_open"
    breaker.retry_at = now + pause(breaker.failures)
    return True


async def is_open(session: AsyncSession, provider: str) -> bool:
    state = await session.scalar(select(Breaker.state).where(Breaker.provider == provider))
    return state in ("open", "half_open")


async def again_at(session: AsyncSession, provider: str, now: datetime) -> datetime:
    """When something that had to wait for the provider may come back: after the next trial, spread."""
    retry_at = await session.scalar(select(Breaker.retry_at).where(Breaker.provider == provider))
    return spread_after(retry_at, now)


def spread_after(retry_at: datetime | None, now: datetime) -> datetime:
    """A moment after the next trial, another one each time."""
    return max(retry_at or now, now) + timedelta(seconds=30) + SPREAD * fresh_jitter()


async def waits(session: AsyncSession, providers: Iterable[str], now: datetime) -> dict[str, datetime | None]:
    """Which of these providers no renewal may go out to now, each with the moment of its next trial."""
    query = select(Breaker).where(Breaker.provider.in_(sorted(set(providers))))
    found = (await session.execute(query)).scalars()
    return {row.provider: row.retry_at for row in found if not _lets_through(row.state, row.retry_at, now)}


async def answered(session: AsyncSession, provider: str, now: datetime) -> None:
    """The provider gave a readable answer. The one that closes an open breaker ends the outage."""
    query = select(Breaker.state, Breaker.failures).where(Breaker.provider == provider)
    breaker = (await session.execute(query)).first()
    if breaker is None or (breaker.failures == 0 and breaker.state == "closed"):
        return
    closed = await session.execute(
        update(Breaker)
        .where(Breaker.provider == provider, Breaker.state != "closed")
        .values(state="closed", failures=0, retry_at=None, changed_at=now, last_answer_at=now)
        .returning(Breaker.provider)
        .execution_options(synchronize_session=False)
    )
    if closed.first() is not None:
        await outages.over(session, provider, now)
        return
    await session.execute(
        update(Breaker)
        .where(Breaker.provider == provider, Breaker.failures > 0)
        .values(failures=0, last_answer_at=now)
        .execution_options(synchronize_session=False)
    )


async def silent(session: AsyncSession, provider: str, now: datetime) -> None:
    """No readable answer came. The one that opens the breaker begins the outage."""
    breaker = await _row(session, provider, now)
    breaker.failures += 1
    if breaker.failures < OPENS_AFTER:
        return
    opens = breaker.state == "closed"
    breaker.state = "open"
    breaker.retry_at = now + pause(breaker.failures)
    if opens:
        breaker.changed_at = now
        await session.flush()
        await outages.begun(session, provider, now)


async def slow_down(session: AsyncSession, provider: str, now: datetime, seconds: float) -> None:
    """The provider limits our app as a whole: no renewal goes out for so long, at most a quarter of an hour
    (who was told to wait longer waits longer by himself)."""
    breaker = await _row(session, provider, now)
    if breaker.state == "closed":
        until = now + min(timedelta(seconds=seconds), SLOW_MOST)
        breaker.retry_at = max(breaker.retry_at or until, until)


def pause(failures: int) -> timedelta:
    """How long an open breaker waits before its next trial."""
    return backoff(max(failures - OPENS_AFTER + 1, 1), PAUSE_MOST)


async def _row(session: AsyncSession, provider: str, now: datetime) -> Breaker:
    fresh = {"provider": provider, "state": "closed", "failures": 0, "changed_at": now}
    await insert_new(session, Breaker, fresh, "provider")
    query = (
        select(Breaker)
        .where(Breaker.provider == provider)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.execute(query)).scalar_one()
