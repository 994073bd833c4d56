"""What follows when a safe step does not succeed: try again, doubt the token, hold, look, fail in words."""

from __future__ import annotations

from datetime import timedelta

import structlog

from bot.domain import (
    app_faults,
    breaker,
    delivering,
    holding,
    reports,
    second_look,
)
from bot.domain.house import House
from bot.domain.outcomes import is_silence, judge_verdict
from bot.http import HttpError
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from storage import deliveries as store
from storage.deliveries import Work

log = structlog.get_logger(__name__)

TRIES_MOST = 8  # of a safe step, with a growing pause: about half an hour
STEP_PAUSE = timedelta(seconds=15)
STEP_PAUSE_MOST = timedelta(minutes=10)
LOOK_AFTER = timedelta(seconds=5)


async def doubtful(house: House, work: Work, reason: Reason, code: str) -> None:
    """It may be public: from here on it is looked for, never sent by itself."""
    due = house.clock.now() + LOOK_AFTER
    await delivering.park(
        house, work, state="unconfirmed", reason=reason, code=code[:64], looks=0, steps=0, next_at=due
    )
    log.info("send_unclear", delivery=work.delivery.id, code=code)


async def failed(house: House, work: Work, error: PlatformError | HttpError) -> None:
    said = breaker.silent if is_silence(error) else breaker.answered
    async with house.db.write() as session:
        await said(session, work.grant.provider, house.clock.now())
    if isinstance(error, HttpError):
        await refused(house, work, Verdict(Kind.UNCLEAR, Reason.PLATFORM_DOWN, type(error).__name__))
    else:
        await refused(house, work, error.verdict)


async def refused(house: House, work: Work, verdict: Verdict) -> None:
    """A safe step did not succeed: try again later, doubt the token, hold, or fail in words."""
    kind = verdict.kind
    if kind in (Kind.TOKEN, Kind.DEAD):
        await _doubt_token(house, work, verdict)
    elif kind in (Kind.TRY_LATER, Kind.UNCLEAR, Kind.NOT_READY):
        await _later(house, work, verdict)
    elif kind in (Kind.PERMISSION, Kind.ACCOUNT):
        await _account_trouble(house, work, verdict)
    elif kind is Kind.DUPLICATE:  # a container of ours that is live already, say: look, do not send
        await doubtful(house, work, verdict.reason, verdict.code)
    else:
        if kind is Kind.APP:
            await _app_is_at_fault(house, work, verdict)
        await delivering.fail(house, work, verdict)


async def _app_is_at_fault(house: House, work: Work, verdict: Verdict) -> None:
    """The operator is told of our app; the post's own message says that the account is fine."""
    now, platform = house.clock.now(), work.connection.platform
    async with house.db.write() as session:
        await app_faults.app_refused(session, work.workspace.id, platform, judge_verdict(verdict), now)


async def _doubt_token(house: House, work: Work, verdict: Verdict) -> None:
    good = await second_look.doubt(house, work.grant.id, work.grant.generation, verdict)
    now = house.clock.now()
    if good:
        steps = work.delivery.steps + 1
        if steps > TRIES_MOST:
            await delivering.fail(house, work, verdict)
            return
        await delivering.park(house, work, next_at=now + _pause(steps), steps=steps)
        house.wake.engine.set()
        return
    async with house.db.read() as session:
        again = await store.load(session, work.delivery.id)
    dead = again is not None and holding.why_held(again) is holding.Hold.DEAD
    if dead:
        await delivering.park(
            house,
            work,
            state="blocked",
            reason=holding.Hold.DEAD,
            next_at=house.clock.now() + holding.HELD_RECHECK,
        )
    else:
        await delivering.park(
            house, work, state="blocked", reason=holding.Hold.WAITING, next_at=now + holding.WAITING_PAUSE
        )


async def _later(house: House, work: Work, verdict: Verdict) -> None:
    now = house.clock.now()
    steps = work.delivery.steps + 1
    waits = verdict.retry_after is not None and verdict.kind is not Kind.NOT_READY  # for a limit that passes
    if steps > TRIES_MOST and not waits:
        await delivering.fail(house, work, verdict)
        return
    pause = _pause(steps)
    if verdict.retry_after is not None:
        pause = max(pause, timedelta(seconds=verdict.retry_after))
    await delivering.park(
        house, work, next_at=now + pause, steps=steps, reason=verdict.reason, code=verdict.code[:64]
    )


async def _account_trouble(house: House, work: Work, verdict: Verdict) -> None:
    """The account, not the post, is at fault: the post waits, and the account's incident tells."""
    async with house.db.write() as session:
        await reports.account_trouble(session, house, work, judge_verdict(verdict), house.clock.now())
    await delivering.park(
        house,
        work,
        state="blocked",
        reason=holding.Hold.DEAD,
        next_at=house.clock.now() + holding.HELD_RECHECK,
    )
    house.wake.outbox.set()


def _pause(steps: int) -> timedelta:
    doubled: timedelta = STEP_PAUSE * 2 ** min(steps - 1, 10)
    return min(doubled, STEP_PAUSE_MOST)
