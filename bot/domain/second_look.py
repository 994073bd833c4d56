"""A refusal is believed only after a second look: re-read the row, then ask the platform once, live.

`doubt` is called when a platform refuses an access token in some other call; `look` decides about grants
that are `ending`. Only what `look` finds definitive makes a grant dead and is told.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update

from bot.domain import app_faults, breaker, lifetimes, mass, own_tokens, refreshing, tokens, verdicts
from bot.domain.house import House
from bot.domain.outcomes import Judgement, Outcome, judge
from bot.http import HttpError
from bot.platforms.base import Account, RefreshKind, Target
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from storage import grants
from storage.models import Connection, Grant

NOTHING_TO_DO_PAUSE = timedelta(hours=1)
PROBES_MOST = 5  # accounts asked for in one second look
HELD_AGAIN = timedelta(seconds=10)


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
    renewable = platform.info.refresh.kind is not RefreshKind.SELF_EXTENDING and lifetimes.renewable(
        platform.info.refresh, tokens.life_of(grant)
    )
    if renewable and not await _renewed_in_vain(house, grant):
        await _access_is_over(house, grant)
        result = await refreshing.refresh(house, grant, refreshing.Cause.REFUSED)
        if not isinstance(result, Judgement):
            return result is refreshing.Skipped.RENEWED
        if result.outcome is not Outcome.DEAD:
            return result.outcome is Outcome.REFRESHED
    elif renewable and await _probe(house, grant) is None:
        return True  # what that one call was refused for is not the token
    elif grant.state == "live":
        await _suspect(house, grant, verdict)
    return await look(house, grant_id)


async def _renewed_in_vain(house: House, grant: Grant) -> bool:
    """Whether two renewals in a row, each after a refusal, brought nothing that has worked since: no third
    one will, though the platform goes on handing out tokens."""
    async with house.db.read() as session:
        since = await grants.renewed_twice(session, grant, refreshing.Cause.REFUSED)
        if since is None:
            return False
        reach = await grants.live_reach(session, grant.id)
    proofs = [item.connection.proved_at for item in reach]
    return not any(proof is not None and proof > since for proof in proofs)


async def tend(house: House, grant: Grant, *, due_by: datetime | None = None) -> None:
    """What the sweep does with a grant whose moment has come: renew it, look again, or notice its end.

    With `due_by`, a grant that somebody else has tended since the caller saw it is left alone."""
    if grant.state not in ("live", "ending"):
        return
    now = house.clock.now()
    platform = refreshing.platform_of(house, grant)
    if platform is not None and grant.state == "live" and refreshing.past_renewing(platform, grant, now):
        await _suspect(house, grant, Verdict(Kind.DEAD, Reason.EXPIRED))
        await look(house, grant.id)
    elif grant.state == "ending":
        await look(house, grant.id, due_by=due_by)
    else:
        result = await refreshing.refresh(house, grant, refreshing.Cause.SWEEP, due_by=due_by)
        if isinstance(result, Judgement):
            await after_refresh(house, grant.id, result)
            if result.outcome is Outcome.REFRESHED and grant.failures:
                async with house.db.write() as session:
                    await app_faults.renewed(session, grant, house.clock.now())
                house.wake.outbox.set()
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


async def look(house: House, grant_id: str, *, due_by: datetime | None = None) -> bool:
    """Decides about a grant that is `ending`, with `due_by` only while it is due by then. True when its
    access token works, as far as is known."""
    span = house.timings.lease_span
    async with house.db.write() as session:
        lease_now = await house.db.lease_now(session)
        grant = await grants.take_lease(session, grant_id, house.owner, lease_now, span, due_by=due_by)
    if grant is None:
        return False
    if grant.state != "ending":
        await _give_back(house, grant_id)
        return grant.state == "live"
    async with house.db.read() as session:
        silent = await breaker.is_open(session, grant.provider)
    found = verdicts.NOBODY_ANSWERS if silent and not _is_over(house, grant) else await _probe(house, grant)
    if found is not None and found.outcome is Outcome.DEAD and not await _may_tell(house, grant):
        return False
    return await house.tasks.finish(verdicts.conclude(house, grant, found))


async def _may_tell(house: House, grant: Grant) -> bool:
    """Whether a death is told now, and not held back because many grants of the app are refused at once."""
    now = house.clock.now()
    async with house.db.write() as session:
        weight = await mass.weigh(session, grant, now)
        if weight is mass.Weight.HOLD:
            await verdicts.settle(session, grant, next_due_at=max(mass.held_until(grant), now + HELD_AGAIN))
    if weight is mass.Weight.CHECK:
        found = await _check_app(house, grant)
        if isinstance(found, Judgement):
            await mass.it_was_the_app(house, grant, found)
            await _give_back(house, grant.id)
            return False
        await mass.it_was_people(house, grant, found)
    return weight is not mass.Weight.HOLD


async def _check_app(house: House, grant: Grant) -> Judgement | mass.App:
    """What is wrong with our app, or how much is known of its being well: by an account that nobody refused,
    then by asking for the app alone, then by what was refused."""
    async with house.db.read() as session:
        other = await grants.other_living(session, grant, house.clock.now())
    platform = refreshing.platform_of(house, grant)
    try:
        if other is not None:
            await probe(house, *other)
            return mass.App.WORKS
        if platform is not None and await platform.check_app(house.call(platform)):
            return mass.App.ACCEPTED
    except (PlatformError, HttpError) as error:
        found = judge(error)
        if found.outcome is Outcome.APP:
            return found
    # A token endpoint that knows our app by its secret refuses the app before it looks at a token.
    with_secret = platform is not None and platform.info.refresh.kind is not RefreshKind.SELF_EXTENDING
    return mass.App.ACCEPTED if with_secret else mass.App.UNKNOWN


def _is_over(house: House, grant: Grant) -> bool:
    return grant.access_expires_at is not None and grant.access_expires_at <= house.clock.now()


async def _probe(house: House, grant: Grant) -> Judgement | None:
    """The one live check: None when the access token still speaks for an account."""
    now = house.clock.now()
    platform = refreshing.platform_of(house, grant)
    if grant.access_expires_at is not None and grant.access_expires_at <= now:
        renewable = platform is not None and not refreshing.past_renewing(platform, grant, now)
        return None if renewable and grant.reason_code == verdicts.BY_NOTICE else verdicts.known(grant)
    async with house.db.read() as session:
        reach = await grants.live_reach(session, grant.id)
    if platform is None or not reach:
        return verdicts.known(grant)
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


async def _give_back(house: House, grant_id: str) -> None:
    async with house.db.write() as session:
        await grants.drop_lease(session, grant_id, house.owner)
