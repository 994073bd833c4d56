"""What a second look found, made true: the grant lives on, is dead and told, or is looked at again."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import app_faults, breaker, incidents, lifetimes, refreshing, tokens
from bot.domain.house import House
from bot.domain.outcomes import Judgement, Outcome
from bot.platforms.base import Platform, RefreshKind
from bot.platforms.errors import Reason
from storage import grants
from storage.models import Grant

GENERIC = frozenset({Reason.REFUSED, Reason.EXPIRED, Reason.UNKNOWN})
BY_NOTICE = "notice"
"""The `reason_code` of a grant that is doubted for a notice alone: no call of ours was refused."""

SOON = timedelta(days=7)
NOBODY_ANSWERS = Judgement(Outcome.UNCLEAR, Reason.PLATFORM_DOWN, "breaker")


async def conclude(house: House, grant: Grant, found: Judgement | None) -> bool:
    """Stores what was found about a grant that is `ending`, if it still is; gives the lease back. True when
    its access token works."""
    now = house.clock.now()
    async with house.db.write() as session:
        current = await grants.get(session, grant.id)
        if current is None or current.generation != grant.generation or current.state != "ending":
            await grants.drop_lease(session, grant.id, house.owner)
            return current is not None and current.state == "live"
        if await grants.consent_under_way(session, grant.id, now - refreshing.CONSENT_BLOCKS_FOR):
            await settle(session, grant, next_due_at=now + refreshing.POSTPONED)
            return found is None
        if found is None:
            await _works_for_now(session, house, current, now)
        elif found.outcome is Outcome.DEAD:
            await _is_dead(session, house, current, found, now)
        else:
            await _ask_again(session, current, found, now)
    house.wake.outbox.set()
    return found is None


async def _works_for_now(session: AsyncSession, house: House, grant: Grant, now: datetime) -> None:
    """The refusal stands, but the access token still works."""
    platform = refreshing.platform_of(house, grant)
    assert platform is not None
    await breaker.answered(session, grant.provider, now)
    if platform.info.refresh.kind is RefreshKind.SELF_EXTENDING:
        end = grant.access_expires_at
        await settle(session, grant, state="live", next_due_at=now + lifetimes.DAY, proved_at=now)
        if end is not None and end - now < SOON:
            await incidents.ending(session, house, grant, now)
        return
    cleared = {"reason": None, "reason_code": None, "reason_at": None}
    if not lifetimes.renewable(platform.info.refresh, tokens.life_of(grant)):
        # Nothing but this very token can have been refused, and it works: LinkedIn says so of new ones.
        end = grant.access_expires_at
        await settle(session, grant, state="live", next_due_at=end, proved_at=now, **cleared)
        return
    if grant.reason_code == BY_NOTICE:  # nothing refused us: renewing it now is the better proof
        await settle(session, grant, state="live", next_due_at=now, proved_at=now, **cleared)
        return
    reason = await _reason(session, grant, known(grant), platform)
    await settle(session, grant, reason=reason, next_due_at=grant.access_expires_at, proved_at=now)
    grant.reason = reason
    await incidents.ending(session, house, grant, now)


async def _is_dead(
    session: AsyncSession, house: House, grant: Grant, found: Judgement, now: datetime
) -> None:
    platform = refreshing.platform_of(house, grant)
    reason = await _reason(session, grant, found, platform)
    await breaker.answered(session, grant.provider, now)
    code = found.code or grant.reason_code or ""
    await settle(
        session,
        grant,
        state="dead",
        reason=reason,
        reason_code=code[:64],
        reason_at=now,
        next_due_at=None,
        waiting_for_platform=False,
    )
    grant.reason, grant.reason_code = reason, code[:64]
    await incidents.dead(session, house, grant, now, permission=found.permission)


async def _ask_again(session: AsyncSession, grant: Grant, found: Judgement, now: datetime) -> None:
    """No clear answer: nothing is concluded and nobody is told, but an app at fault is the operator's."""
    failures = grant.failures + 1
    if found.outcome is Outcome.APP:
        await app_faults.app_at_fault(session, grant, found, now)
    elif found.outcome is Outcome.UNCLEAR and found is not NOBODY_ANSWERS:
        await breaker.silent(session, grant.provider, now)
    await settle(session, grant, failures=failures, next_due_at=now + lifetimes.backoff(failures))


async def _reason(session: AsyncSession, grant: Grant, found: Judgement, platform: Platform | None) -> Reason:
    """The more specific of what the refusal and the live check said; a spent token is our own lost answer."""
    reason = found.reason if found.reason not in GENERIC else Reason(grant.reason or found.reason)
    spendable = platform is not None and tokens.can_be_spent(platform.info)
    if spendable and reason in GENERIC and await grants.has_unclear_attempt(session, grant):
        return Reason.LOST_ANSWER
    return reason


def known(grant: Grant) -> Judgement:
    """What the refusal said that started the doubt."""
    return Judgement(Outcome.DEAD, Reason(grant.reason or Reason.REFUSED), grant.reason_code or "")


async def settle(session: AsyncSession, grant: Grant, **values: object) -> None:
    """Changes the grant that was looked at, if it has no newer tokens, and gives its lease back."""
    await session.execute(
        update(Grant)
        .where(Grant.id == grant.id, Grant.generation == grant.generation)
        .values(lease_owner=None, lease_until=None, **values)
        .execution_options(synchronize_session=False)
    )
