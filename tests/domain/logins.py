"""Facebook logins that carry many Pages of many clients, and walks that tick some of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from bot.domain.consenting import choose
from bot.domain.house import House
from sandbox.platforms.model import Account
from sandbox.platforms.testing import Twins
from sandbox.platforms.testing_meta import ALL, ANNA, BEN
from storage.models import Client, Connection, Consent
from tests.support import a_client, an_invitation, walk

PAGES = tuple(f"2000000000000{number:02}" for number in range(1, 13))


def many_pages(twins: Twins, *, bens: int = 0) -> None:
    """Anna and Ben; twelve Pages with Anna's role, the first `bens` of them with Ben's too."""
    world = twins.world
    for id, name in ((ANNA, "Anna"), (BEN, "Ben")):
        world.add_account(Account(platform="facebook", id=id, handle=name.lower(), name=name))
    for number, id in enumerate(PAGES):
        roles = {ANNA: ALL} | ({BEN: ALL} if number < bens else {})
        name = f"Page {number + 1}"
        page = Account(platform="facebook", id=id, handle="", name=name, login=False, extra={"roles": roles})
        world.add_account(page)


async def take(
    house: House,
    twins: Twins,
    client: Client,
    pages: tuple[str, ...],
    *,
    ticked: tuple[str, ...] = PAGES,
    by: str = ANNA,
    token: str | None = None,
) -> Consent:
    """A consent that ticks `ticked` and, where it is asked, chooses `pages`; the finished walk."""
    token = token or await an_invitation(house, client, "facebook")
    scopes = [scope.name for scope in house.platforms["facebook"].info.scopes]
    form: dict[str, Any] = {"as": by, "scope": scopes, "asset": list(ticked)}
    consent_id = await walk(house, twins, token, decision="partial", **form)
    async with house.db.read() as session:
        consent = await session.get_one(Consent, consent_id)
    if consent.state == "choosing":
        await choose(house, consent_id, "browser-secret", list(pages))
    async with house.db.read() as session:
        return await session.get_one(Consent, consent_id, populate_existing=True)


async def five_clients(house: House, twins: Twins) -> list[Client]:
    """Five clients with 3, 3, 2, 2 and 2 of the twelve Pages, all on Anna's login."""
    clients, left = [], list(PAGES)
    for number, count in enumerate((3, 3, 2, 2, 2)):
        client = await a_client(house, f"client-{'abcde'[number]}", f"C{number + 1}")
        mine, left = tuple(left[:count]), left[count:]
        assert (await take(house, twins, client, mine)).result == "linked"
        clients.append(client)
    return clients


async def living(house: House, *where: Any) -> list[Connection]:
    async with house.db.read() as session:
        query = select(Connection).where(Connection.state == "live", *where)
        return list((await session.scalars(query.order_by(Connection.account_id))).all())


async def link_first(house: House, twins: Twins, platform: str, person: str) -> Connection:
    """Somebody's account, the first of several, for a client."""
    client = await a_client(house)
    token = await an_invitation(house, client, platform)
    consent_id = await walk(house, twins, token, **{"as": person})
    async with house.db.read() as session:
        consent = await session.get_one(Consent, consent_id)
    if consent.state == "choosing":
        await choose(house, consent_id, "browser-secret", [consent.detail["offered"][0]])
    (connection,) = await living(house, Connection.client_id == client.id)
    return connection
