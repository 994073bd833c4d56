"""Storing accounts on a grant, whether a consent, a living login or a hand over found them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import holding, incident_closing, incident_threads, renames, tokens
from bot.domain.auditing import Actor, record
from bot.domain.consent_checks import missing_scopes
from bot.domain.house import House
from bot.domain.labels import label_of
from bot.platforms.base import Account
from storage import connections as store
from storage import grants, logins
from storage import incidents as incident_rows
from storage.models import Client, Connection, Grant


@dataclass(frozen=True, slots=True)
class Found:
    """Accounts that a grant's tokens reach. `word`: the platform of those that name none; `own_tokens` by
    account id, minted from the grant's tokens of `generation`; `scopes`: None where nobody said."""

    word: str
    accounts: tuple[Account, ...]
    generation: int
    scopes: frozenset[str] | None = None
    own_tokens: Mapping[str, str] = field(default_factory=dict, repr=False)

    def word_of(self, account: Account) -> str:
        return account.platform or self.word


async def store_account(
    session: AsyncSession,
    house: House,
    client: Client,
    grant: Grant,
    found: Found,
    account: Account,
    actor: Actor,
    asked_by: str | None,
    now: datetime,
) -> Connection:
    """The client's connection to an account, now resting on `grant`, with its own token and its audit line.

    A relink replaces tokens and nothing else. `asked_by`: the Slack user who asked for the link."""
    word = found.word_of(account)
    before = await _before(session, client, word, account.id)
    old = (before.grant_id, label_of(before)) if before is not None else None
    times = {"proved_at": now, "linked_at": now, "created_at": now}
    values = _columns(house, grant, found, account) | times | {"linked_by": asked_by}
    connection, fresh = await store.store(session, client, word, account.id, values)
    await store_own_token(session, house, connection.id, found, account.id)
    await session.refresh(connection)
    detail: dict[str, Any] = {"account": account.id, "handle": account.handle, "link_of": asked_by}
    if old is not None and old[0] != grant.id:
        detail["logins"] = [old[0], grant.id]
    record(
        session,
        actor,
        "linked" if fresh else "relinked",
        now,
        client_id=client.id,
        connection_id=connection.id,
        detail=detail,
    )
    if old is not None:
        await renames.tell(session, connection, old[1], now)
        if old[0] != grant.id:
            await moved_away(session, client.workspace_id, old[0], now)
    return connection


def _columns(house: House, grant: Grant, found: Found, account: Account) -> dict[str, Any]:
    word = found.word_of(account)
    platform = house.platform_for(word, grant.provider) or house.platforms[word]
    return {
        "grant_id": grant.id,
        "handle": account.handle[:255],
        "name": account.name[:255],
        "picture_url": account.picture_url,
        "missing_scopes": missing_scopes(platform.info, found.scopes),
    }


async def store_own_token(
    session: AsyncSession, house: House, connection_id: str, found: Found, account_id: str
) -> None:
    """The account's own token, or none."""
    own = found.own_tokens.get(account_id)
    place = tokens.own_token_place(connection_id, found.generation)
    await session.execute(
        update(Connection)
        .where(Connection.id == connection_id)
        .values(
            own_token=house.vault.seal(own, place) if own else None,
            own_token_generation=found.generation if own else None,
        )
        .execution_options(synchronize_session=False)
    )


async def lives_again(
    session: AsyncSession,
    house: House,
    grant_id: str,
    now: datetime,
    linked: Iterable[str] = (),
    *,
    renewed: bool = True,
) -> None:
    """The grant works, by a consent or (not `renewed`) as before, and the accounts in `linked` (connection
    ids) were checked with it: their incidents close, and what waited goes out. Accounts in trouble of their
    own keep waiting."""
    cured = tuple(linked)
    await incident_closing.close_for_grant(session, grant_id, "relinked", now, cured, renewed=renewed)
    for connection_id in cured:  # one that came from another grant has its incident there
        await close_trouble(session, connection_id, "relinked", now)
    await incident_closing.end_links(session, cured)
    reach = await grants.live_reach(session, grant_id)
    well = [item.connection.id for item in reach if item.connection.problem is None]
    await holding.release(session, house, well, now)


async def close_trouble(session: AsyncSession, connection_id: str, how: str, now: datetime) -> None:
    """Closes the account's own incident, if one is open."""
    incident = await incident_rows.find_open(session, incident_threads.connection_key(connection_id))
    if incident is not None:
        await incident_closing.close_one(session, incident, how, now)


async def moved_away(session: AsyncSession, workspace_id: str, old_grant_id: str, now: datetime) -> None:
    """Accounts left a grant for another login. Where none of this workspace is left on it, its incident here
    is over; where none at all is left, it has no work."""
    if not await logins.reach(session, workspace_id, [old_grant_id]):
        incident = await incident_rows.find_open(
            session, incident_threads.grant_key(workspace_id, old_grant_id)
        )
        if incident is not None:
            await incident_closing.close_one(session, incident, "relinked", now)
    await logins.rest(session, old_grant_id)


async def _before(session: AsyncSession, client: Client, platform: str, account_id: str) -> Connection | None:
    for connection in await store.of_client(session, client.id, platform):
        if connection.account_id == account_id:
            return connection
    return None
