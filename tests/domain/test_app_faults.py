"""Our own app is refused: told to the operator wherever it is met, and over once a call disproves it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain import app_faults, taking
from bot.domain.auditing import Actor
from bot.domain.house import House
from bot.domain.outcomes import Judgement, Outcome
from bot.platforms.errors import Reason
from sandbox.platforms.testing import Twins
from storage.database import Database
from storage.models import Connection, Delivery, Incident
from tests.domain.crowd import a_post, all_incidents, live, told, work
from tests.support import a_client, an_invitation, house_at, linked, walk


async def the_only_one(database: Database) -> Incident:
    (incident,) = await all_incidents(database)
    assert incident.kind == "app" and {notice.audience for notice in await told(database)} == {"operations"}
    return incident


async def posted(house: House, twins: Twins, connection: Connection) -> Delivery:
    delivery_id = await a_post(house, connection, minutes=1)
    await live(house, twins, minutes=5)
    async with house.db.read() as session:
        return await session.get_one(Delivery, delivery_id)


@pytest.mark.parametrize("fault", ["secret_wrong", "app_suspended"])
async def test_a_renewal_that_gets_through_ends_it(
    twins: Twins, database: Database, tmp_path: Path, fault: str
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        await linked(house, twins, "x")
        twins.world.set_fault(fault, "x")
        await live(house, twins, hours=2)
        assert (await the_only_one(database)).state == "open"
        twins.world.faults.clear()
        await live(house, twins, hours=2)
        assert (await the_only_one(database)).state == "closed"


async def test_a_post_that_meets_it_tells_the_operator_and_a_post_that_is_out_ends_it(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        twins.world.set_fault("credits_depleted", "x")
        failed = await posted(house, twins, connection)
        assert (failed.state, failed.reason) == ("failed", Reason.CREDITS)
        assert (await the_only_one(database)).reason == Reason.CREDITS
        await live(house, twins, hours=5)
        assert (await the_only_one(database)).state == "open", "renewing costs no credits and proves none"
        twins.world.faults.clear()
        assert (await posted(house, twins, connection)).state == "published"
        assert (await the_only_one(database)).state == "closed"


async def test_a_consent_that_gets_through_ends_what_refused_an_earlier_one(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        twins.world.set_fault("secret_wrong", "instagram")
        await walk(house, twins, await an_invitation(house, client, "instagram"))
        assert (await the_only_one(database)).state == "open"
        twins.world.faults.clear()
        await walk(house, twins, await an_invitation(house, client, "instagram"))
        await work(house)
        assert (await the_only_one(database)).state == "closed"


async def test_what_is_refused_for_another_reason_is_told_and_what_is_back_is_nobodys(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        workspace_id = (await linked(house, twins, "x")).workspace_id
        actor = Actor(workspace_id, "U0ADA", "COPS")

        async def refused(reason: Reason) -> list[tuple[str, str]]:
            async with house.db.write() as session:
                why = Judgement(Outcome.APP, reason, "x")
                await app_faults.app_refused(session, workspace_id, "x", why, house.clock.now())
            twins.advance(seconds=60)
            return [(one.reason, one.state) for one in await all_incidents(database)]

        async def renewed() -> None:
            async with house.db.write() as session:
                now, disproved = house.clock.now(), app_faults.BY_A_RENEWAL
                await app_faults.app_works(session, workspace_id, "x", now, disproved)

        await refused(Reason.APP_SECRET)
        first = await the_only_one(database)
        async with house.db.write() as session:
            await taking.take(session, actor, first.id, house.clock.now())
        await renewed()
        assert await refused(Reason.APP_SECRET) == [("app_secret", "open")]
        again = await the_only_one(database)
        assert (again.id, again.taken_by) == (first.id, None), "who had it saw it end"
        await renewed()
        both = [("app_secret", "closed"), ("credits", "open")]
        assert await refused(Reason.CREDITS) == both
        assert await refused(Reason.APP_SECRET) == both, "one at a time"
        await renewed()
        assert [(one.reason, one.state) for one in await all_incidents(database)] == both
        assert len(await told(database)) == 2
