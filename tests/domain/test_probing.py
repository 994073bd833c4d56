from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.domain import check_now, incidents, probing, second_look
from bot.domain.auditing import Actor
from bot.domain.errors import Refused
from bot.domain.outcomes import Judgement, Outcome
from bot.jobs import sweep
from bot.platforms.base import Account
from bot.platforms.errors import Reason
from sandbox.platforms import testing_meta
from sandbox.platforms.testing import Twins
from storage import watching
from storage.database import Database
from storage.models import Connection, Delivery, Grant, Notice
from tests.domain.crowd import a_post, all_incidents, crowd, live, told, work
from tests.domain.logins import link_first
from tests.support import a_client, another, grant_of, house_at, linked


def probes(twins: Twins, platform: str) -> int:
    return len(twins.world.ledger.find("token_presented", platform=platform, group="probe"))


async def test_a_silent_death_is_found_without_a_refresh_or_a_post(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        await work(house)
        twins.world.set_fault("password_changed", "instagram", account=connection.account_id)
        await live(house, twins, days=2)
        grant = await grant_of(house, connection)
        assert (grant.state, grant.reason) == ("dead", Reason.PASSWORD_CHANGED)
        assert len(await told(database)) == 1


@pytest.mark.parametrize("worded", ["impersonating", "permission", "missing"])
async def test_a_lost_role_is_found_though_the_token_is_said_to_live(
    twins: Twins, database: Database, tmp_path: Path, worded: str
) -> None:
    testing_meta.populate(twins)
    twins.world.modes |= {"facebook.debug_role": "unseen", "facebook.role_lost": worded}
    async with house_at(twins, database, tmp_path, platforms=("facebook",)) as house:
        connection = await link_first(house, twins, "facebook", testing_meta.ANNA)
        await work(house)
        twins.world.set_fault("role_lost", "facebook", account=connection.account_id)
        await live(house, twins, days=2)
        async with database.read() as session:
            row = await session.get_one(Connection, connection.id)
        assert row.problem in (Reason.ROLE_LOST, Reason.PERMISSION_MISSING, Reason.ACCOUNT_GONE)
        assert (await grant_of(house, connection)).state == "live"
        assert len(await told(database)) == 1


async def test_what_proved_itself_lately_is_left_alone(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        await work(house)
        before = probes(twins, "instagram")
        await live(house, twins, hours=20)
        assert probes(twins, "instagram") == before
        async with database.write() as session:
            await session.execute(update(Connection).values(proved_at=house.clock.now()))
        await live(house, twins, hours=20)
        assert probes(twins, "instagram") == before
        await live(house, twins, hours=12)
        assert probes(twins, "instagram") == before + 1
        assert (await grant_of(house, connection)).state == "live"


async def test_a_check_follows_a_changed_handle_by_id_with_one_quiet_line(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        await work(house)
        twins.world.change_account("instagram", connection.account_id, handle="bakers")
        await live(house, twins, days=4)
        async with database.read() as session:
            row = await session.get_one(Connection, connection.id)
            lines = (await session.scalars(select(Notice).where(Notice.topic == "renamed"))).all()
        assert (row.handle, row.account_id, row.problem) == ("bakers", connection.account_id, None)
        (line,) = lines
        assert line.facts == {"old": "@bakery", "new": "@bakers"}
        assert (line.kind, line.audience, line.audience_id) == ("event", "team", row.client_id)
        assert await all_incidents(database) == []


async def test_where_refreshing_is_the_proof_nothing_is_asked(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        await linked(house, twins, "x")
        before = probes(twins, "x")
        await live(house, twins, hours=12)
        assert probes(twins, "x") == before


@pytest.mark.parametrize(("hours_ago", "asked"), [(7, 1), (3, 0)])
async def test_an_account_is_proved_within_the_hour_before_its_post(
    twins: Twins, database: Database, tmp_path: Path, hours_ago: int, asked: int
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        await work(house)
        twins.advance(hours=hours_ago)
        before = probes(twins, "instagram")
        await a_post(house, connection, minutes=40)
        await work(house)
        await work(house)
        assert probes(twins, "instagram") == before + asked


async def test_one_look_before_a_post_is_one_question_however_many_processes_look(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        connections = await crowd(house, twins, "instagram", [client], 40)
        await work(house)
        twins.advance(hours=7)
        before = probes(twins, "instagram")
        for connection in connections:
            await a_post(house, connection, minutes=40)
        await asyncio.gather(*(sweep.look_around(one) for one in (house, another(house, "two"))))
        assert probes(twins, "instagram") == before + len(connections)


async def test_a_look_that_was_due_anyway_is_the_look_before_the_post(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        await work(house)
        twins.advance(days=2)
        before = probes(twins, "instagram")
        await a_post(house, connection, minutes=40)
        await work(house)
        assert probes(twins, "instagram") == before + 1


async def test_trouble_of_the_account_is_its_own_incident(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        await work(house)
        twins.world.set_fault("suspended", "instagram", account=connection.account_id)
        await live(house, twins, days=4)
        (incident,) = await all_incidents(database)
        assert (incident.kind, incident.connection_id) == ("connection", connection.id)
        assert (await grant_of(house, connection)).state == "live"
        assert len(await told(database)) == 1


async def test_a_check_without_an_answer_concludes_nothing(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        await work(house)
        twins.world.set_fault("unavailable", "instagram", group="probe")
        await live(house, twins, days=1, hours=8)
        assert {one.kind for one in await all_incidents(database)} <= {"platform"}
        async with database.read() as session:
            row = await session.get_one(Connection, connection.id)
            grant = await session.get_one(Grant, connection.grant_id)
        assert row.problem is None and grant.state == "live" and row.probed_at is not None


async def test_trouble_that_a_check_can_see_ends_by_itself_and_its_posts_go(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")  # where nothing is checked otherwise
        await work(house)
        twins.world.set_fault("suspended", "x", account=connection.account_id)
        await a_post(house, connection, minutes=0)
        later = await a_post(house, connection, days=3)
        await live(house, twins, minutes=5)
        (incident,) = await all_incidents(database)
        assert (incident.state, incident.connection_id) == ("open", connection.id)
        before = probes(twins, "x")
        await live(house, twins, hours=20)
        assert probes(twins, "x") <= before + 1
        twins.world.faults.clear()
        await live(house, twins, days=1, hours=2)
        (incident,) = await all_incidents(database)
        assert (incident.state, incident.closed_how) == ("closed", "recovered")
        async with database.read() as session:
            row = await session.get_one(Connection, connection.id)
            delivery = await session.get_one(Delivery, later)
        assert row.problem is None and delivery.state == "scheduled"


async def test_trouble_that_no_check_can_see_waits_for_a_person(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        await work(house)
        async with database.write() as session:
            now = house.clock.now()
            trouble = {"problem": Reason.SPAM, "problem_at": now, "next_change_at": now}
            await session.execute(update(Connection).values(**trouble))
        before = probes(twins, "instagram")
        await live(house, twins, days=4)
        async with database.read() as session:
            row = await session.get_one(Connection, connection.id)
        assert row.problem == Reason.SPAM and probes(twins, "instagram") == before + 1


async def test_a_check_that_began_before_the_newest_refusal_ends_nothing(
    twins: Twins, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        why = Judgement(Outcome.DEAD, Reason.SUSPENDED, "x")
        real = second_look.probe

        async def refuse() -> None:
            """A post is refused, as `reports.account_trouble` writes it down."""
            async with house.db.write() as session:
                now = house.clock.now()
                values = {"problem": why.reason, "problem_at": now}
                await session.execute(update(Connection).values(**values))
                await incidents.connection_in_trouble(session, house, connection, why, now)

        async def probe(*of_it: Any) -> Account:
            seen = await real(*of_it)
            await refuse()  # while the answer is on its way
            return seen

        await refuse()
        async with house.db.write() as session:
            await watching.probed(session, connection.id, house.clock.now())
            found = await watching.load(session, connection.id)
        assert found is not None
        (incident,) = await all_incidents(database)
        actor = Actor(connection.workspace_id, "U1")
        with monkeypatch.context() as patched:
            patched.setattr(second_look, "probe", probe)
            await probing.check(house, found)
            with pytest.raises(Refused, match="refused again"):
                await check_now.check(house, actor, incident.id)
        (incident,) = await all_incidents(database)
        async with database.read() as session:
            row = await session.get_one(Connection, connection.id)
        assert (incident.state, row.problem) == ("open", Reason.SUSPENDED)
        assert await check_now.check(house, actor, incident.id)
        assert [one.state for one in await all_incidents(database)] == ["closed"]
