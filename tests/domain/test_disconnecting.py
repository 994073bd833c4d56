from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.domain import disconnecting, incidents, revoking, tokens
from bot.domain.auditing import Actor
from bot.domain.errors import NotCurrent
from bot.domain.house import House
from bot.domain.outcomes import Judgement, Outcome
from bot.domain.posting import Draft, queue
from bot.http import NotSent
from bot.jobs import sweep
from bot.messages.disconnect import disconnected
from bot.platforms.content import Content
from bot.platforms.errors import Reason
from sandbox.platforms.testing import Twins
from storage.database import Database
from storage.models import (
    Client,
    Connection,
    Consent,
    Delivery,
    Departure,
    Grant,
    Incident,
    Invitation,
    Notice,
    Workspace,
    new_id,
)
from tests.support import a_client, an_invitation, another, grant_of, house_at, linked, walk


async def leave(house: House, connection: Connection, user: str = "U1") -> int:
    """Disconnects an account as it stands; how many posts were cancelled."""
    actor = Actor(connection.workspace_id, user, "C1")
    async with house.db.write() as session:
        row = await session.get_one(Connection, connection.id, populate_existing=True)
        now = house.clock.now()
        done = await disconnecting.disconnect(session, actor, row.id, row.generation, now)
    return done.cancelled


async def row_of(house: House, model: Any, row_id: str) -> Any:
    async with house.db.read() as session:
        return await session.get_one(model, row_id)


async def departure(house: House) -> Departure:
    async with house.db.read() as session:
        return (await session.execute(select(Departure))).scalar_one()


async def queued(house: House, connection: Connection, **values: Any) -> Delivery:
    actor = Actor(connection.workspace_id, "U1", "C1")
    draft = Draft(new_id(), connection.client_id, (connection.id,), Content(text="Hello"), house.clock.now())
    async with house.db.write() as session:
        post = await queue(session, house, actor, draft, house.clock.now())
        await session.flush()
        found = (await session.execute(select(Delivery).where(Delivery.post_id == post.id))).scalar_one()
        for name, value in values.items():
            setattr(found, name, value)
    return found


def calls_to_revoke(twins: Twins) -> int:
    return len(twins.world.ledger.find("revoke"))


