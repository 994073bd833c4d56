"""A refusal is believed only after a second look: re-read the row, then ask the platform once, live.

`doubt` is called when a platform refuses an access token in some other call; `look` decides about grants
that are `ending`. Only what `look` finds definitive makes a grant dead and is told.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import app_faults, breaker, incidents, lifetimes, mass, own_tokens, refreshing, tokens
from bot.domain.house import House
from bot.domain.outcomes import Judgement, Outcome, judge
from bot.http import HttpError
from bot.platforms.base import Account, Kind, Platform, PlatformError, Reason, RefreshKind, Target, Verdict
from storage import grants
from storage.models import Connection, Grant

GENERIC = frozenset({Reason.REFUSED, Reason.EXPIRED, Reason.UNKNOWN})
BY_NOTICE = "notice"
"""The `reason_code` of a grant that is doubted for a notice alone: no call of ours was refused."""

SOON = timedelta(days=7)
NOTHING_TO_DO_PAUSE = timedelta(hours=1)
PROBES_MOST = 5  # accounts asked for in one second look
HELD_AGAIN = timedelta(seconds=10)
NOBODY_ANSWERS = Judgement(Outcome.UNCLEAR, Reason.PLATFORM_DOWN, "breaker")


async def doubt(house: House, grant_id: str, generation: int, verdict: Verdict) -> bool:
    """A platform refused the access token of `generation`. True when a good token is there (again)."""
    async with house.db.read() as session:
        grant = await grants.get(session, grant_id)
    if grant is None or grant.state in ("dead", "forgotten"):
        return False
    if grant.generation != generation:
        return True
    platform = refreshing.platform_of(house, grant)
    if platform is None:
        return False
    if platform.info.refresh.kind is not RefreshKind.SELF_EXTENDING and lifetimes.renewable(
        platform.info.refresh, tokens.life_of(grant)
    ):
        await _access_is_over(house, grant)
        result = await refreshing.refresh(house, grant_id, refreshing.Cause.REFUSED, generation)
        if not isinstance(result, Judgement):
            return result is refreshing.Skipped.RENEWED
        if result.outcome is not Outcome.DEAD:
            return result.outcome is Outcome.REFRESHED
    elif grant.state == "live":
        await _suspect(house, grant, verdict)
    return await look(house, grant_id)


async def tend(house: House, grant_id: str, *, only_due: bool = False) -> None:
    """What the sweep does with a grant whose moment has come: renew it, look again, or notice its end.

    With `only_due`, one that somebody else has tended since it was found is left alone: whether it is due
    and which generation is renewed are read together."""
    async with house.db.read() as session:
        grant = await grants.get(session, grant_id)
    if grant is None or grant.state not in ("live", "ending"):
        return
    now = house.clock.now()
    if only_due and (grant.next_due_at is None or grant.next_due_at > now):
        return
    platform = refreshing.platform_of(house, grant)
    if platform is not None and grant.state == "live" and _past_renewing(platform, grant, now):
        await _suspect(house, grant, Verdict(Kind.DEAD, Reason.EXPIRED))
        await look(house, grant_id)
    elif grant.state == "ending":
        await look(house, grant_id)
    else:
        result = await refreshing.refresh(house, grant_id, refreshing.Cause.SWEEP, grant.generation)
        if isinstance(result, Judgement):
            await after_refresh(house, grant_id, result)
        elif result in (refreshing.Skipped.OFF, refreshing.Skipped.NOT_LIVE):
            await _not_now(house, grant, now)


async def _not_now(house: House, grant: Grant, now: datetime) -> None:
    """Nothing can be done (its app is not configured any more, say): not due again at every tick."""
    async with house.db.write() as session:
        await session.execute(
            update(Grant)
            .where(Grant.id == grant.id, Grant.next_due_at == grant.next_due_at)
            .values(next_due_at=now + NOTHING_TO_DO_PAUSE)
        )


async def after_refresh(house: House, grant_id: str, result: Judgement) -> None:
    """What follows from a refresh beyond the tokens: the second look, or a word to the operator."""
    if result.outcome is Outcome.DEAD:
        await look(house, grant_id)
    elif result.outcome is Outcome.APP:
        await app_is_at_fault(house, grant_id, result)


async def app_is_at_fault(house: House, grant_id: str, result: Judgement) -> None:
    """Tells the operator once; the grant and its connections are not blamed."""
    async with house.db.write() as session:
        grant = await grants.get(session, grant_id)
        if grant is not None:
            await app_faults.app_at_fault(session, grant, result, house.clock.now())
    house.wake.outbox.set()


def _past_renewing(platform: Platform, grant: Grant, now: datetime) -> bool:
    end = grant.access_expires_at
    if end is None or end > now:
        return False
    model = platform.info.refresh
    return model.kind is RefreshKind.SELF_EXTENDING or not lifetimes.renewable(model, tokens.life_of(grant))


async def look(house: House, grant_id: str) -> bool:
    """Decides about a grant that is `ending`. True when its access token works, as far as is known."""
    async with house.db.write() as session:
        lease_now = await house.db.lease_now(session)
        grant = await grants.take_lease(session, grant_id, house.owner, lease_now, house.timings.lease_span)
    if grant is None:
        return False
    if grant.state != "ending":
        await _give_back(house, grant_id)
        return grant.state == "live"
    async with house.db.read() as session:
        silent = await breaker.is_open(session, grant.provider)
    found = NOBODY_ANSWERS if silent and not _is_over(house, grant) else await _probe(house, grant)
    if found is not None and found.outcome is Outcome.DEAD and not await _may_tell(house, grant):
        return False
    return await house.tasks.finish(_conclude(house, grant, found))


async def _may_tell(house: House, grant: Grant) -> bool:
    """Whether a death is told now, and not held back because many grants of the app are refused at once."""
    now = house.clock.now()
    async with house.db.write() as session:
        weight = await mass.weigh(session, grant, now)
        if weight is mass.Weight.HOLD:
            await _set(session, grant, next_due_at=max(mass.held_until(grant), now + HELD_AGAIN))
    if weight is mass.Weight.CHECK:
        at_fault = await _app_at_fault(house, grant)
        if at_fault is not None:
            await mass.it_was_the_app(house, grant, at_fault)
            await _give_back(house, grant.id)
            return False
        await mass.it_was_people(house, grant)
    return weight is not mass.Weight.HOLD


async def _app_at_fault(house: House, grant: Grant) -> Judgement | None:
    """One live check of our app with a grant that nobody refused; None where nothing is found against it."""
    async with house.db.read() as session:
        other = await grants.other_living(session, grant, house.clock.now())
    if other is None:
        return None
    try:
        await probe(house, *other)
    except HttpError:
        return None
    except PlatformError as error:
        found = judge(error)
        return found if found.outcome is Outcome.APP else None
    return None


def _is_over(house: House, grant: Grant) -> bool:
    return grant.access_expires_at is not None and grant.access_expires_at <= house.clock.now()


async def _probe(house: House, grant: Grant) -> Judgement | None:
    """The one live check: None when the access token still speaks for an account."""
    now = house.clock.now()
    platform = refreshing.platform_of(house, grant)
    if grant.access_expires_at is not None and grant.access_expires_at <= now:
        renewable = platform is not None and not _past_renewing(platform, grant, now)
        return None if renewable and grant.reason_code == BY_NOTICE else _known(grant)
    async with house.db.read() as session:
        reach = await grants.live_reach(session, grant.id)
    if platform is None or not reach:
        return _known(grant)
    found: Judgement | None = None
    for item in reach[:PROBES_MOST]:
        try:
            await probe(house, grant, item.connection)
            return None
        except HttpError as error:
            return judge(error)
        except PlatformError as error:
            if error.verdict.kind not in (Kind.ACCOUNT, Kind.PERMISSION):
                return judge(error)
            found = found or judge(error)  # that account's own trouble: ask for the next one
    return found


async def probe(house: House, grant: Grant, connection: Connection) -> Account:
    """One live check of one account. Raises PlatformError and HttpError."""
    platform = house.platform_for(connection.platform, grant.provider)
    if platform is None:
        raise PlatformError(Verdict(Kind.UNKNOWN, Reason.APP_SETTINGS, "switched off"))
    await own_tokens.renew(house, grant, connection)
    token = tokens.token_for(house.vault, grant, connection)
    target = Target(connection.account_id, connection.handle, token)
    async with house.http.slot(platform.info.token_host):
        return await platform.probe(house.call(platform), target)


def _known(grant: Grant) -> Judgement:
    return Judgement(Outcome.DEAD, Reason(grant.reason or Reason.REFUSED), grant.reason_code or "")


async def _conclude(house: House, grant: Grant, found: Judgement | None) -> bool:
    now = house.clock.now()
    async with house.db.write() as session:
        current = await grants.get(session, grant.id)
        if current is None or current.generation != grant.generation or current.state != "ending":
            await grants.drop_lease(session, grant.id, house.owner)
            return current is not None and current.state == "live"
        if await grants.consent_under_way(session, grant.id, now - refreshing.CONSENT_BLOCKS_FOR):
            await _set(session, grant, next_due_at=now + refreshing.POSTPONED)
            return found is None
        if found is None:
            await _works_for_now(session, house, current, now)
        elif found.outcome is Outcome.DEAD:
            await _is_dead(session, house, current, found, now)
        else:
            await _ask_again(session, house, current, found, now)
    house.wake.outbox.set()
    return found is None


async def _works_for_now(session: AsyncSession, house: House, grant: Grant, now: datetime) -> None:
    """The refusal stands, but the access token still works."""
    platform = refreshing.platform_of(house, grant)
    assert platform is not None
    await breaker.answered(session, grant.provider, now)
    if platform.info.refresh.kind is RefreshKind.SELF_EXTENDING:
        end = grant.access_expires_at
        await _set(session, grant, state="live", next_due_at=now + lifetimes.DAY, proved_at=now)
        if end is not None and end - now < SOON:
            await incidents.ending(session, house, grant, now)
        return
    if grant.reason_code == BY_NOTICE:  # nothing refused us: renewing it now is the better proof
        cleared = {"reason": None, "reason_code": None, "reason_at": None}
        await _set(session, grant, state="live", next_due_at=now, proved_at=now, **cleared)
        return
    reason = await _reason(session, grant, _known(grant), platform)
    await _set(session, grant, reason=reason, next_due_at=grant.access_expires_at, proved_at=now)
    grant.reason = reason
    await incidents.ending(session, house, grant, now)


async def _is_dead(
    session: AsyncSession, house: House, grant: Grant, found: Judgement, now: datetime
) -> None:
    platform = refreshing.platform_of(house, grant)
    reason = await _reason(session, grant, found, platform)
    await breaker.answered(session, grant.provider, now)
    code = found.code or grant.reason_code or ""
    await _set(
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


async def _ask_again(
    session: AsyncSession, house: House, grant: Grant, found: Judgement, now: datetime
) -> None:
    """No clear answer: nothing is concluded and nobody is told, but an app at fault is the operator's."""
    failures = grant.failures + 1
    if found.outcome is Outcome.APP:
        await app_faults.app_at_fault(session, grant, found, now)
    elif found.outcome is Outcome.UNCLEAR and found is not NOBODY_ANSWERS:
        await breaker.silent(session, grant.provider, now)
    await _set(session, grant, failures=failures, next_due_at=now + lifetimes.backoff(failures))


