"""Looking for due work and doing it, many at a time within limits. One bad account never stops the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from bot.domain import (
    exchanging,
    installing,
    lifetimes,
    media_use,
    probing,
    publishing,
    refreshing,
    reminding,
    removing,
    revocations,
    routines,
    second_look,
    taking,
    versions_ahead,
    watching,
)
from bot.domain.house import House, wall_now
from storage import deliveries, engine, grants, invitations
from storage import watching as watched
from storage.models import Grant

log = structlog.get_logger(__name__)

BATCH = 100
AT_ONCE = 32
Duty = Callable[[House], Coroutine[Any, Any, object]]

LOOKS_MOST = 100  # at connections, in one tick: live checks cost the platforms' patience


async def refresh_due(house: House) -> int:
    """Tends the grants whose moment has come; how many there were."""
    async with house.db.read() as session:
        lease_now = await house.db.lease_now(session)
        now = house.clock.now()
        due = await grants.due(session, now, lease_now, BATCH)
    ready = {grant.id: grant for grant in await refreshing.without_waiting(house, due, now)}
    await _each(list(ready), lambda grant_id: _tend(house, ready[grant_id], now), "tend")
    return len(due)


async def _tend(house: House, grant: Grant, now: datetime) -> None:
    """A grant that cannot even be tended (its tokens do not open, say) is set aside for a growing while: due
    again at once, it and its like would keep the others waiting."""
    try:
        await second_look.tend(house, grant, due_by=now)
    except Exception:
        async with house.db.write() as session:
            await grants.set_aside(session, grant, now + lifetimes.backoff(grant.failures + 1))
        raise


async def publish_due(house: House) -> int:
    """Claims due deliveries and takes each a step further; how many there were."""
    async with house.db.write() as session:
        lease_now = await house.db.lease_now(session)
        claimed = await deliveries.claim(
            session, house.owner, house.clock.now(), lease_now, house.timings.lease_span, BATCH
        )
    await _each(claimed, lambda delivery_id: publishing.step(house, delivery_id), "deliver")
    return len(claimed)


async def look_around(house: House) -> None:
    """Once in a tick: silent providers are tried, connections whose moment has come are looked at, accounts
    are proved before their posts, what nobody took is told to others, what nobody cured is said again, and
    what comes round in each workspace is done, and what a workspace left behind goes."""
    now = house.clock.now()
    async with house.db.read() as session:
        silent = await watched.silent_providers(session, now)
        long_ago, just_now = now - probing.PROVED_FOR, now - probing.TRY_AGAIN_BEFORE_POST
        unproved = await watched.unproved_before_posts(session, now, long_ago, just_now, LOOKS_MOST)
    await _each(silent, lambda provider: probing.try_again(house, provider), "try_again")
    await _each(await _claimed(house), lambda row: watching.look_at(house, row), "look")
    await _each(unproved, lambda row: probing.before_post(house, row), "prove")
    for duty in (taking.ask_others, reminding.remind, routines.run_due):
        await _alone(house, duty)
    await _each(await removing.due(house), lambda row: removing.remove(house, row), "remove")


async def _claimed(house: House) -> Sequence[str]:
    now = house.clock.now()
    async with house.db.read() as session:
        if not await watched.any_due(session, now):
            return []
    async with house.db.write() as session:
        return await watched.claim(session, now, LOOKS_MOST)


async def anything_to_publish(house: House) -> bool:
    """A look at the index, so that an idle tick writes nothing."""
    async with house.db.read() as session:
        return await deliveries.any_due(session, house.clock.now())


async def tidy(house: House) -> None:
    """Ends walks that nobody finished, forgets what has to be forgotten, looks ahead."""
    for duty in (
        routines.ensure,
        exchanging.recover,
        _forget,
        installing.tidy,
        media_use.tidy,
        revocations.forget_due,
        versions_ahead.tell,
    ):
        await _alone(house, duty)


async def _forget(house: House) -> None:
    async with house.db.write() as session:
        await invitations.forget_due(session, house.clock.now())
        await engine.forget_seen_events(session, wall_now())


async def _alone(house: House, duty: Duty) -> None:
    """One duty of a tick: what breaks in it keeps nothing else from being done. Where the database is away,
    nothing else can be done."""
    try:
        await duty(house)
    except IntegrityError as error:
        log.exception("work_failed", what=duty.__name__, problem=type(error).__name__)
    except (SQLAlchemyError, OSError):
        raise
    except Exception as error:
        log.exception("work_failed", what=duty.__name__, problem=type(error).__name__)


async def _each(ids: Sequence[str], work: Callable[[str], Awaitable[None]], what: str) -> None:
    at_once = asyncio.Semaphore(AT_ONCE)

    async def one(row_id: str) -> None:
        async with at_once:
            try:
                await work(row_id)
            except Exception as error:
                # A row that was claimed keeps its lease until that ends: it is not tried at every tick.
                log.exception("work_failed", what=what, row=row_id, problem=type(error).__name__)

    await asyncio.gather(*(one(row_id) for row_id in ids))
