"""Live checks that nobody asked for: of accounts whose silent death nothing else would show.

Each platform says how rarely is useful; what succeeded lately needs no proof. What a check finds goes the
same way as a failed refresh: doubt about the token first, then a verdict, then a word to people.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import breaker, holding, incident_closing, incidents, refreshing, renames, second_look
from bot.domain.house import House
from bot.domain.incident_threads import connection_key
from bot.domain.lifetimes import JITTER, fresh_jitter
from bot.domain.outcomes import Judgement, judge_verdict
from bot.domain.refreshing import Cause, Skipped
from bot.http import HttpError
from bot.platforms.base import Account, PlatformInfo
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from storage import grants, watching
from storage import incidents as alerts
from storage.models import Connection, Grant
from storage.watching import Watched

log = structlog.get_logger(__name__)

PROVED_FOR = timedelta(hours=6)  # before a post, what was proved so lately is believed
TRY_AGAIN = timedelta(hours=1)  # after a check that found nothing out
TRY_AGAIN_BEFORE_POST = timedelta(minutes=15)
TROUBLE_FIRST = timedelta(minutes=1)  # after an account was refused: does a check meet that, too?
TROUBLE_DAILY = timedelta(days=1)  # from then on, where nothing else is checked
TROUBLE_MOST = timedelta(days=30)


async def look_if_due(house: House, found: Watched, now: datetime) -> datetime | None:
    """Checks a connection whose time has come. Returns when the next check is due; None: never by itself."""
    platform = house.platform_for(found.connection.platform, found.grant.provider)
    if platform is None:
        return None
    at = due_at(platform.info, found.connection, found.grant)
    if at is None:
        return None
    if at > now:
        return at + _later(platform.info)
    if await check(house, found):
        interval = platform.info.probe_interval or TRY_AGAIN
        return house.clock.now() + interval + _later(platform.info)
    return house.clock.now() + TRY_AGAIN


def due_at(info: PlatformInfo, connection: Connection, grant: Grant) -> datetime | None:
    """When a connection needs a live check; None where refreshing is the proof, or nothing is to prove."""
    if connection.state != "live" or grant.state != "live":
        return None
    if connection.problem is not None:
        return _again_at(info, connection)
    if info.probe_interval is None:
        return None
    due = proved_at(connection, grant) + info.probe_interval
    return due if connection.probed_at is None else max(due, connection.probed_at + TRY_AGAIN)


def _again_at(info: PlatformInfo, connection: Connection) -> datetime | None:
    """When an account in trouble is looked at again. Not where it answers well though it cannot post: a check
    cannot see such trouble, nor its end."""
    began = connection.problem_at
    if began is None or (connection.proved_at is not None and connection.proved_at > began):
        return None
    if not _trouble_was_seen(connection):
        return began + TROUBLE_FIRST
    assert connection.probed_at is not None
    at = connection.probed_at + (info.probe_interval or TROUBLE_DAILY)
    return at if at - began <= TROUBLE_MOST else None


def _trouble_was_seen(connection: Connection) -> bool:
    """Whether a check met the trouble that the account is in, so that another one can see its end."""
    began, probed = connection.problem_at, connection.probed_at
    return began is not None and probed is not None and probed >= began


def proved_at(connection: Connection, grant: Grant) -> datetime:
    """The last success that proves that an account can be spoken for. A login's refresh proves nothing of an
    account with a token of its own."""
    proofs = [connection.proved_at, connection.linked_at]
    if connection.own_token is None:
        proofs.append(grant.proved_at)
    return max(proof for proof in proofs if proof is not None)


def _later(info: PlatformInfo) -> timedelta:
    return (info.probe_interval or timedelta(0)) * JITTER * fresh_jitter()


async def before_post(house: House, connection_id: str) -> None:
    """The check of an account that has a post within the hour and that nothing has proved for long, unless
    somebody else is at it, or has been since."""
    now = house.clock.now()
    async with house.db.write() as session:
        if not await watching.take_look(session, connection_id, now, now - TRY_AGAIN_BEFORE_POST):
            return
        found = await watching.load(session, connection_id)
    if found is None or found.grant.state != "live":
        return
    if proved_at(found.connection, found.grant) <= now - PROVED_FOR:
        await check(house, found)


async def check(house: House, found: Watched) -> bool:
    """One live check and what follows from it; true when the account answered for itself."""
    grant, connection, asked_at = found.grant, found.connection, house.clock.now()
    async with house.db.write() as session:
        if connection.problem is None:  # otherwise only what meets the trouble counts as a check
            await watching.probed(session, connection.id, asked_at)
        if await breaker.is_open(session, grant.provider):
            return False
    try:
        seen = await second_look.probe(house, grant, connection)
    except HttpError as error:
        await _silent(house, grant, type(error).__name__)
        return False
    except PlatformError as error:
        await _refused(house, found, error.verdict)
        return False
    async with house.db.write() as session:
        renamed = await _proved(session, grant, connection, seen, asked_at)
    if _trouble_was_seen(connection) and connection.problem is not None:
        await recovered(house, connection)
    if renamed:
        house.wake.outbox.set()
    return True


async def _proved(
    session: AsyncSession, grant: Grant, connection: Connection, seen: Account, now: datetime
) -> bool:
    """Notes the proof of life, and follows a changed handle; true if it has another name now."""
    await watching.proved(session, connection.id, now)
    await session.execute(
        update(Grant).where(Grant.id == grant.id, Grant.generation == grant.generation).values(proved_at=now)
    )
    await breaker.answered(session, grant.provider, now)
    return await renames.follow(session, connection, seen, now, only_handle=True)


async def recovered(house: House, connection: Connection) -> bool:
    """The account answers for itself again: its trouble is over, its alert closes, its posts go. False where
    it was relinked, disconnected or refused again meanwhile: `connection` is as it was before the look."""
    now = house.clock.now()
    async with house.db.write() as session:
        current = await session.execute(
            update(Connection)
            .where(
                Connection.id == connection.id,
                Connection.generation == connection.generation,
                Connection.problem_at.is_not_distinct_from(connection.problem_at),
            )
            .values(problem=None, problem_detail=None, problem_at=None, proved_at=now)
            .returning(Connection.id)
            .execution_options(synchronize_session=False)
        )
        if current.first() is None:
            return False
        incident = await alerts.find_open(session, connection_key(connection.id))
        if incident is not None:
            await incident_closing.close_one(session, incident, "recovered", now)
        await holding.release(session, house, [connection.id], now)
    house.wake.all()
    return True


async def _silent(house: House, grant: Grant, code: str) -> None:
    log.info("probe_unanswered", grant=grant.id, code=code)
    async with house.db.write() as session:
        await breaker.silent(session, grant.provider, house.clock.now())


async def _refused(house: House, found: Watched, verdict: Verdict) -> None:
    """Each kind of answer goes where the same answer to a refresh or a post would go."""
    log.info("probe_refused", connection=found.connection.id, reason=verdict.reason, code=verdict.code)
    down = verdict.kind is Kind.TRY_LATER and verdict.reason is Reason.PLATFORM_DOWN
    if verdict.kind is Kind.UNCLEAR or down:
        await _silent(house, found.grant, verdict.code)
        return
    async with house.db.write() as session:
        await breaker.answered(session, found.grant.provider, house.clock.now())
    if verdict.kind in (Kind.TOKEN, Kind.DEAD):
        await second_look.doubt(house, found.grant.id, found.grant.generation, verdict)
    elif verdict.kind in (Kind.PERMISSION, Kind.ACCOUNT):
        await _trouble(house, found, judge_verdict(verdict))
    elif verdict.kind is Kind.APP:
        await second_look.app_is_at_fault(house, found.grant.id, judge_verdict(verdict))
    house.wake.outbox.set()


async def _trouble(house: House, found: Watched, why: Judgement) -> None:
    now = house.clock.now()
    async with house.db.write() as session:
        told = await session.execute(
            update(Connection)
            .where(
                Connection.id == found.connection.id,
                Connection.generation == found.connection.generation,
                Connection.problem.is_(None),
            )
            .values(problem=why.reason, problem_detail=why.permission, problem_at=now)
            .returning(Connection.id)
            .execution_options(synchronize_session=False)
        )
        await watching.probed(session, found.connection.id, now)
        if told.first() is not None:
            await incidents.connection_in_trouble(session, house, found.connection, why, now)


async def try_again(house: House, provider: str) -> None:
    """The one trial of a provider that was silent, with whoever can be tried most harmlessly. Where nobody
    is left to ask for, the outage concerns nobody and is over."""
    now = house.clock.now()
    async with house.db.write() as session:
        if not await breaker.take_trial(session, provider, now):
            return
        candidates = await watching.trial_candidates(session, provider, now)
        if not candidates:
            await breaker.answered(session, provider, now)
    for grant in candidates:
        if await _tried(house, grant, now):
            return


async def _tried(house: House, grant: Grant, now: datetime) -> bool:
    """Whether a call was made with this grant."""
    is_due = grant.next_due_at is not None and grant.next_due_at <= now
    has_ended = grant.access_expires_at is not None and grant.access_expires_at <= now
    if is_due or has_ended or grant.waiting_for_platform:
        result = await refreshing.refresh(house, grant, Cause.TRIAL)
        if isinstance(result, Judgement):
            await second_look.after_refresh(house, grant.id, result)
        if result is not Skipped.NOT_LIVE:
            return isinstance(result, Judgement)
    async with house.db.read() as session:
        reach = await grants.live_reach(session, grant.id)
    if not reach:
        return False
    try:
        await second_look.probe(house, grant, reach[0].connection)
    except HttpError as error:
        await _silent(house, grant, type(error).__name__)
    except PlatformError as error:
        if error.verdict.kind is Kind.UNCLEAR:
            await _silent(house, grant, error.verdict.code)
        else:
            await _answered(house, grant)
    else:
        await _answered(house, grant)
    return True


async def _answered(house: House, grant: Grant) -> None:
    async with house.db.write() as session:
        await breaker.answered(session, grant.provider, house.clock.now())
    house.wake.all()
