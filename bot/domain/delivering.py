"""The moves of a delivery that several steps share. Each ends its step and gives the lease back."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import app_faults, breaker, reports, tokens
from bot.domain.house import House
from bot.platforms.base import Platform, Sent, Target
from bot.platforms.errors import Verdict
from storage import deliveries as store
from storage import watching
from storage.deliveries import Work

log = structlog.get_logger(__name__)

FOLLOW_FIRST = timedelta(seconds=15)
DISCONNECTED = "disconnected"
"""The reason of a delivery whose account is not there any more."""


def platform_of(house: House, work: Work) -> Platform:
    """What speaks for a delivery's connection. Raises KeyError where it is switched off."""
    platform = house.platform_for(work.connection.platform, work.grant.provider)
    if platform is None:
        raise KeyError(work.connection.platform)
    return platform


def target_of(house: House, work: Work) -> Target:
    """The account a delivery speaks for, with the token that speaks."""
    connection = work.connection
    token = tokens.token_for(house.vault, work.grant, connection)
    return Target(connection.account_id, connection.handle, token)


async def sent_off(house: House, work: Work, sent: Sent) -> None:
    """The platform took it: published, or in processing."""
    now = house.clock.now()
    state = "processing" if sent.processing else "published"
    async with house.db.write() as session:
        done = await leave(
            session,
            house,
            work,
            now,
            state=state,
            external_id=sent.external_id,
            permalink=sent.permalink,
            visibility=sent.visibility,
            published_at=None if sent.processing else now,
            next_at=now + FOLLOW_FIRST if sent.processing else None,
            reason=None,
            code=None,
            sending_over_at=None,
            handles=work.delivery.handles if sent.processing else None,
        )
        if done:
            await breaker.answered(session, work.grant.provider, now)
            await watching.proved(session, work.connection.id, now)
            if state == "published":
                await reports.published(session, work, now)
                await app_faults.app_works(session, work.workspace.id, work.connection.platform, now)
    house.meters.deliveries.labels(work.connection.platform, state).inc()
    log.info("sent", delivery=work.delivery.id, platform=work.connection.platform, state=state, stored=done)
    house.wake.outbox.set()


async def fail(house: House, work: Work, verdict: Verdict) -> None:
    """This post, on this account, cannot be published as it is."""
    await _failed(house, work, verdict.reason, verdict.code)


async def fail_without_account(house: House, work: Work) -> None:
    """Its account was disconnected while it was on its way, and it did not get out: no cure would let it go,
    and the message about the disconnect does not list it."""
    await _failed(house, work, DISCONNECTED, "")


async def _failed(house: House, work: Work, reason: str, code: str) -> None:
    now = house.clock.now()
    async with house.db.write() as session:
        failed = await leave(
            session,
            house,
            work,
            now,
            state="failed",
            reason=reason,
            code=code[:64],
            next_at=None,
            handles=None,
            sending_over_at=None,
        )
        if failed:
            await reports.failed(session, work)
    house.meters.deliveries.labels(work.connection.platform, "failed").inc()
    log.info("delivery_failed", delivery=work.delivery.id, reason=reason, code=code)
    house.wake.outbox.set()


async def park(house: House, work: Work, *, answered: bool = False, **values: object) -> None:
    """Ends the step in a transaction of its own; what is held shows in its incident. `answered`: the platform
    verifiably answered in this step."""
    async with house.db.write() as session:
        if answered:
            await breaker.answered(session, work.grant.provider, house.clock.now())
        await leave(session, house, work, house.clock.now(), **values)
        if values.get("state") == "blocked":
            await reports.held(session, work)


async def leave(session: AsyncSession, house: House, work: Work, now: datetime, **values: object) -> bool:
    """The step's last write: gives the lease back with it."""
    return await store.move(
        session,
        work.delivery,
        house.owner,
        work.delivery.state,
        now,
        lease_owner=None,
        lease_until=None,
        **values,
    )
