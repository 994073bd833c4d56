"""One login that carries many accounts: one refresh, one incident, one reconnect; cut off, used again and
handed over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.domain import incidents, living, second_look
from bot.domain.auditing import Actor
from bot.domain.errors import Refused
from bot.domain.handing_over import ask
from bot.domain.house import House
from bot.domain.inviting import address
from bot.domain.outcomes import Judgement, Outcome
from bot.platforms.errors import Reason
from bot.renderers import build_renderers
from sandbox.platforms.testing import Twins
from sandbox.platforms.testing_meta import ANNA, BEN
from storage.database import Database
from storage.models import (
    AuditEvent,
    Client,
    Connection,
    Consent,
    Grant,
    Incident,
    Invitation,
    Notice,
    Workspace,
    new_id,
)
from tests.domain import logins
from tests.domain.crowd import work
from tests.domain.logins import PAGES, five_clients, many_pages, take
from tests.domain.test_reminding import warned
from tests.support import a_client, grant_of, house_at, linked


async def rows(database: Database, model: Any, *where: Any) -> list[Any]:
    async with database.read() as session:
        return list((await session.scalars(select(model).where(*where))).all())


async def told(house: House, topic: str) -> list[str]:
    """What the notices of a topic say."""
    render = build_renderers(house)[topic]
    messages = [await render(notice) for notice in await rows(house.db, Notice, Notice.topic == topic)]
    return [message.text for message in messages if message is not None]


def member(client: Client) -> Actor:
    return Actor(client.workspace_id, "U1", "C1")


# -- one login, twelve Pages, five clients -----------------------------------------------------------


async def test_one_refresh_one_incident_one_reconnect(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    many_pages(twins)
    async with house_at(twins, database, tmp_path, platforms=("facebook",)) as house:
        clients = await five_clients(house, twins)
        connections = await logins.living(house)
        assert len(connections) == 12 and len({row.grant_id for row in connections}) == 1
        before = await grant_of(house, connections[0])
        twins.advance(days=46)
        asked = len(twins.world.ledger.find("token_presented", group="refresh"))
        await second_look.tend(house, await grant_of(house, connections[0]))
        assert (await grant_of(house, connections[0])).generation == before.generation + 1
        assert len(twins.world.ledger.find("token_presented", group="refresh")) == asked + 1
        twins.world.set_fault("password_changed", "facebook", ANNA)
        twins.advance(days=46)
        await second_look.tend(house, await grant_of(house, connections[0]))
        assert (await grant_of(house, connections[0])).state == "dead"
        (incident,) = await rows(database, Incident)
        roots = await rows(database, Notice, Notice.topic == "incident")
        assert {root.audience for root in roots} <= {"team", "operations"} and roots
        (relink, *_) = await rows(
            database, Invitation, Invitation.connection_id.is_not(None), Invitation.state == "open"
        )
        token = address(house, relink).rpartition("/")[2]
        consent = await take(house, twins, clients[0], (), token=token)
        assert consent.result == "relinked"
        assert (await grant_of(house, connections[0])).state == "live"
        (incident,) = await rows(database, Incident)
        assert (incident.state, incident.closed_how) == ("closed", "relinked")
        assert all(row.problem is None for row in await logins.living(house))
        for row in await logins.living(house):
            assert (await second_look.probe(house, await grant_of(house, row), row)).id == row.account_id


@pytest.mark.parametrize("unticked", ["listed", "hidden"])
async def test_an_unticked_page_is_noticed_at_once_and_cured_by_the_next_consent(
    twins: Twins, database: Database, tmp_path: Path, unticked: str
) -> None:
    many_pages(twins)
    twins.world.modes["facebook.unticked"] = unticked
    async with house_at(twins, database, tmp_path, platforms=("facebook",)) as house:
        first, second = await a_client(house, "client-a", "C1"), await a_client(house, "client-b", "C2")
        await take(house, twins, first, PAGES[:3])
        await take(house, twins, second, (PAGES[3],), ticked=(*PAGES[:2], PAGES[3]))
        (cut,) = await rows(database, Connection, Connection.problem.is_not(None))
        assert (cut.account_id, cut.problem, cut.client_id) == (PAGES[2], "permission_missing", first.id)
        (incident,) = await rows(database, Incident)
        assert (incident.kind, incident.connection_id, incident.state) == ("connection", cut.id, "open")
        (root,) = await rows(database, Notice, Notice.topic == "incident")
        assert (root.audience, root.audience_id) == ("team", first.id), "its own client's channel alone"
        third = await a_client(house, "client-c", "C3")
        await take(house, twins, third, (PAGES[4],))
        assert await rows(database, Connection, Connection.problem.is_not(None)) == []
        (incident,) = await rows(database, Incident)
        assert (incident.state, incident.closed_how) == ("closed", "relinked")


async def test_a_consent_of_the_same_login_mints_every_pages_token_again(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    many_pages(twins)
    async with house_at(twins, database, tmp_path, platforms=("facebook",)) as house:
        first, second = await a_client(house, "client-a", "C1"), await a_client(house, "client-b", "C2")
        await take(house, twins, first, PAGES[:3])
        await take(house, twins, second, (PAGES[3],))
        generations = {row.own_token_generation for row in await logins.living(house)}
        assert generations == {2}


# -- living logins are used --------------------------------------------------------------------------


async def test_a_page_that_a_living_login_reaches_needs_no_consent(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    many_pages(twins)
    async with house_at(twins, database, tmp_path, platforms=("facebook",)) as house:
        first, second = await a_client(house, "client-a", "C1"), await a_client(house, "client-b", "C2")
        await take(house, twins, first, PAGES[:2])
        async with database.read() as session:
            found = await living.offers(session, house, second, "facebook")
        assert [item.account.id for item in found[:10]] == [
            *sorted(PAGES[2:], key=lambda id: f"page {int(id[-2:])}")
        ], "free ones first, by name"
        assert {item.account.id: item.elsewhere for item in found[10:]} == {
            PAGES[0]: ("client-a",),
            PAGES[1]: ("client-a",),
        }
        assert {item.holder for item in found} == {"Anna"}
        consents = len(await rows(database, Consent))
        row, client = await living.link(
            house, member(second), second.id, found[0].grant_id, "facebook", PAGES[5]
        )
        assert (row.client_id, row.account_id, client.slug) == (second.id, PAGES[5], "client-b")
        assert row.name == "Page 6" and row.linked_by == "U1" and row.own_token_generation == 1
        grant = await grant_of(house, row)
        assert (await second_look.probe(house, grant, row)).id == PAGES[5]
        assert len(await rows(database, Consent)) == consents
        (line,) = await rows(database, AuditEvent, AuditEvent.connection_id == row.id)
        assert (line.action, line.actor) == ("linked", "U1")
        async with database.read() as session:
            left = await living.offers(session, house, second, "facebook")
        assert PAGES[5] not in {item.account.id for item in left}


async def test_a_warning_goes_on_where_a_living_login_is_used_again(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    many_pages(twins)
    async with house_at(twins, database, tmp_path, platforms=("facebook",)) as house:
        first, second = await a_client(house, "client-a", "C1"), await a_client(house, "client-b", "C2")
        await take(house, twins, first, PAGES[:2])
        (old, broken) = await logins.living(house)
        warning = await warned(house, old, days=13)
        why = Judgement(Outcome.DEAD, Reason.ROLE_LOST, "x")
        async with house.db.write() as session:
            await incidents.connection_in_trouble(session, house, broken, why, house.clock.now())
        for client, page in ((second, PAGES[5]), (first, broken.account_id)):
            await living.link(house, member(client), client.id, old.grant_id, "facebook", page)
        await work(house)
        found = {row.kind: (row.id, row.state) for row in await rows(database, Incident)}
        assert found["grant"] == (warning.id, "open")  # the same person is needed at the same end
        assert found["connection"][1] == "closed"


async def test_a_living_login_is_asked_before_it_is_used(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    many_pages(twins)
    async with house_at(twins, database, tmp_path, platforms=("facebook",)) as house:
        first, second = await a_client(house, "client-a", "C1"), await a_client(house, "client-b", "C2")
        await take(house, twins, first, PAGES[:2])
        (old, *_) = await logins.living(house)
        twins.world.change_account("facebook", PAGES[5], extra={"roles": {}})
        with pytest.raises(Refused, match="does not reach that account any more"):
            await living.link(house, member(second), second.id, old.grant_id, "facebook", PAGES[5])
        outsider = replace(member(second), outsider=True)
        with pytest.raises(Refused, match="Only members"):
            await living.link(house, outsider, second.id, old.grant_id, "facebook", PAGES[6])
        twins.world.modes["facebook.notices"] = "off"
        twins.world.set_fault("revoked", "facebook", ANNA)
        with pytest.raises(Refused, match="does not work any more"):
            await living.link(house, member(second), second.id, old.grant_id, "facebook", PAGES[6])
        assert (await grant_of(house, old)).state == "dead"
        assert len(await logins.living(house)) == 2
        async with database.read() as session:
            assert await living.offers(session, house, second, "facebook") == []


async def test_no_workspace_is_offered_the_login_of_another(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    many_pages(twins)
    async with house_at(twins, database, tmp_path, platforms=("facebook",)) as house:
        first = await a_client(house, "client-a", "C1")
        await take(house, twins, first, PAGES[:2])
        stranger = await other_workspaces_client(house)
        (old, *_) = await logins.living(house)
        async with database.read() as session:
            assert await living.offers(session, house, stranger, "facebook") == []
        actor = Actor(stranger.workspace_id, "U9", "C9")
        with pytest.raises(Refused):
            await living.link(house, actor, stranger.id, old.grant_id, "facebook", PAGES[5])
        with pytest.raises(Refused):
            await living.link(house, member(first), stranger.id, old.grant_id, "facebook", PAGES[5])
        assert await logins.living(house, Connection.client_id == stranger.id) == []


async def other_workspaces_client(house: House) -> Client:
    now = house.clock.now()
    client = Client(
        id=new_id(), workspace_id=new_id(), slug="other", name="Other", zone="UTC", created_at=now
    )
    async with house.db.write() as session:
        session.add(Workspace(id=client.workspace_id, team_id="T2", created_at=now))
        await session.flush()
        session.add(client)
    return client


async def test_an_ended_token_is_renewed_before_the_login_is_used(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path, platforms=("x",)) as house:
        connection = await linked(house, twins, "x")
        second = await a_client(house, "client-b", "C2")
        twins.advance(hours=3)
        async with database.read() as session:
            (offer,) = await living.offers(session, house, second, "x")
        assert (offer.label, offer.elsewhere) == ("@bakery", ("client-a",))
        row, _ = await living.link(house, member(second), second.id, offer.grant_id, "x", offer.account.id)
        assert row.grant_id == connection.grant_id and (await grant_of(house, row)).generation == 2


async def test_a_grant_in_trouble_is_not_offered(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path, platforms=("x",)) as house:
        connection = await linked(house, twins, "x")
        second = await a_client(house, "client-b", "C2")
        async with database.write() as session:
            await session.execute(update(Grant).where(Grant.id == connection.grant_id).values(state="ending"))
        async with database.read() as session:
            assert await living.offers(session, house, second, "x") == []


# -- handing over ------------------------------------------------------------------------------------


async def hand_over(house: House, twins: Twins, client: Client, grant_id: str, by: str) -> Consent:
    async with house.db.write() as session:
        actor = Actor(client.workspace_id, "U1", "C1")
        notice, _ = await ask(session, house, actor, grant_id, "C1", house.clock.now())
        query = select(Invitation).where(Invitation.batch_id == notice.subject_id)
        invitation = (await session.scalars(query)).one()
    token = address(house, invitation).rpartition("/")[2]
    return await take(house, twins, client, (), by=by, token=token)


async def test_handing_over_keeps_what_the_new_login_reaches_and_names_the_others(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    many_pages(twins, bens=7)
    async with house_at(twins, database, tmp_path, platforms=("facebook",)) as house:
        clients = await five_clients(house, twins)
        (old_id,) = {row.grant_id for row in await logins.living(house)}
        owners = {row.account_id: row.client_id for row in await logins.living(house)}
        consent = await hand_over(house, twins, clients[0], old_id, BEN)
        assert consent.result == "handed_over" and len(consent.connection_ids) == 7
        (bens,) = await rows(database, Grant, Grant.subject == BEN)
        moved = await logins.living(house, Connection.grant_id == bens.id)
        left = await logins.living(house, Connection.grant_id == old_id)
        assert [row.account_id for row in moved] == list(PAGES[:7])
        assert [row.account_id for row in left] == list(PAGES[7:])
        assert owners == {row.account_id: row.client_id for row in [*moved, *left]}
        lines = await rows(database, AuditEvent, AuditEvent.action == "relinked")
        assert sorted(line.connection_id for line in lines) == sorted(row.id for row in moved)
        assert all(line.detail["logins"] == [old_id, bens.id] for line in lines)
        (said,) = await told(house, "login.handed_over")
        assert "7 Facebook accounts now use the login of Ben" in said
        assert all(f"Page {number} on Facebook" in said for number in range(8, 13))
        assert "Page 7 on" not in said and "`client-c`" in said and "`client-e`" in said
        (notice,) = await rows(database, Notice, Notice.topic == "login.handed_over")
        assert notice.audience == "operations"
        twins.world.set_fault("revoked", "facebook", ANNA)  # the old login no longer matters for these
        for row in moved:
            assert (await second_look.probe(house, bens, row)).id == row.account_id


async def test_a_whole_hand_over_leaves_the_old_login_without_work(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    many_pages(twins, bens=12)
    async with house_at(twins, database, tmp_path, platforms=("facebook",)) as house:
        client = await a_client(house)
        await take(house, twins, client, PAGES[:3])
        (old_id,) = {row.grant_id for row in await logins.living(house)}
        twins.world.modes["facebook.notices"] = "off"
        twins.world.set_fault("password_changed", "facebook", ANNA)
        twins.advance(days=46)
        await second_look.tend(house, (await rows(database, Grant, Grant.id == old_id))[0])
        assert (await rows(database, Grant, Grant.id == old_id))[0].state == "dead"
        consent = await hand_over(house, twins, client, old_id, BEN)
        assert consent.result == "handed_over"
        (old,) = await rows(database, Grant, Grant.id == old_id)
        assert old.next_due_at is None
        (incident,) = await rows(database, Incident)
        assert incident.state == "closed"
        (said,) = await told(house, "login.handed_over")
        assert "Nothing was left behind" in said


@pytest.mark.parametrize(("by", "bens", "result"), [(ANNA, 12, "same_login"), (BEN, 0, "no_account")])
async def test_a_hand_over_that_cannot_be_changes_nothing(
    twins: Twins, database: Database, tmp_path: Path, by: str, bens: int, result: str
) -> None:
    many_pages(twins, bens=bens)
    async with house_at(twins, database, tmp_path, platforms=("facebook",)) as house:
        client = await a_client(house)
        await take(house, twins, client, PAGES[:2])
        (old_id,) = {row.grant_id for row in await logins.living(house)}
        consent = await hand_over(house, twins, client, old_id, by)
        assert (consent.state, consent.result) == ("failed", result)
        assert {row.grant_id for row in await logins.living(house)} == {old_id}
        (invitation,) = await rows(database, Invitation, Invitation.hand_over_of == old_id)
        assert invitation.state == "open", "somebody else may still use it"
