"""One step of one delivery: prepare, mark, send, follow, look.

Everything before the marker can be done again. The marker is committed before the point of no return; the
call may leave only until its guard, and takeover waits until nothing can still be on its way. What comes
after a lost answer is a look, and where a look cannot know, a question. The bot never posts twice by itself.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import structlog

from bot.clock import boot_seconds
from bot.domain import (
    app_faults,
    breaker,
    content,
    delivering,
    holding,
    looking,
    own_tokens,
    reports,
    second_look,
)
from bot.domain.house import House
from bot.domain.outcomes import is_silence, judge_verdict
from bot.domain.refreshing import Cause, Skipped, refresh
from bot.http import HttpError, NotSent
from bot.platforms.base import Kind, Platform, PlatformError, Reason, Target, Verdict, Wait
from storage import deliveries as store
from storage.deliveries import Work
from storage.models import new_id

log = structlog.get_logger(__name__)

TRIES_MOST = 8  # of a safe step, with a growing pause: about half an hour
STEP_PAUSE = timedelta(seconds=15)
STEP_PAUSE_MOST = timedelta(minutes=10)
TURN_PAUSE = timedelta(seconds=5)
WAITING_PAUSE = timedelta(minutes=1)
FRESH_ENOUGH = timedelta(minutes=2)
LONG_UPLOAD = timedelta(minutes=1)
PROGRESS_STEP = 10  # percent between two that are shown
LOOK_AFTER = timedelta(seconds=5)
# The cure lets held posts go in its own transaction; this catches one that is held in that very moment.
HELD_RECHECK = timedelta(hours=1)


async def step(house: House, delivery_id: str) -> None:
    """Works on a claimed delivery until it waits for something or is done."""
    async with house.db.read() as session:
        work = await store.load(session, delivery_id)
    if work is None or work.delivery.lease_owner != house.owner:
        return
    state = work.delivery.state
    if state in ("scheduled", "blocked"):
        await _start(house, work)
    elif state == "preparing":
        await _prepare(house, work)
    elif state == "sending":  # its sender is gone, and nothing can be on its way any more
        await _taken_over(house, work)
    elif state == "processing":
        await looking.follow(house, work)
    elif state == "unconfirmed":
        await looking.look(house, work)


async def _start(house: House, work: Work) -> None:
    now = house.clock.now()
    delivery = work.delivery
    async with house.db.write() as session:
        hold = holding.why_held(work, now)
        if hold is not None:
            news = (delivery.state, delivery.reason) != ("blocked", hold)
            later = now + HELD_RECHECK
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
    hold = holding.why_held(work, now)
    if hold is not None:
        await delivering.park(house, work, state="blocked", reason=hold, next_at=now + HELD_RECHECK)
        return
    if await _provider_is_silent(house, work):
        return
    ready = await _with_fresh_token(house, work)
    if ready is None:
        return
    work = ready
    platform = delivering.platform_of(house, work)
    handles = content.stored_handles(house, work, now)
    if not handles and holding.is_late(work.delivery, house, now):
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
        await _step_failed(house, work, error)
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
    await _send(house, work, platform, target, dict(made.handles), values, answered=answered)


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
        house, work, state="blocked", reason=holding.Hold.WAITING, next_at=now + WAITING_PAUSE
    )
    return None


async def _send(
    house: House,
    work: Work,
    platform: Platform,
    target: Target,
    handles: dict[str, str],
    values: dict[str, Any],
    *,
    answered: bool,
) -> None:
    """The marker, then the call that cannot be undone, then its result. Not cancelled in between."""
    now = house.clock.now()
    async with house.db.write() as session:
        not_after = boot_seconds() + house.timings.guard  # no later than the marker reckons, from here on
        if answered:
            await breaker.answered(session, work.grant.provider, now)
        lease_now = await house.db.lease_now(session)
        marked = await store.mark_sending(
            session,
            work.delivery,
            house.owner,
            now,
            **values,
            sending_id=new_id(),
            sending_at=now,
            sending_over_at=lease_now + house.timings.send_over,
            lease_until=lease_now + house.timings.lease_span,
            next_at=now,
        )
    if not marked:
        await delivering.park(house, work, **values, next_at=now + TURN_PAUSE)
        return
    work.delivery.state = "sending"
    work.delivery.sending_at = now
    await house.tasks.finish(_send_marked(house, work, platform, target, handles, not_after))


async def _send_marked(
    house: House,
    work: Work,
    platform: Platform,
    target: Target,
    handles: dict[str, str],
    not_after: float,
) -> None:
    call = house.call(platform, seconds=house.timings.send, not_after=not_after)
    try:
        sent = await platform.send(call, target, content.content_of(house, work.post, work.delivery), handles)
    except NotSent:
        await _not_sent(house, work, Verdict(Kind.TRY_LATER, Reason.PLATFORM_DOWN, "not sent"))
    except HttpError as error:
        await _unclear(house, work, Reason.PLATFORM_DOWN, type(error).__name__)
    except PlatformError as error:
        if not is_silence(error):
            async with house.db.write() as session:
                await breaker.answered(session, work.grant.provider, house.clock.now())
        await _send_refused(house, work, error.verdict)
    else:
        await delivering.sent_off(house, work, sent)


async def _send_refused(house: House, work: Work, verdict: Verdict) -> None:
    """A readable answer that is not success: nothing took effect, except where it is unclear or a copy."""
    if verdict.kind is Kind.UNCLEAR:
        await _unclear(house, work, verdict.reason, verdict.code)
    elif verdict.kind is Kind.DUPLICATE and verdict.twin:
        await _adopt(house, work, verdict, verdict.twin)
    elif verdict.kind is Kind.DUPLICATE:
        await _doubtful(house, work, Reason.DUPLICATE, verdict.code)
    else:
        await _not_sent(house, work, verdict)


async def _adopt(house: House, work: Work, verdict: Verdict, twin: str) -> None:
    """A refusal as a copy names the post that is there: ours, unless an earlier delivery is that post."""
    async with house.db.read() as session:
        taken = await store.taken_ids(session, work.connection.id, work.delivery.id)
    if twin in taken:
        await delivering.fail(house, work, verdict)
    else:
        await delivering.sent_off(house, work, await looking.adopted(house, work, twin))


async def _not_sent(house: House, work: Work, verdict: Verdict) -> None:
    """Surely not published: back before the marker, and on from there as after any refused safe step."""
    async with house.db.write() as session:
        moved = await store.move(
            session,
            work.delivery,
            house.owner,
            "sending",
            house.clock.now(),
            state="preparing",
            sending_id=None,
            sending_over_at=None,
        )
    if moved:
        work.delivery.state = "preparing"
        await _step_refused(house, work, verdict)


async def _unclear(house: House, work: Work, reason: Reason, code: str) -> None:
    async with house.db.write() as session:
        await breaker.silent(session, work.grant.provider, house.clock.now())
    await _doubtful(house, work, reason, code)


async def _taken_over(house: House, work: Work) -> None:
    """The process that held the marker is gone, before or after the call left: nobody knows."""
    await _doubtful(house, work, Reason.LOST_ANSWER, "taken over")


async def _doubtful(house: House, work: Work, reason: Reason, code: str) -> None:
    """It may be public: from here on it is looked for, never sent by itself."""
    due = house.clock.now() + LOOK_AFTER
    await delivering.park(
        house, work, state="unconfirmed", reason=reason, code=code[:64], looks=0, steps=0, next_at=due
    )
    log.info("send_unclear", delivery=work.delivery.id, code=code)


async def _step_failed(house: House, work: Work, error: PlatformError | HttpError) -> None:
    said = breaker.silent if is_silence(error) else breaker.answered
    async with house.db.write() as session:
        await said(session, work.grant.provider, house.clock.now())
    if isinstance(error, HttpError):
        await _step_refused(house, work, Verdict(Kind.UNCLEAR, Reason.PLATFORM_DOWN, type(error).__name__))
    else:
        await _step_refused(house, work, error.verdict)


async def _step_refused(house: House, work: Work, verdict: Verdict) -> None:
    """A safe step did not succeed: try again later, doubt the token, hold, or fail in words."""
    kind = verdict.kind
    if kind in (Kind.TOKEN, Kind.DEAD):
        await _doubt_token(house, work, verdict)
    elif kind in (Kind.TRY_LATER, Kind.UNCLEAR, Kind.NOT_READY):
        await _later(house, work, verdict)
    elif kind in (Kind.PERMISSION, Kind.ACCOUNT):
        await _account_trouble(house, work, verdict)
    elif kind is Kind.DUPLICATE:  # a container of ours that is live already, say: look, do not send
        await _doubtful(house, work, verdict.reason, verdict.code)
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
    dead = again is not None and holding.why_held(again, now) is holding.Hold.DEAD
    if dead:
        await delivering.park(
            house, work, state="blocked", reason=holding.Hold.DEAD, next_at=house.clock.now() + HELD_RECHECK
        )
    else:
        await delivering.park(
            house, work, state="blocked", reason=holding.Hold.WAITING, next_at=now + WAITING_PAUSE
        )


async def _later(house: House, work: Work, verdict: Verdict) -> None:
    now = house.clock.now()
    steps = work.delivery.steps + 1
    if steps > TRIES_MOST and verdict.retry_after is None:
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
        house, work, state="blocked", reason=holding.Hold.DEAD, next_at=house.clock.now() + HELD_RECHECK
    )
    house.wake.outbox.set()


def _pause(steps: int) -> timedelta:
    doubled: timedelta = STEP_PAUSE * 2 ** min(steps - 1, 10)
    return min(doubled, STEP_PAUSE_MOST)
