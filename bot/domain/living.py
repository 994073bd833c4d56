"""Living logins are used: an account that one of them already reaches is linked without a new consent.

What is offered comes from what this workspace's own consents found; linking asks the platform first, with
the stored tokens. Only members are offered anything: an offer names people, and other clients' accounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import rechecking, refreshing, second_look, storing
from bot.domain.auditing import Actor
from bot.domain.consents import account_from
from bot.domain.errors import Refused
from bot.domain.house import House
from bot.domain.labels import label_of
from bot.domain.refreshing import Cause
from bot.domain.storing import Found
from bot.platforms.base import Account
from bot.platforms.errors import Kind, Reason, Verdict
from storage import clients, connections, logins
from storage.models import Client, Connection, Consent, Grant

GONE = "That login does not work any more, or is not used here. `/connect` posts a link instead."


@dataclass(frozen=True, slots=True)
class Offer:
    """An account that a living login reaches and that the client does not have. `holder`: whose login;
    `elsewhere`: slugs of the clients that have it already."""

    grant_id: str
    platform: str
    account: Account
    holder: str
    elsewhere: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return label_of(self.account)


async def offers(session: AsyncSession, house: House, client: Client, word: str) -> list[Offer]:
    """What can be linked for the client on one platform without asking anybody; free ones first."""
    providers = {way.info.provider for _, way in house.ways() if way.info.key == word}
    living = {grant.id: grant for grant in await logins.living(session, client.workspace_id, providers)}
    found: dict[str, Offer] = {}
    for consent in await logins.last_found(session, client.workspace_id, living):
        grant = living[consent.grant_id or ""]
        if house.platform_for(word, grant.provider) is None:
            continue
        for account in _accounts(consent, word):
            found.setdefault(account.id, Offer(grant.id, word, account, grant.subject_name))
    mine = {row.account_id for row in await connections.of_client(session, client.id, word)}
    found = {key: offer for key, offer in found.items() if key not in mine}
    named = [(word, account_id) for account_id in found]
    taken = await connections.elsewhere(session, client.workspace_id, client.id, named)
    return _sorted(found, taken)


def _accounts(consent: Consent, word: str) -> list[Account]:
    """The usable accounts of one platform that a consent found, without tokens."""
    every = [account_from(item, {}) for item in consent.accounts]
    return [item for item in every if item.usable and (item.platform or consent.platform) == word]


def _sorted(found: dict[str, Offer], taken: Sequence[tuple[Connection, Client]]) -> list[Offer]:
    has: dict[str, list[str]] = {}
    for connection, other in taken:
        has.setdefault(connection.account_id, []).append(other.slug)
    offered = [
        Offer(item.grant_id, item.platform, item.account, item.holder, tuple(sorted(has.get(key, ()))))
        for key, item in found.items()
    ]
    return sorted(offered, key=lambda item: (bool(item.elsewhere), item.label.casefold()))


async def link(
    house: House, actor: Actor, client_id: str, grant_id: str, word: str, account_id: str
) -> tuple[Connection, Client]:
    """Links one account with a living login, once the platform has said that it is still reached.

    Stores exactly what a consent would. Raises Refused, with what to do instead."""
    if actor.outsider:
        raise Refused("Only members of the team that runs me can link an account without its owner.")
    grant = await _living(house, actor, grant_id)
    found = await _reached(house, actor, grant, word)
    account = next((item for item in found.accounts if item.id == account_id), None)
    if account is None or found.word_of(account) != word or not account.usable:
        raise Refused(
            f"The login of {grant.subject_name or 'this person'} does not reach that account any more. "
            "`/connect` posts a link instead."
        )
    now = house.clock.now()
    async with house.db.write() as session:
        current = await logins.get(session, actor.workspace_id, grant_id)
        client = await clients.held(session, actor.workspace_id, client_id)
        if current is None or current.state != "live":
            raise Refused(GONE)
        if client is None:
            raise Refused("That client is not there any more. `/connect` starts again.")
        connection = await _store(session, house, client, current, found, account, actor, now)
    house.wake.all()
    return connection, client


async def _store(
    session: AsyncSession,
    house: House,
    client: Client,
    grant: Grant,
    found: Found,
    account: Account,
    actor: Actor,
    now: datetime,
) -> Connection:
    connection = await storing.store_account(
        session, house, client, grant, found, account, actor, actor.user_id, now
    )
    await storing.lives_again(session, house, grant.id, now, [connection.id], renewed=False)
    return connection


async def _living(house: House, actor: Actor, grant_id: str) -> Grant:
    async with house.db.read() as session:
        grant = await logins.get(session, actor.workspace_id, grant_id)
    if grant is None or grant.state != "live" or grant.access_token is None:
        raise Refused(GONE)
    return grant


async def _reached(house: House, actor: Actor, grant: Grant, word: str) -> Found:
    """What the login reaches now, with tokens renewed where they are over or refused. Raises Refused."""
    if grant.access_expires_at is not None and grant.access_expires_at <= house.clock.now():
        await refreshing.refresh(house, grant, Cause.REFUSED)
        grant = await _living(house, actor, grant.id)
    seen = await rechecking.reached_by(house, grant, word)
    if isinstance(seen, Found):
        return seen
    if seen is not None and seen.kind in (Kind.TOKEN, Kind.DEAD):
        if not await second_look.doubt(house, grant.id, grant.generation, seen):
            raise Refused(GONE)
        seen = await rechecking.reached_by(house, await _living(house, actor, grant.id), word)
    if isinstance(seen, Found):
        return seen
    raise Refused(_no_answer(house, word, seen))


def _no_answer(house: House, word: str, verdict: Verdict | None) -> str:
    title = house.platforms[word].info.title if word in house.platforms else word.title()
    if verdict is not None and verdict.reason is Reason.PERMISSION_MISSING:
        return f"That login lacks a permission at {title}. `/connect` posts a link that asks for it."
    return f"{title} does not answer as it should at the moment. Try again in a while."
