"""One Facebook login that carries twelve Pages of five clients, from its first consent to its last day:
renewed once for all, cut off and told in the same minute, cured by one sign-in, handed over at the end."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from bot.domain import second_look
from bot.domain.auditing import Actor
from bot.domain.handing_over import ask
from bot.domain.house import House
from bot.domain.inviting import address
from bot.renderers import build_renderers
from sandbox.platforms.testing import Twins
from sandbox.platforms.testing_meta import ANNA, BEN
from storage.database import Database
from storage.models import Client, Connection, Grant, Incident, Invitation, Notice
from tests.domain import logins
from tests.domain.logins import PAGES, five_clients, many_pages, take
from tests.support import a_client, grant_of, house_at

UNTICKED = PAGES[7]  # the second one of client-c
BENS = 7


async def a_token(house: House, invitation: Invitation) -> str:
    return address(house, invitation).rpartition("/")[2]


async def open_incidents(house: House) -> list[Incident]:
    async with house.db.read() as session:
        query = select(Incident).where(Incident.state == "open").order_by(Incident.opened_at)
        return list((await session.scalars(query)).all())


async def roots_of(house: House, incident: Incident) -> dict[tuple[str, str | None], str]:
    """What each channel sees of an incident."""
    async with house.db.read() as session:
        query = select(Notice).where(Notice.topic == "incident", Notice.subject_id == incident.id)
        notices = (await session.scalars(query)).all()
    shown = {}
    for notice in notices:
        message = await build_renderers(house)["incident"](notice)
        assert message is not None
        shown[notice.audience, notice.audience_id] = message.text
    return shown


async def all_work(house: House) -> bool:
    rows = await logins.living(house)
    assert len(rows) >= len(PAGES) and all(row.problem is None for row in rows)
    seen = [await second_look.probe(house, await grant_of(house, row), row) for row in rows]
    return [account.id for account in seen] == [row.account_id for row in rows]


async def tended(house: House, grant_id: str) -> None:
    async with house.db.read() as session:
        grant = await session.get_one(Grant, grant_id)
    await second_look.tend(house, grant)


async def renewed_once(house: House, twins: Twins, grant: Grant) -> None:
    twins.advance(days=46)
    before = len(twins.world.ledger.find("token_presented", group="refresh"))
    await tended(house, grant.id)
    assert len(twins.world.ledger.find("token_presented", group="refresh")) == before + 1
    assert await all_work(house)


async def cut_off_and_cured(house: House, twins: Twins, clients: list[Client]) -> None:
    """A consent for a sixth client leaves out one Page of the third one's."""
    sixth = await a_client(house, "client-f", "C6")
    moment, rest = house.clock.now(), tuple(page for page in PAGES if page != UNTICKED)
    await take(house, twins, sixth, (PAGES[0],), ticked=rest)
    assert (house.clock.now() - moment).total_seconds() < 60, "nothing had to wait for a check"
    (incident,) = await open_incidents(house)
    (row,) = await logins.living(house, Connection.problem.is_not(None))
    assert (row.account_id, row.client_id, row.problem) == (UNTICKED, clients[2].id, "permission_missing")
    shown = await roots_of(house, incident)
    assert set(shown) == {("team", clients[2].id)}, "its own client's channel alone"
    assert "Page 8 on Facebook cannot post" in shown["team", clients[2].id]
    await take(house, twins, sixth, (), ticked=PAGES)
    assert await open_incidents(house) == [] and await all_work(house)


async def one_incident_one_reconnect(house: House, twins: Twins, clients: list[Client], grant: Grant) -> None:
    twins.world.set_fault("password_changed", "facebook", ANNA)
    twins.advance(days=46)
    await tended(house, grant.id)
    (incident,) = await open_incidents(house)
    assert (incident.kind, incident.reason) == ("grant", "password_changed")
    shown = await roots_of(house, incident)
    everybody = {client.slug for client in clients} | {"client-f"}
    assert {audience for audience, _ in shown} == {"team", "operations"}
    assert len(shown) == len(everybody) + 1, "one thread a client, one for the operator"
    for client in clients:
        text = shown["team", client.id]
        others = everybody - {client.slug}
        assert "The password at Facebook was changed" in text
        assert not [slug for slug in others if slug.title() in text], "no other client's name"
    async with house.db.read() as session:
        query = select(Invitation).where(
            Invitation.connection_id.is_not(None),
            Invitation.state == "open",
            Invitation.platform == "facebook",
        )
        relinks = (await session.scalars(query)).all()
    mine = next(item for item in relinks if item.client_id == clients[3].id)
    assert (await take(house, twins, clients[3], (), token=await a_token(house, mine))).result == "relinked"
    assert await open_incidents(house) == [] and await all_work(house)


async def handed_over(house: House, twins: Twins, clients: list[Client], grant: Grant) -> None:
    async with house.db.write() as session:
        actor = Actor(clients[0].workspace_id, "U1", "C1")
        notice, first = await ask(session, house, actor, grant.id, "C1", house.clock.now())
        query = select(Invitation).where(Invitation.batch_id == notice.subject_id)
        invitation = (await session.scalars(query)).one()
    consent = await take(house, twins, first, (), by=BEN, token=await a_token(house, invitation))
    assert consent.result == "handed_over"
    async with house.db.read() as session:
        bens = (await session.scalars(select(Grant).where(Grant.subject == BEN))).one()
        said = (await session.scalars(select(Notice).where(Notice.topic == "login.handed_over"))).one()
    moved = {row.account_id for row in await logins.living(house, Connection.grant_id == bens.id)}
    left = {row.account_id for row in await logins.living(house, Connection.grant_id == grant.id)}
    assert (moved, left) == (set(PAGES[:BENS]), set(PAGES[BENS:]))
    told = await build_renderers(house)["login.handed_over"](said)
    assert told is not None
    named = [number for number in range(1, 13) if f"Page {number} on Facebook" in told.text]
    assert named == list(range(BENS + 1, 13)), "the others, by name"
    assert await all_work(house)


async def test_one_login_of_twelve_pages_and_five_clients(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    many_pages(twins, bens=BENS)
    async with house_at(twins, database, tmp_path, platforms=("facebook",)) as house:
        clients = await five_clients(house, twins)
        connections = await logins.living(house)
        assert len(connections) == 12 and len({row.client_id for row in connections}) == 5
        (grant_id,) = {row.grant_id for row in connections}
        grant = await grant_of(house, connections[0])
        await renewed_once(house, twins, grant)
        await cut_off_and_cured(house, twins, clients)
        await one_incident_one_reconnect(house, twins, clients, grant)
        await handed_over(house, twins, clients, grant)
        assert await open_incidents(house) == []
        assert (await grant_of(house, connections[-1])).id == grant_id
