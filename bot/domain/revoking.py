"""After a disconnect: our access is taken back at the platform, or the tokens are forgotten here.

A queued task of its own. It waits until nothing of the account is in flight, works under the grant's lease,
and calls the platform only when nothing else rests on what would be revoked, in any workspace: one call can
end every account of a person. Asking twice is harmless, so an unclear answer is simply asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from sqlalchemy import exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from bot.clock import boot_seconds
from bot.domain import lifetimes, refreshing, tokens
from bot.domain.disconnecting import CLOSED, in_flight, view_key
from bot.domain.house import House
from bot.domain.refreshing import CONSENT_BLOCKS_FOR
from bot.domain.telling import touch, touch_subject
from bot.domain.verdicts import BY_NOTICE
from bot.http import HttpError
from bot.platforms.base import Platform, Tokens
from bot.platforms.errors import Kind, PlatformError, Reason
from storage import grants, logins
from storage.crypto import CryptoError
from storage.models import Connection, Consent, Departure, Grant

log = structlog.get_logger(__name__)

BATCH = 50
POSTPONED = timedelta(seconds=30)
TAKEN_OVER_AFTER = timedelta(minutes=2)  # a process that dies in between is followed by another
TRIES_MOST = 8
AGAIN = frozenset({Kind.TRY_LATER, Kind.UNCLEAR, Kind.APP})


class Fate(StrEnum):
    """What became of the tokens (storage.models.Departure)."""

    REVOKED = "revoked"
    FORGOTTEN = "forgotten"
    KEPT = "kept"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Ask:
    """A platform to be asked, with what to ask for. `not_after` is in boot seconds."""

    departure_id: str
    grant_id: str
    generation: int
    platform: Platform
    tokens: Tokens
    not_after: float


async def revoke_due(house: House) -> int:
    """Works on every disconnect that is due; how many there were."""
    done = 0
    while ids := await _due(house):
        for departure_id in ids:
            await follow(house, departure_id)
        done += len(ids)
    return done


async def _due(house: House) -> Sequence[str]:
    query = (
        select(Departure.id)
        .where(Departure.due_at <= house.clock.now())
        .order_by(Departure.due_at)
        .limit(BATCH)
    )
    async with house.db.read() as session:
        return (await session.execute(query)).scalars().all()


async def follow(house: House, departure_id: str) -> None:
    """One step for one disconnected account: wait, settle it here, or ask the platform."""
    now = house.clock.now()
    async with house.db.write() as session:
        row = await _claimed(session, departure_id, now)
        ask = await _decide(session, house, row, now) if row is not None else None
    house.wake.outbox.set()
    if ask is not None:
        await house.tasks.finish(_ask(house, ask))


async def _claimed(session: AsyncSession, departure_id: str, now: datetime) -> Departure | None:
    """Takes the row: one conditional update, so that of several processes one goes on."""
    claimed = await session.execute(
        update(Departure)
        .where(Departure.id == departure_id, Departure.due_at <= now)
        .values(due_at=now + TAKEN_OVER_AFTER)
        .returning(Departure)
        .execution_options(populate_existing=True)
    )
    return claimed.scalar_one_or_none()


async def _decide(session: AsyncSession, house: House, row: Departure, now: datetime) -> Ask | None:
    # The grant before its connections: linking takes them in this order, too.
    grant = await session.get_one(Grant, row.grant_id, populate_existing=True, with_for_update=True)
    connection = await session.get_one(Connection, row.connection_id, with_for_update=True)
    if connection.state == "live" or connection.generation != row.generation:
        await _settle(session, row, Fate.VOID, now)
    elif await in_flight(session, Connection.grant_id == grant.id, Connection.state != "live"):
        row.due_at = now + POSTPONED
    elif await grants.live_reach(session, grant.id):
        connection.own_token, connection.own_token_generation = None, None
        await _settle(session, row, Fate.KEPT, now)
    elif await _consent_under_way(session, grant, now):
        row.due_at = now + POSTPONED
    else:
        return await _take_back(session, house, row, grant, now)
    return None


async def _consent_under_way(session: AsyncSession, grant: Grant, now: datetime) -> bool:
    """Somebody signs in who is, or may turn out to be, this very person: he is not to lose it at once."""
    since = now - CONSENT_BLOCKS_FOR
    if await grants.consent_under_way(session, grant.id, since):
        return True
    unknown = exists().where(
        Consent.state == "exchanging", Consent.created_at > since, Consent.grant_id.is_(None)
    )
    return bool(await session.scalar(select(unknown)))


async def _take_back(
    session: AsyncSession, house: House, row: Departure, grant: Grant, now: datetime
) -> Ask | None:
    """Nothing rests on the grant any more: forgets its tokens, or takes the lease to ask the platform."""
    platform = refreshing.platform_of(house, grant)
    stored = _stored(house, grant)
    if platform is None or stored is None or await _shared(session, grant):
        gone = await _already(session, grant) if stored is None else Fate.FORGOTTEN
        await _forget(session, row, grant, gone, now)
        return None
    lease_now = await house.db.lease_now(session)
    span = house.timings.lease_span
    if await grants.take_lease(session, grant.id, house.owner, lease_now, span) is None:
        row.due_at = now + POSTPONED
        return None
    row.tries += 1
    not_after = boot_seconds() + house.timings.guard
    return Ask(row.id, grant.id, grant.generation, platform, stored, not_after)


async def _already(session: AsyncSession, grant: Grant) -> Fate:
    """What became of the grant when another of its accounts left before."""
    before = exists().where(
        Departure.grant_id == grant.id,
        Departure.state == Fate.REVOKED,
        Departure.done_at >= grant.consented_at,
    )
    return Fate.REVOKED if await session.scalar(select(before)) else Fate.FORGOTTEN


def _stored(house: House, grant: Grant) -> Tokens | None:
    """The tokens, where there are some that the platform would still know."""
    if grant.state not in ("live", "ending") or grant.access_token is None:
        return None
    try:
        return tokens.open_tokens(house.vault, grant)
    except CryptoError:
        log.warning("tokens_unreadable", grant=grant.id)
        return None


async def _shared(session: AsyncSession, grant: Grant) -> bool:
    """Whether the same person has another living login with the same app, which the call would end, too."""
    other = aliased(Grant)
    same = [other.subject == grant.subject]
    if grant.known_as:
        same.append(other.known_as == grant.known_as)
    query = (
        select(other.id)
        .join(Connection, Connection.grant_id == other.id)
        .where(other.app_id == grant.app_id, other.id != grant.id, or_(*same), Connection.state == "live")
        .limit(1)
    )
    return await session.scalar(query) is not None


async def _ask(house: House, ask: Ask) -> None:
    """The call, and what its answer means."""
    try:
        call = house.call(ask.platform, not_after=ask.not_after)
        async with house.http.slot(ask.platform.info.token_host):
            fate = Fate.REVOKED if await ask.platform.revoke(call, ask.tokens) else Fate.FORGOTTEN
    except HttpError:
        fate = None
    except PlatformError as error:
        fate = None if error.verdict.kind in AGAIN else Fate.FORGOTTEN
    await _answered(house, ask, fate)
    log.info("access_taken_back", grant=ask.grant_id, fate=fate or "again")


async def _answered(house: House, ask: Ask, fate: Fate | None) -> None:
    now = house.clock.now()
    async with house.db.write() as session:
        row = await session.get_one(Departure, ask.departure_id, populate_existing=True)
        grant = await session.get_one(Grant, ask.grant_id, populate_existing=True, with_for_update=True)
        await grants.drop_lease(session, grant.id, house.owner)
        if grant.generation != ask.generation or await grants.live_reach(session, grant.id):
            if fate is Fate.REVOKED:  # it may have cost a sign-in that came meanwhile: look at once
                await logins.suspect(session, grant, Reason.REVOKED, BY_NOTICE, now)
            await _settle(session, row, Fate.VOID, now)
        elif fate is None and row.tries < TRIES_MOST:
            row.due_at = now + lifetimes.backoff(row.tries)
        else:
            await _forget(session, row, grant, fate or Fate.FORGOTTEN, now)
    house.wake.all()


async def _forget(session: AsyncSession, row: Departure, grant: Grant, fate: Fate, now: datetime) -> None:
    await logins.forget(session, grant)
    await _settle(session, row, fate, now)


async def _settle(session: AsyncSession, row: Departure, fate: Fate, now: datetime) -> None:
    row.state, row.due_at, row.done_at = fate, None, now
    await session.flush()
    await touch(session, view_key(row.id))
    client_id = await session.scalar(select(Connection.client_id).where(Connection.id == row.connection_id))
    if client_id is not None:
        await touch_subject(session, CLOSED, client_id)
