"""Accounts that go by another name, and API versions that come to their end."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.domain import renames, versions_ahead
from bot.domain.house import House
from bot.platforms.base import Account
from bot.platforms.versions import LINKEDIN, META, known_end
from bot.renderers import build_renderers
from sandbox.platforms.testing import Twins
from storage.database import Database
from storage.models import Connection, Notice
from tests.domain import logins
from tests.support import a_client, an_invitation, house_at, linked, walk


async def rows(database: Database, model: Any, *where: Any) -> list[Any]:
    async with database.read() as session:
        return list((await session.scalars(select(model).where(*where))).all())


async def told(house: House, topic: str) -> list[str]:
    """What the notices of a topic say."""
    render = build_renderers(house)[topic]
    messages = [await render(notice) for notice in await rows(house.db, Notice, Notice.topic == topic)]
    return [message.text for message in messages if message is not None]


# -- renamed -----------------------------------------------------------------------------------------


async def test_a_changed_handle_is_followed_by_id_with_one_quiet_line(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path, platforms=("x",)) as house:
        client = await a_client(house)
        connection = await linked(house, twins, "x", client)
        twins.world.change_account("x", "1001", handle="bakers")
        twins.advance(seconds=30)
        token = await an_invitation(house, client, "x", connection.id)
        await walk(house, twins, token)
        (row,) = await logins.living(house)
        assert (row.id, row.handle) == (connection.id, "bakers")
        (said,) = await told(house, "renamed")
        assert said == "X: *@bakery* is now *@bakers*. Nothing has to be done."
        (notice,) = await rows(database, Notice, Notice.topic == "renamed")
        assert (notice.kind, notice.audience, notice.audience_id) == ("event", "team", client.id)


async def test_a_probe_that_sees_another_handle_says_so_once(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path, platforms=("x",)) as house:
        connection = await linked(house, twins, "x")
        now = house.clock.now()
        seen = Account(connection.account_id, "bakers", "Made up")
        for _ in range(2):
            async with database.write() as session:
                row = await session.get_one(Connection, connection.id)
                await renames.follow(session, row, seen, now, only_handle=True)
        (row,) = await logins.living(house)
        assert (row.handle, row.name) == ("bakers", connection.name)
        assert len(await rows(database, Notice, Notice.topic == "renamed")) == 1


# -- versions that end -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "end"),
    [
        (META, "v22.0", date(2027, 5, 20)),
        (META, "v26.0", None),
        (META, "v99.0", None),
        (LINKEDIN, "202609", date(2027, 9, 1)),
        (LINKEDIN, "202699", None),
        ("ANOTHER_VERSION", "202609", None),
    ],
)
def test_known_ends(name: str, value: str, end: date | None) -> None:
    assert known_end(name, value) == end


def test_only_the_nearest_step_counts() -> None:
    end = date(2027, 5, 20)
    left = (61, 60, 15, 14, 2, 1, 0, -9)
    steps = [versions_ahead.step_for(end, end - timedelta(days=days)) for days in left]
    assert steps == [None, 60, 60, 14, 14, 1, 1, 1]


async def test_the_operator_hears_ahead_of_a_versions_end(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path, platforms=("instagram", "x")) as made:
        end = made.clock.now().date() + timedelta(days=70)
        month = end.replace(year=end.year - 1)
        versions = {LINKEDIN: f"{month:%Y%m}", META: "v22.0"}
        house = replace(made, versions=versions)
        await a_client(house)
        until = known_end(META, "v22.0")
        assert until is not None
        days = (until - house.clock.now().date()).days
        assert await versions_ahead.tell(house) == 0
        for left, said in ((59, 1), (40, 0), (14, 1), (1, 1), (0, 0)):
            twins.advance(days=days - left)
            days = left
            assert await versions_ahead.tell(house) == said, left
        notices = await rows(database, Notice, Notice.topic == "engine.version")
        assert {notice.audience for notice in notices} == {"operations"} and len(notices) == 3
        assert "LINKEDIN" not in "".join(await told(house, "engine.version")), "that one is switched off"
        assert "`META_GRAPH_VERSION`" in (await told(house, "engine.version"))[0]