async def _reason(session: AsyncSession, grant: Grant, found: Judgement, platform: Platform | None) -> Reason:
    """The more specific of what the refusal and the live check said; a spent token is our own lost answer."""
    reason = found.reason if found.reason not in GENERIC else Reason(grant.reason or found.reason)
    spendable = platform is not None and tokens.can_be_spent(platform.info)
    if spendable and reason in GENERIC and await grants.open_attempts(session, grant):
        return Reason.LOST_ANSWER
    return reason


async def _access_is_over(house: House, grant: Grant) -> None:
    """The platform refuses the access token: its end is now, whatever its lifetime said."""
    now = house.clock.now()
    async with house.db.write() as session:
        await session.execute(
            update(Grant)
            .where(Grant.id == grant.id, Grant.generation == grant.generation)
            .values(access_expires_at=now, next_due_at=now)
        )


async def _suspect(house: House, grant: Grant, verdict: Verdict) -> None:
    now = house.clock.now()
    reason = verdict.reason if verdict.kind is not Kind.TOKEN else Reason.REFUSED
    async with house.db.write() as session:
        await session.execute(
            update(Grant)
            .where(Grant.id == grant.id, Grant.generation == grant.generation, Grant.state == "live")
            .values(
                state="ending",
                reason=reason,
                reason_code=verdict.code[:64],
                reason_at=now,
                next_due_at=now,
            )
        )


async def _set(session: AsyncSession, grant: Grant, **values: object) -> None:
    await session.execute(
        update(Grant)
        .where(Grant.id == grant.id, Grant.generation == grant.generation)
        .values(lease_owner=None, lease_until=None, **values)
        .execution_options(synchronize_session=False)
    )


async def _give_back(house: House, grant_id: str) -> None:
    async with house.db.write() as session:
        await grants.drop_lease(session, grant_id, house.owner)