async def test_disconnecting_ends_everything_and_keeps_the_row(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        waiting = await queued(house, connection)
        held = await queued(house, connection, state="blocked", next_at=None)
        why = Judgement(Outcome.DEAD, Reason.SUSPENDED, "x")
        async with house.db.write() as session:
            await incidents.connection_in_trouble(session, house, connection, why, house.clock.now())
        assert await leave(house, connection) == 2
        row = await row_of(house, Connection, connection.id)
        assert (row.state, row.generation) == ("disconnected", connection.generation + 1)
        for item in (waiting, held):
            after = await row_of(house, Delivery, item.id)
            assert (after.state, after.next_at) == ("cancelled", None)
        async with house.db.read() as session:
            (incident,) = (await session.execute(select(Incident))).scalars()
            links = select(Invitation).where(Invitation.connection_id == connection.id)
            states = {item.state for item in (await session.execute(links)).scalars()}
            told = select(Notice).where(Notice.topic == "disconnected")
            (notice,) = (await session.execute(told)).scalars()
        assert incident.state == "closed" and states == {"closed"}
        assert notice.facts["deliveries"] == [waiting.id, held.id]
        assert (await grant_of(house, connection)).next_due_at is None


async def test_what_was_on_its_way_and_did_not_get_out_is_told(
    twins: Twins, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        delivery = await queued(house, connection)

        async def send(*_: Any) -> None:
            assert await leave(house, connection) == 0
            raise NotSent("POST api.x.com/2/tweets", "test")

        monkeypatch.setattr(type(house.platforms["x"]), "send", send)
        await sweep.publish_due(house)
        twins.advance(seconds=60)
        await sweep.publish_due(house)
        after = await row_of(house, Delivery, delivery.id)
        assert (after.state, after.reason, after.next_at) == ("failed", "disconnected", None)
        async with house.db.read() as session:
            news = (await session.scalars(select(Notice).where(Notice.topic == "post.news"))).all()
        assert [item.facts["what"] for item in news] == ["failed"]


async def test_of_two_presses_one_counts(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        actor = Actor(connection.workspace_id, "U1", "C1")

        async def press() -> int:
            async with house.db.write() as session:
                now = house.clock.now()
                done = await disconnecting.disconnect(session, actor, connection.id, 1, now)
            return done.cancelled

        results = await asyncio.gather(*(press() for _ in range(5)), return_exceptions=True)
        assert results.count(0) == 1
        assert sum(isinstance(item, NotCurrent) for item in results) == 4
        assert (await departure(house)).state == "due"


async def test_another_workspace_cannot_disconnect(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        async with house.db.write() as session:
            with pytest.raises(NotCurrent):
                actor = Actor(new_id(), "U9", "C1")
                await disconnecting.disconnect(session, actor, connection.id, 1, house.clock.now())
        assert (await row_of(house, Connection, connection.id)).state == "live"


async def test_our_access_is_taken_back_at_the_platform(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        await leave(house, connection)
        assert await revoking.revoke_due(house) == 1
        grant = await grant_of(house, connection)
        assert (grant.state, grant.access_token, grant.refresh_token) == ("forgotten", None, None)
        assert grant.lease_owner is None
        after = await departure(house)
        assert (after.state, after.due_at) == ("revoked", None)
        assert calls_to_revoke(twins) == 1
        assert await revoking.revoke_due(house) == 0


async def test_where_the_platform_has_no_such_call_the_message_says_where_to_go(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        await leave(house, connection)
        await revoking.revoke_due(house)
        assert (await departure(house)).state == "forgotten"
        assert (await grant_of(house, connection)).access_token is None
        row = await departure(house)
        async with house.db.read() as session:
            gone = await disconnecting.picture(session, house, row.workspace_id, row.id, [], 0, "U1")
        assert gone is not None and gone.fate == "forgotten"
        assert gone.account.platform.permission_page == house.platforms["instagram"].info.permission_page


async def test_several_processes_ask_the_platform_once(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        await leave(house, connection)
        houses = [another(house, f"process-{number}") for number in range(5)]
        await asyncio.gather(*(revoking.revoke_due(one) for one in houses))
        assert calls_to_revoke(twins) == 1
        assert (await departure(house)).state == "revoked"


async def test_what_is_in_flight_runs_out_first(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        sending = await queued(house, connection, state="sending", next_at=None)
        assert await leave(house, connection) == 0
        await revoking.revoke_due(house)
        assert (await row_of(house, Delivery, sending.id)).state == "sending"
        assert (await departure(house)).state == "due" and calls_to_revoke(twins) == 0
        assert tokens.open_tokens(house.vault, await grant_of(house, connection)).access_token
        async with house.db.write() as session:
            await session.execute(update(Delivery).values(state="published"))
        twins.advance(hours=0.1)
        await revoking.revoke_due(house)
        assert (await departure(house)).state == "revoked"


async def test_a_login_on_which_another_workspace_rests_is_left_alone(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        mine = await linked(house, twins, "x")
        theirs = await _in_another_workspace(house, mine)
        await leave(house, mine)
        await revoking.revoke_due(house)
        row = await departure(house)
        assert row.state == "kept" and calls_to_revoke(twins) == 0
        assert (await grant_of(house, theirs)).access_token is not None
        async with house.db.read() as session:
            gone = await disconnecting.picture(session, house, row.workspace_id, row.id, [], 0, "U1")
        assert gone is not None and gone.others == ()


async def _in_another_workspace(house: House, connection: Connection) -> Connection:
    now = house.clock.now()
    async with house.db.write() as session:
        workspace = Workspace(id=new_id(), team_id="T2", created_at=now)
        session.add(workspace)
        await session.flush()
        place = {"workspace_id": workspace.id, "created_at": now}
        client = Client(id=new_id(), slug="secret", name="Secret", zone="UTC", **place)
        session.add(client)
        await session.flush()
        row = Connection(
            id=new_id(),
            client_id=client.id,
            grant_id=connection.grant_id,
            platform=connection.platform,
            account_id=connection.account_id,
            handle="secret",
            linked_at=now,
            **place,
        )
        session.add(row)
    return row


async def test_the_last_of_several_accounts_takes_the_login_with_it(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        first = await linked(house, twins, "x")
        second = await _in_another_workspace(house, first)
        for connection in (first, second):
            await leave(house, connection)
        await revoking.revoke_due(house)
        async with database.read() as session:
            states = [row.state for row in (await session.execute(select(Departure))).scalars()]
        assert states == ["revoked", "revoked"] and calls_to_revoke(twins) == 1


async def test_a_message_told_late_says_what_became_of_the_access(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        await leave(house, connection)
        row = await departure(house)
        for fate, words in (("due", "After that our access"), ("revoked", "was taken back")):
            async with house.db.write() as session:
                await session.execute(update(Departure).values(state=fate))
            async with house.db.read() as session:
                gone = await disconnecting.picture(session, house, row.workspace_id, row.id, [], 0, "U1")
                foreign = await disconnecting.picture(session, house, new_id(), row.id, [], 0, "U1")
            assert gone is not None and words in disconnected(gone).text
            assert foreign is None


async def test_linked_again_it_is_the_same_row_and_nothing_is_taken_back(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        connection = await linked(house, twins, "x", client)
        await leave(house, connection)
        await walk(house, twins, await an_invitation(house, client, "x"))
        await revoking.revoke_due(house)
        row = await row_of(house, Connection, connection.id)
        assert (row.state, row.disconnected_at) == ("live", None)
        assert (await departure(house)).state == "void" and calls_to_revoke(twins) == 0


async def test_a_consent_under_way_is_waited_for(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        await leave(house, connection)
        async with house.db.write() as session:
            await session.execute(update(Consent).values(state="choosing", grant_id=connection.grant_id))
        await revoking.revoke_due(house)
        assert (await departure(house)).state == "due" and calls_to_revoke(twins) == 0


@pytest.mark.parametrize("fault", ["unavailable", "html_error", "rate_limited"])
async def test_without_an_answer_it_is_asked_again_and_given_up_in_the_end(
    twins: Twins, database: Database, tmp_path: Path, fault: str
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        await leave(house, connection)
        twins.world.set_fault(fault, "x")
        await revoking.revoke_due(house)
        row = await departure(house)
        assert (row.state, row.tries) == ("due", 1) and row.due_at is not None
        assert row.due_at > house.clock.now()
        assert (await grant_of(house, connection)).lease_owner is None
        for _ in range(revoking.TRIES_MOST):
            twins.advance(days=1)
            await revoking.revoke_due(house)
        assert (await departure(house)).state == "forgotten"
        assert (await grant_of(house, connection)).access_token is None


async def test_a_dead_login_is_forgotten_without_a_call(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        await leave(house, connection)
        async with house.db.write() as session:
            await session.execute(update(Grant).values(state="dead"))
        await revoking.revoke_due(house)
        assert (await departure(house)).state == "forgotten" and calls_to_revoke(twins) == 0
