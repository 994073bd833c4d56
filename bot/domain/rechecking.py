"""After every consent: all other accounts on the same grant are checked again in the same minute.

A second consent can cut off what the first allowed (Meta's unticked Pages, LinkedIn's changed scopes). What
it cut off is told at once, what it brought back is cured, and who was renamed is followed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import structlog
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import holding, incidents, renames, storing, tokens
from bot.domain.consent_checks import missing_scopes
from bot.domain.house import House
from bot.domain.outcomes import Judgement, Outcome
from bot.domain.storing import Found
from bot.http import HttpError
from bot.platforms.base import Account
from bot.platforms.errors import PlatformError, Reason, Verdict
from storage import grants
from storage.models import Connection, Grant

log = structlog.get_logger(__name__)

CURABLE = frozenset({Reason.PERMISSION_MISSING, Reason.ROLE_LOST, Reason.ACCOUNT_GONE})
"""Troubles that are over once a consent reaches the account again; others need a look at the account."""


async def compare(
    session: AsyncSession, house: House, grant: Grant, found: Found, now: datetime, but: Iterable[str] = ()
) -> None:
    """Holds the living accounts on `grant` against what its tokens reach now; `but`: connections just linked.

    Only accounts of the platform that was asked for, and those that the answer names, are judged."""
    by_id = {(found.word_of(account), account.id): account for account in found.accounts}
    done = frozenset(but)
    for item in await grants.live_reach(session, grant.id):
        connection = item.connection
        account = by_id.get((connection.platform, connection.account_id))
        if connection.id in done or (account is None and connection.platform != found.word):
            continue
        trouble = _trouble(house, grant, connection, account, found)
        await _note_scopes(session, house, grant, connection, found)
        if trouble is not None:
            await _cut_off(session, house, connection, trouble, now)
        elif account is not None:
            await _reached(session, house, connection, account, found, now)


async def others(house: House, grant_id: str, asked: str) -> None:
    """Asks the platform for the grant's accounts of other kinds than the consent was about, if there are any.

    Where the consent left out what they need, nobody has to be asked. Without an answer nothing is concluded:
    the regular live checks come by."""
    async with house.db.read() as session:
        grant = await grants.get(session, grant_id)
        reach = await grants.live_reach(session, grant_id)
    if grant is None or grant.state != "live":
        return
    for word in sorted({item.connection.platform for item in reach} - {asked}):
        found = _shut_out(house, grant, word) or await reached_by(house, grant, word)
        if not isinstance(found, Found):
            continue
        async with house.db.write() as session:
            current = await grants.get(session, grant_id)
            if current is not None and current.generation == grant.generation and current.state == "live":
                await compare(session, house, current, found, house.clock.now())
    house.wake.outbox.set()


def _shut_out(house: House, grant: Grant, word: str) -> Found | None:
    """Nothing of a platform, where the grant's permissions are not enough for any account there."""
    platform = house.platform_for(word, grant.provider)
    scopes = tokens.open_tokens(house.vault, grant).scopes
    if platform is None or not missing_scopes(platform.info, scopes, required_only=True):
        return None
    return Found(word, (), grant.generation, scopes)


async def reached_by(house: House, grant: Grant, word: str) -> Found | Verdict | None:
    """The accounts of one platform that the grant's stored tokens reach now; why the platform refuses to say;
    None without an answer."""
    platform = house.platform_for(word, grant.provider)
    if platform is None or house.app_of(platform) is None:
        return None
    stored = tokens.open_tokens(house.vault, grant)
    try:
        async with house.http.slot(platform.info.token_host):
            seen = await platform.discover(house.call(platform), stored)
    except PlatformError as error:
        log.info("recheck_refused", grant=grant.id, platform=word, code=error.verdict.code)
        return error.verdict
    except HttpError as error:
        log.info("recheck_without_answer", grant=grant.id, platform=word, problem=type(error).__name__)
        return None
    own = {account.id: account.own_token for account in seen.accounts if account.own_token}
    return Found(word, seen.accounts, grant.generation, stored.scopes, own)


def _trouble(
    house: House, grant: Grant, connection: Connection, account: Account | None, found: Found
) -> Judgement | None:
    """Why an account cannot be posted to with the new tokens."""
    platform = house.platform_for(connection.platform, grant.provider)
    missing = missing_scopes(platform.info, found.scopes, required_only=True) if platform else []
    if missing:
        return Judgement(Outcome.DEAD, Reason.PERMISSION_MISSING, "consent/scope", permission=missing[0])
    if account is None:
        return Judgement(Outcome.DEAD, Reason.PERMISSION_MISSING, "consent/not_reached")
    if not account.usable:
        return Judgement(Outcome.DEAD, account.problem or Reason.PERMISSION_MISSING, "consent/not_usable")
    return None


async def _note_scopes(
    session: AsyncSession, house: House, grant: Grant, connection: Connection, found: Found
) -> None:
    platform = house.platform_for(connection.platform, grant.provider)
    missing = missing_scopes(platform.info, found.scopes) if platform else []
    if missing != connection.missing_scopes:
        await _set(session, connection, missing_scopes=missing)


async def _cut_off(
    session: AsyncSession, house: House, connection: Connection, trouble: Judgement, now: datetime
) -> None:
    if connection.problem is None:
        detail = trouble.permission
        await _set(session, connection, problem=trouble.reason, problem_detail=detail, problem_at=now)
        connection.problem = trouble.reason
    await incidents.connection_in_trouble(session, house, connection, trouble, now)


async def _reached(
    session: AsyncSession, house: House, connection: Connection, account: Account, found: Found, now: datetime
) -> None:
    if account.id in found.own_tokens:
        await storing.store_own_token(session, house, connection.id, found, account.id)
    await renames.follow(session, connection, account, now)
    await _set(session, connection, proved_at=now)
    if connection.problem in CURABLE:
        await _set(session, connection, problem=None, problem_detail=None, problem_at=None)
        connection.problem = None
        await storing.close_trouble(session, connection.id, "relinked", now)
        await holding.release(session, house, [connection.id], now)


async def _set(session: AsyncSession, connection: Connection, **values: object) -> None:
    await session.execute(
        update(Connection)
        .where(Connection.id == connection.id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
