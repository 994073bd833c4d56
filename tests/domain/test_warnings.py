from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from bot.domain import warnings, working_time
from bot.domain.house import House
from bot.domain.working_time import WorkingTime
from sandbox.platforms.testing import Twins
from storage import watching
from storage.database import Database
from storage.models import Connection, Grant, Incident, Workspace
from tests.domain.crowd import a_post, all_incidents, linked_as, live, news, told, work
from tests.support import a_client, house_at, linked

ALWAYS = {"working_days": [1, 2, 3, 4, 5, 6, 7]}


async def ends_in(house: House, connection: Connection, **span: float) -> datetime:
    """A consent whose end only a person can move (a data access end), looked at as after a consent."""
    end = house.clock.now() + timedelta(**span)
    async with house.db.write() as session:
        await session.execute(update(Workspace).values(settings=ALWAYS))
        await session.execute(
            update(Grant).where(Grant.id == connection.grant_id).values(data_access_expires_at=end)
        )
        await watching.look_again(session, connection.grant_id, house.clock.now())
    return end


async def the_warning(database: Database) -> Incident:
    (incident,) = [one for one in await all_incidents(database) if one.severity == "warning"]
    return incident


async def test_each_step_is_told_once_in_one_thread(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        end = await ends_in(house, connection, days=20)
        await live(house, twins, days=5)
        assert await all_incidents(database) == []
        await live(house, twins, days=1, hours=1)
        incident = await the_warning(database)
        assert incident.detail == {"until": end.isoformat(), "step": 14}
        assert len(await told(database, incident.id)) == 1 and await news(database) == []
        await live(house, twins, days=12, hours=12)
        replies = await told(database, incident.id, "incident.news")
        assert [reply.facts["what"] for reply in replies] == ["warning", "warning"]  # 7 and 3 days
        await live(house, twins, hours=12)
        replies = await told(database, incident.id, "incident.news")
        assert [reply.broadcast for reply in replies] == [False, False, True]  # 1 day: in the channel too
        assert len(await told(database)) == 1 and (await the_warning(database)).detail["step"] == 1


async def test_of_several_steps_at_once_only_the_nearest_is_told(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        await ends_in(house, connection, days=2, hours=12)
        await work(house)
        assert (await the_warning(database)).detail["step"] == 3
        assert await news(database) == []


async def test_a_warning_that_was_cured_closes_itself(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        await ends_in(house, connection, days=5)
        await work(house)
        incident = await the_warning(database)
        await ends_in(house, connection, days=80)
        await work(house)
        assert (await the_warning(database)).state == "closed"
        assert await news(database, incident.id) == ["renewed"]


async def test_posts_beyond_the_end_are_warned_of_early(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        await ends_in(house, connection, days=30)
        await work(house)
        assert await all_incidents(database) == []
        await a_post(house, connection, days=31)
        await live(house, twins, days=1, minutes=1)
        assert (await the_warning(database)).detail["step"] == warnings.EARLY


async def test_accounts_of_one_login_share_one_thread(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        first = await linked(house, twins, "instagram", client)
        second = await linked_as(house, twins, "instagram", client, "17841400000000002")
        async with database.write() as session:
            await session.execute(
                update(Connection).where(Connection.id == second.id).values(grant_id=first.grant_id)
            )
        await ends_in(house, first, days=6)
        await work(house)
        assert len(await all_incidents(database)) == 1 and len(await told(database)) == 1


async def test_an_idle_look_around_writes_nothing(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        await work(house)
        async with database.read() as session:
            row = await session.get_one(Connection, connection.id)
            assert row.next_change_at is None  # nothing about it can change by itself
            assert not await watching.any_due(session, house.clock.now())


BERLIN = working_time.of(Workspace(zone="Europe/Berlin", settings={}))


@pytest.mark.parametrize(
    ("moment", "warned"),
    [
        (datetime(2026, 11, 20, 15, tzinfo=UTC), datetime(2026, 11, 20, 15, tzinfo=UTC)),  # a Friday
        (datetime(2026, 11, 21, 15, tzinfo=UTC), datetime(2026, 11, 20, 8, tzinfo=UTC)),
        (datetime(2026, 11, 22, 15, tzinfo=UTC), datetime(2026, 11, 20, 8, tzinfo=UTC)),
    ],
)
def test_a_day_off_is_warned_on_the_last_working_day_before(moment: datetime, warned: datetime) -> None:
    assert BERLIN.not_on_a_day_off(moment) == warned


def test_working_hours_pass_only_while_people_work() -> None:
    friday = datetime(2026, 11, 20, 15, tzinfo=UTC)  # 16:00 in Berlin: two hours are left
    assert BERLIN.after(friday, 4) == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert BERLIN.after(datetime(2026, 11, 21, 3, tzinfo=UTC), 4) == datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "settings", [{}, {"working_days": [], "working_hours": [18, 9]}, {"working_days": "x"}]
)
def test_settings_that_make_no_sense_mean_the_usual_week(settings: dict[str, object]) -> None:
    assert working_time.of(Workspace(zone="Nowhere/At-all", settings=settings)) == WorkingTime(
        ZoneInfo("UTC")
    )
