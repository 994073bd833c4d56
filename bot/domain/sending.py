"""The call that cannot be undone: the marker before it, its guard, and what its answer means.

The marker is committed before the point of no return; the call may leave only until its guard, and takeover
waits until nothing can still be on its way. The bot never posts twice by itself.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog

from bot.clock import boot_seconds
from bot.domain import (
    breaker,
    content,
    delivering,
    looking,
    setbacks,
)
from bot.domain.house import House
from bot.domain.outcomes import is_silence
from bot.http import HttpError, NotSent
from bot.platforms.base import Platform, Target
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from storage import deliveries as store
from storage.deliveries import Work
from storage.models import new_id

log = structlog.get_logger(__name__)

TURN_PAUSE = timedelta(seconds=5)


async def send(
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
        await setbacks.doubtful(house, work, Reason.DUPLICATE, verdict.code)
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
        await setbacks.refused(house, work, verdict)


async def _unclear(house: House, work: Work, reason: Reason, code: str) -> None:
    async with house.db.write() as session:
        await breaker.silent(session, work.grant.provider, house.clock.now())
    await setbacks.doubtful(house, work, reason, code)


async def taken_over(house: House, work: Work) -> None:
    """The process that held the marker is gone, before or after the call left: nobody knows."""
    await setbacks.doubtful(house, work, Reason.LOST_ANSWER, "taken over")
