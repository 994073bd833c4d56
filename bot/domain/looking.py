"""After the point of no return: following a post in processing, and looking for one whose answer was lost.

"Not there" is believed only from a handle of our own, "there" from a handle or exactly one fitting item; the
platform's file knows which. Where nothing can be proved, a person is asked.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

from bot.domain import breaker, content, delivering, holding, reports, second_look
from bot.domain.house import House
from bot.domain.outcomes import judge_verdict
from bot.http import HttpError
from bot.platforms.base import Found, Look, Sent
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from storage import deliveries as store
from storage.deliveries import Work

LOOK_PAUSES = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=5))
TRIES_MOST = 8
FOLLOW_PAUSE = timedelta(seconds=30)
FOLLOW_PAUSE_MOST = timedelta(minutes=15)
FOLLOW_FOR = timedelta(days=1)
ACCOUNT_REASONS = frozenset({Reason.SUSPENDED, Reason.RESTRICTED, Reason.ACCOUNT_GONE})
LINK_FOR = timedelta(minutes=30)  # then a published post is told without its address


async def follow(house: House, work: Work) -> None:
    """What has become of a post that the platform accepted and had not made public."""
    platform = delivering.platform_of(house, work)
    target = delivering.target_of(house, work)
    handles = content.open_handles(house, work)
    try:
        call = house.call(platform)
        sent = await platform.progress(call, target, handles, work.delivery.external_id)
    except PlatformError as error:
        if error.verdict.kind is Kind.CONTENT:
            await _beyond_the_post(house, work, error.verdict)
            await delivering.fail(house, work, error.verdict)
        else:
            await _renew_if_refused(house, work, error)
            await _follow_later(house, work)
        return
    except HttpError:
        await _follow_later(house, work)
        return
    since = house.clock.now() - (work.delivery.sending_at or work.delivery.changed_at)
    if sent.processing or (sent.link_later and since < LINK_FOR):
        await _follow_later(house, work, answered=True)
    else:
        await delivering.sent_off(house, work, sent)


async def _beyond_the_post(house: House, work: Work, verdict: Verdict) -> None:
    """A post that was taken and then refused may tell of the account, or of our access to it, as well."""
    if verdict.reason is Reason.REVOKED:
        dead = replace(verdict, kind=Kind.DEAD)
        await second_look.doubt(house, work.grant.id, work.grant.generation, dead)
    elif verdict.reason in ACCOUNT_REASONS:
        why = judge_verdict(replace(verdict, kind=Kind.ACCOUNT))
        async with house.db.write() as session:
            await reports.account_trouble(session, house, work, why, house.clock.now())


async def _renew_if_refused(house: House, work: Work, error: PlatformError | HttpError) -> None:
    """A look that the platform refused for its token is made with a new one the next time."""
    if isinstance(error, PlatformError) and error.verdict.kind in (Kind.TOKEN, Kind.DEAD):
        await second_look.doubt(house, work.grant.id, work.grant.generation, error.verdict)


async def adopted(house: House, work: Work, twin: str) -> Sent:
    """A post of ours that a refusal as duplicate named, with its address where the platform gives one."""
    platform = delivering.platform_of(house, work)
    try:
        seen = await platform.progress(house.call(platform), delivering.target_of(house, work), {}, twin)
    except (PlatformError, HttpError):
        return Sent(twin)
    return replace(seen, external_id=twin, processing=False)


async def _follow_later(house: House, work: Work, *, answered: bool = False) -> None:
    now = house.clock.now()
    sent_at = work.delivery.sending_at or now
    if now - sent_at > FOLLOW_FOR:
        await _ask(house, work, Reason.PLATFORM_DOWN)
        return
    steps = work.delivery.steps + 1
    pause = min(FOLLOW_PAUSE * 2 ** min(steps - 1, 8), FOLLOW_PAUSE_MOST)
    await delivering.park(house, work, answered=answered, next_at=now + pause, steps=steps)


async def look(house: House, work: Work) -> None:
    """Looks for a post whose answer was lost; asks when looking cannot know."""
    asked_at = time.monotonic()
    try:
        found = await _find(house, work)
    except (PlatformError, HttpError) as error:  # no answer to the look itself: it does not count as one
        await _renew_if_refused(house, work, error)
        if work.delivery.steps >= TRIES_MOST:
            await _ask(house, work, Reason(work.delivery.reason or Reason.LOST_ANSWER))
        else:
            await _follow_later(house, work)
        return
    # Where a platform has nothing to look at, its file knows without asking.
    answered = house.http.answered_since(delivering.platform_of(house, work).info.hosts, asked_at)
    if found.found is Found.THERE:
        await delivering.sent_off(house, work, Sent(found.external_id, found.permalink))
    elif found.found is Found.ABSENT and work.delivery.reason == Reason.DUPLICATE:
        # Ours is not out, and it is refused as a copy: sending it again would be refused again.
        await delivering.fail(house, work, Verdict(Kind.CONTENT, Reason.DUPLICATE, work.delivery.code or ""))
    elif found.found is Found.ABSENT:
        await _send_again(house, work, answered)
    elif work.delivery.looks < len(LOOK_PAUSES):
        pause = LOOK_PAUSES[work.delivery.looks]
        looks = work.delivery.looks + 1
        due = house.clock.now() + pause
        await delivering.park(house, work, answered=answered, looks=looks, next_at=due)
    else:
        await _ask(house, work, Reason(work.delivery.reason or Reason.LOST_ANSWER))


async def _find(house: House, work: Work) -> Look:
    async with house.db.read() as session:
        taken = await store.taken_ids(session, work.connection.id, work.delivery.id)
    platform = delivering.platform_of(house, work)
    return await platform.look(
        house.call(platform),
        delivering.target_of(house, work),
        content.content_of(house, work.post, work.delivery),
        content.open_handles(house, work),
        work.delivery.sending_at or work.delivery.changed_at,
        taken,
    )


async def _send_again(house: House, work: Work, answered: bool) -> None:
    """Proved absent by our own handle: the same delivery goes on from before the marker, or, where that would
    be late by now, a person decides."""
    now = house.clock.now()
    sender = {"sending_id": None, "sending_over_at": None}
    async with house.db.write() as session:
        if answered:
            await breaker.answered(session, work.grant.provider, now)
        ours = await delivering.leave(
            session, house, work, now, state="preparing", next_at=now, looks=0, **sender
        )
        if ours and holding.is_late(work.delivery, house, now):
            await holding.offer_late_of_client(session, house, work.delivery, now)
    house.wake.engine.set()
    house.wake.outbox.set()


async def _ask(house: House, work: Work, reason: Reason) -> None:
    now = house.clock.now()
    async with house.db.write() as session:
        asked = await delivering.leave(
            session, house, work, now, state="unconfirmed", reason=reason, next_at=None, sending_over_at=None
        )
        if asked:
            await reports.unconfirmed(session, work)
    house.wake.outbox.set()
