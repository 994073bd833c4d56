from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bot.domain import mass
from bot.domain.house import House
from bot.platforms.errors import Kind, PlatformError
from bot.renderers import build_renderers
from sandbox.platforms.testing import Twins
from storage.database import Database
from storage.models import Client, Connection, Grant, Notice
from tests.domain.crowd import all_incidents, crowd, linked_as, live, news, states, told, work
from tests.support import a_client, an_invitation, grant_of, house_at, our_app, walk


async def all_refused(house: House, twins: Twins, rows: list[Connection]) -> None:
    """Every login removes our app, and is due to be renewed."""
    for row in rows:
        twins.world.set_fault("revoked", "x", account=row.account_id)
    twins.advance(hours=1.6)
    async with house.db.write() as session:
        await session.execute(
            update(Grant)
            .where(Grant.id.in_([row.grant_id for row in rows]))
            .values(next_due_at=house.clock.now())
        )


async def test_many_refused_at_once_are_one_alert_and_one_in_each_channel(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        clients = [await a_client(house, f"client-{index}", f"C{index}") for index in range(8)]
        rows = await crowd(house, twins, "x", clients, 16)
        await all_refused(house, twins, rows)
        await live(house, twins, minutes=3)
        assert await states(house) == {"dead": 16}
        roots = await told(database)
        operations = [root for root in roots if root.audience == "operations"]
        assert len(operations) == 1
        by_channel: dict[str | None, int] = {}
        for root in roots:
            if root.audience == "team":
                by_channel[root.audience_id] = by_channel.get(root.audience_id, 0) + 1
        assert by_channel == {client.id: 1 for client in clients}
        await _names_only_its_own(house, roots, clients[0].id)
        await _cured(house, twins, rows)
        assert all(one.state == "closed" for one in await all_incidents(database))


async def _names_only_its_own(house: House, roots: list[Notice], client_id: str) -> None:
    renderers = build_renderers(house)
    said = {root.audience_id: await renderers["incident"](root) for root in roots}
    own, everything = said[client_id], said[None]
    assert own is not None and everything is not None
    assert "Client-0" in own.text and "Client-1" not in own.text and "2 accounts down" in own.text
    assert "16 accounts" in everything.text and "Client-1" in everything.text


async def _cured(house: House, twins: Twins, rows: list[Connection]) -> None:
    twins.world.faults.clear()
    for row in rows:
        async with house.db.read() as session:
            client = await session.get_one(Client, row.client_id)
        token = await an_invitation(house, client, "x", row.id)
        await walk(house, twins, token, **{"as": row.account_id})


async def test_the_app_is_checked_first_and_blamed_if_it_is_to_blame(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        clients = [await a_client(house, f"client-{index}", f"C{index}") for index in range(4)]
        rows = await crowd(house, twins, "x", clients, 14)
        witness = await linked_as(house, twins, "x", clients[0], "1001")
        await all_refused(house, twins, rows)
        async with house.db.write() as session:  # nobody refused this one, and its access token still works
            end = house.clock.now() + timedelta(hours=2)
            await session.execute(
                update(Grant)
                .where(Grant.id == witness.grant_id)
                .values(access_expires_at=end, next_due_at=end)
            )
        twins.world.set_fault("app_suspended", "x", account="1001", group="probe")
        await live(house, twins, minutes=3)
        assert await states(house) == {"live": 15}
        opened = [one for one in await all_incidents(database) if one.state == "open"]
        assert [one.kind for one in opened] == ["app"]
        assert [root.audience for root in await told(database)] == ["operations"]
        async with database.read() as session:
            links = await session.execute(select(Notice).where(Notice.topic == "invitation.client"))
            assert links.all() == []


HOW_WELL = {"x": "still accepts our app's id", "instagram": "could not be checked"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("platform", ["x", "instagram"])
async def test_where_nobody_is_left_to_try_the_app_with_the_alert_claims_no_more_than_is_known(
    twins: Twins, database: Database, tmp_path: Path, platform: str
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        clients = [await a_client(house, f"client-{index}", f"C{index}") for index in range(4)]
        rows = await crowd(house, twins, platform, clients, 12)
        for row in rows:
            twins.world.set_fault("revoked", platform, account=row.account_id)
        twins.advance(days=46)
        async with house.db.write() as session:
            await session.execute(update(Grant).values(next_due_at=house.clock.now()))
        await live(house, twins, minutes=3)
        assert await states(house) == {"dead": 12}
        (root,) = [root for root in await told(database) if root.audience == "operations"]
        said = await build_renderers(house)["incident"](root)
        assert said is not None and HOW_WELL[platform] in said.text and "is fine" not in said.text


@pytest.mark.parametrize(
    ("platform", "known"), [("threads", True), ("facebook", True), ("linkedin", True), ("x", False)]
)
async def test_the_app_is_asked_about_without_anybodys_token_where_that_can_be(
    twins: Twins, tmp_path: Path, migrated_sqlite: Path, platform: str, known: bool
) -> None:
    shutil.copy(migrated_sqlite, tmp_path / "test.db")
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/test.db")
    async with house_at(twins, database, tmp_path, platforms=(platform,)) as house:
        speaks = house.platforms[platform]
        assert await speaks.check_app(house.call(speaks)) is known
        if known:
            key = (platform, our_app(platform).client_id)
            twins.world.apps[key] = replace(twins.world.apps[key], secret="another one by now")
            with pytest.raises(PlatformError) as refused:
                await speaks.check_app(house.call(speaks))
            assert refused.value.verdict.kind is Kind.APP
    await database.close()


async def test_a_few_deaths_are_told_within_a_minute_each_in_its_own_thread(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        clients = [await a_client(house, f"client-{index}", f"C{index}") for index in range(4)]
        rows = await crowd(house, twins, "x", clients, 4)
        await all_refused(house, twins, rows)
        await live(house, twins, seconds=mass.HELD_FOR.total_seconds() + 15)
        assert await states(house) == {"dead": 4}
        assert {one.kind for one in await all_incidents(database)} == {"grant"}
        assert len(await told(database)) == 4


async def test_tokens_that_run_out_together_are_no_revocation(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        clients = [await a_client(house, f"client-{index}", f"C{index}") for index in range(12)]
        rows = await crowd(house, twins, "instagram", clients, 12)
        async with house.db.write() as session:
            await session.execute(
                update(Grant).values(access_expires_at=house.clock.now(), next_due_at=house.clock.now())
            )
        await work(house)
        assert await states(house) == {"dead": 12}
        assert {one.kind for one in await all_incidents(database)} == {"grant"}
        assert (await grant_of(house, rows[0])).reason == "expired"
        assert await news(database) == []
