"""One step of one delivery: prepare, mark, send, follow, look.

Everything before the marker can be done again. The marker and the call that cannot be undone are `sending`'s,
what follows a failed step `setbacks`'. What comes after a lost answer is a look, and where a look cannot
know, a question. The bot never posts twice by itself.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import structlog

from bot.domain import (
    breaker,
    content,
    delivering,
    holding,
    looking,
    own_tokens,
    reports,
    second_look,
    sending,
    setbacks,
)
from bot.domain.house import House
from bot.domain.refreshing import Cause, Skipped, refresh
from bot.http import HttpError
from bot.platforms.base import Wait
from bot.platforms.errors import PlatformError, Reason
from storage import deliveries as store
from storage.deliveries import Work

log = structlog.get_logger(__name__)

FRESH_ENOUGH = timedelta(minutes=2)
LIMITS = frozenset({Reason.RATE_LIMIT, Reason.DAILY_CAP})
LONG_UPLOAD = timedelta(minutes=1)
PROGRESS_STEP = 10  # percent between two that are shown


async def step(house: House, delivery_id: str) -> None:
    """Works on a claimed delivery until it waits for something or is done."""
    async with house.db.read() as session:
        work = await store.load(session, delivery_id)
    if work is None or work.delivery.lease_owner != house.owner:
        return
    state = work.delivery.state
    if state in store.BEFORE_RETURN and work.connection.state != "live":
        await delivering.fail_without_account(house, work)
    elif state in ("scheduled", "blocked"):
        await _start(house, work)
    elif state == "preparing":
        await _prepare(house, work)
    elif state == "sending":  # its sender is gone, and nothing can be on its way any more
        await sending.taken_over(house, work)
    elif state == "processing":
        await looking.follow(house, work)
    elif state == "unconfirmed":
        await looking.look(house, work)


async def _start(house: House, work: Work) -> None:
    now = house.clock.now()
    delivery = work.delivery
    async with house.db.write() as session:
        hold = holding.why_held(work)
        if hold is not None:
            news = (delivery.state, delivery.reason) != ("blocked", hold)
            later = now + holding.HELD_RECHECK
            await delivering.leave(session, house, work, now, state="blocked", reason=hold, next_at=later)
            if news:
                await reports.held(session, work)
            return
        if holding.is_late(delivery, house, now):
            await holding.offer_late_of_client(session, house, delivery, now)
            return
        if not await store.move(
            session, delivery, house.owner, delivery.state, now, state="preparing", reason=None
        ):
            return
    delivery.state = "preparing"
    await _prepare(house, work)


async def _prepare(house: House, work: Work) -> None:
    """The next safe steps, up to the marker."""
    now = house.clock.now()
    hold = holding.why_held(work)
    if hold is not None:
        await delivering.park(house, work, state="blocked", reason=hold, next_at=now + holding.HELD_RECHECK)
        return
    if await _provider_is_silent(house, work):
        return
    ready = await _with_fresh_token(house, work)
    if ready is None:
        return
    work = ready
    platform = delivering.platform_of(house, work)
    handles = content.stored_handles(house, work, now)
    if holding.is_late(work.delivery, house, now) and (not handles or _stood_still(house, work, now)):
        async with house.db.write() as session:
            await holding.offer_late_of_client(session, house, work.delivery, now)
        house.wake.outbox.set()
        return
    post = content.content_of(house, work.post, work.delivery)
    asked_at = time.monotonic()
    try:
        await own_tokens.renew(house, work.grant, work.connection)
        target = delivering.target_of(house, work)
        async with house.http.slot(platform.info.token_host):
            made = await platform.prepare(house.call(platform), target, post, handles)
    except (PlatformError, HttpError) as error:
        await setbacks.failed(house, work, error)
        return
    answered = house.http.answered_since(platform.info.hosts, asked_at)  # not all preparing asks anything
    values = content.sealed_handles(house, work, made, house.clock.now())
    if isinstance(made, Wait):
        wait_until = house.clock.now() + timedelta(seconds=made.seconds)
        await delivering.park(house, work, answered=answered, **values, next_at=wait_until, steps=0)
        await _show_progress(house, work, made.done)
        if made.seconds == 0:
            house.wake.engine.set()
        return
    await sending.send(house, work, platform, target, dict(made.handles), values, answered=answered)


def _stood_still(house: House, work: Work, now: datetime) -> bool:
    """A long upload may end after its time; after a gap, or a limit that had to pass, a person decides."""
    limited = work.delivery.steps > 0 and work.delivery.reason in LIMITS
    return limited or now - work.delivery.changed_at > house.late_after


async def _show_progress(house: House, work: Work, done: float | None) -> None:
    """Of a long upload, now and then, on the post's message; a short one is not worth one."""
    percent, before = int((done or 0) * 100), work.delivery.progress or 0
    if house.clock.now() - work.delivery.planned_at < LONG_UPLOAD or percent < before + PROGRESS_STEP:
        return
    async with house.db.write() as session:
        await store.set_progress(session, work.delivery, percent)
        await reports.uploading(session, work)
    house.wake.outbox.set()


async def _provider_is_silent(house: House, work: Work) -> bool:
    """During an outage nothing is sent there, and nothing is burnt: the delivery waits for the next trial."""
    now = house.clock.now()
    async with house.db.read() as session:
        if not await breaker.is_open(session, work.grant.provider):
            return False
        again = await breaker.again_at(session, work.grant.provider, now)
    await delivering.park(house, work, state="blocked", reason=holding.Hold.WAITING, next_at=again)
    return True


async def _with_fresh_token(house: House, work: Work) -> Work | None:
    """The check before a post. None when the delivery was parked because no good token is there now."""
    end = work.grant.access_expires_at
    now = house.clock.now()
    if end is None or end - now > FRESH_ENOUGH:
        return work
    result = await refresh(house, work.grant, Cause.POST)
    if not isinstance(result, Skipped):
        await second_look.after_refresh(house, work.grant.id, result)
    async with house.db.read() as session:
        again = await store.load(session, work.delivery.id)
    if again is None:
        return None
    good = again.grant.access_expires_at is None or again.grant.access_expires_at > house.clock.now()
    if good and again.grant.state in ("live", "ending"):
        return again
    await delivering.park(
        house, work, state="blocked", reason=holding.Hold.WAITING, next_at=now + holding.WAITING_PAUSE
    )
    return None
