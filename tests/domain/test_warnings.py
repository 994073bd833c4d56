from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from bot.domain import deciding, posting, replanning, warnings, working_time
from bot.domain.auditing import Actor
from bot.domain.house import House
from bot.domain.working_time import WorkingTime
from bot.platforms.content import Content, Media, MediaKind
from bot.renderers import build_renderers
from sandbox.platforms.testing import Twins
from storage import watching
from storage.database import Database
from storage.models import Connection, Delivery, Grant, Incident, Workspace
from tests.domain.crowd import a_post, all_incidents, linked_as, live, news, round_the_clock, told, work
from tests.support import a_client, an_invitation, grant_of, house_at, linked, walk

DAY = timedelta(days=1)
WEEK = timedelta(days=7)


async def ends_in(house: House, connection: Connection, **span: float) -> datetime:
    """A consent whose end only a person can move (a data access end), looked at as after a consent."""
    end = house.clock.now() + timedelta(**span)
    async with house.db.write() as session:
        await session.execute(update(Workspace).values(**round_the_clock(house.clock.now())))
        long_ago = house.clock.now() - timedelta(days=70)  # of a short life people hear at linking
        values = {"data_access_expires_at": end, "consented_at": long_ago}
        await session.execute(update(Grant).where(Grant.id == connection.grant_id).values(**values))
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


async def test_a_renewal_that_keeps_failing_is_told_before_the_end(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        now = house.clock.now()
        async with house.db.write() as session:
            await session.execute(update(Workspace).values(**round_the_clock(house.clock.now())))
            life = {
                "access_issued_at": now - 51 * DAY,
                "access_expires_at": now + 9 * DAY,
                "next_due_at": now,
            }
            await session.execute(update(Grant).values(**life, consented_at=now - 51 * DAY))
        twins.world.set_fault("rate_limited", "instagram", group="refresh")
        await live(house, twins, days=1)
        assert await all_incidents(database) == []  # there is time, and it may pass
        await live(house, twins, days=2)
        incident = await the_warning(database)
        assert incident.detail["step"] == 7
        (root,) = await told(database, incident.id)
        shown = await build_renderers(house)["incident"](root)
        assert shown is not None and "still works until" in shown.text
        twins.world.faults.clear()
        await live(house, twins, hours=2)
        assert (await the_warning(database)).state == "closed"
        assert (await grant_of(house, connection)).failures == 0


async def test_posts_beyond_the_end_are_warned_of_early(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        await ends_in(house, connection, days=30)
        await work(house)
        assert await all_incidents(database) == []
        for days in (2, 31, 32):
            await a_post(house, connection, days=days)
        await live(house, twins, days=1, minutes=1)
        incident = await the_warning(database)
        assert incident.detail["step"] == warnings.EARLY
        (root,) = await told(database, incident.id)
        shown = await build_renderers(house)["incident"](root)
        assert shown is not None and "3 posts are queued" in shown.text
        assert "2 of them after the end" in shown.text and "still works until" in shown.text
        async with house.db.write() as session:
            await session.execute(update(Grant).values(data_access_expires_at=house.clock.now() + WEEK))
            await watching.look_again(session, connection.grant_id, house.clock.now())
        await work(house)
        assert len(await told(database)) == 1 and await news(database, incident.id) == ["warning"]


async def test_a_green_account_is_renewed_early_and_nothing_but_its_tokens_changes(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        connection = await linked(house, twins, "instagram", client)
        await ends_in(house, connection, days=25)
        delivery = await a_post(house, connection, days=3)
        due = house.clock.now() + timedelta(days=3)
        before, tokens = connection, await grant_of(house, connection)
        twins.advance(hours=1)
        await walk(house, twins, await an_invitation(house, client, "instagram", connection.id))
        async with database.read() as session:
            after = await session.get_one(Connection, connection.id)
            grant = await session.get_one(Grant, connection.grant_id)
            post = await session.get_one(Delivery, delivery)
        assert (after.linked_at, after.linked_by, after.grant_id) == (
            before.linked_at,
            before.linked_by,
            before.grant_id,
        )
        assert grant.generation == tokens.generation + 1 and grant.access_token != tokens.access_token
        assert (post.state, post.revision) == ("scheduled", 1)
        assert abs(post.due_at - due) < timedelta(minutes=1)
        await work(house)
        assert await all_incidents(database) == [] and await news(database) == []


async def test_an_early_renewal_moves_the_warning_away(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        connection = await linked(house, twins, "instagram", client)
        await ends_in(house, connection, days=5)
        await work(house)
        incident = await the_warning(database)
        await walk(house, twins, await an_invitation(house, client, "instagram", connection.id))
        await ends_in(house, connection, days=60)
        await work(house)
        assert (await the_warning(database)).state == "closed"
        assert await news(database, incident.id) == ["relinked"]


async def test_a_short_life_is_told_at_linking_and_only_its_later_steps_warn(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        end = await ends_in(house, connection, days=7)
        async with house.db.write() as session:
            await session.execute(update(Grant).values(consented_at=house.clock.now()))
        await work(house)
        assert await all_incidents(database) == []  # neither 14 nor 7 days: that was said at linking
        await live(house, twins, days=4, minutes=5)
        assert (await the_warning(database)).detail == {"until": end.isoformat(), "step": 3}


async def test_a_post_that_is_queued_or_moved_beyond_a_known_end_is_noticed_at_once(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        await ends_in(house, connection, days=30)
        await work(house)
        picture = Media("https://media.example/bread.jpg", MediaKind.IMAGE, "image/jpeg", 90_000, 1080, 1080)
        actor, now = Actor(connection.workspace_id, "U1", "C1"), house.clock.now()
        words = Content(text="Bread", media=(picture,))
        late = now + timedelta(days=31)
        draft = posting.Draft("key", connection.client_id, (connection.id,), words, late)
        async with house.db.write() as session:
            await posting.queue(session, house, actor, draft, now)
        await work(house)  # at once, not at the next daily look
        assert (await the_warning(database)).detail["step"] == warnings.EARLY
        async with house.db.write() as session:
            (row,) = (await session.execute(select(Delivery))).scalars()
            choice = deciding.Choice(row.id, row.attempt, row.revision)
            await replanning.move(session, actor, [choice], now + timedelta(days=3), now)
        await work(house)
        assert (await the_warning(database)).state == "closed"


def test_nobody_is_looked_at_daily_for_an_end_that_is_far_off() -> None:
    now, days = datetime(2026, 11, 21, 9, tzinfo=UTC), (14, 7, 3, 1)
    hours = WorkingTime(ZoneInfo("UTC"))
    far_off = now + timedelta(days=90)
    near = far_off - timedelta(days=14) - warnings.NEAR
    assert warnings.next_step(far_off, now, hours, days) == near
    soon = now + timedelta(days=20)
    assert warnings.next_step(soon, now, hours, days) == now + warnings.LOOK_AGAIN


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
        (datetime(2026, 11, 20, 2, 12, tzinfo=UTC), datetime(2026, 11, 19, 8, tzinfo=UTC)),  # in the night
        (datetime(2026, 11, 20, 8, tzinfo=UTC), datetime(2026, 11, 20, 8, tzinfo=UTC)),  # when they come
        (datetime(2026, 11, 20, 17, tzinfo=UTC), datetime(2026, 11, 20, 8, tzinfo=UTC)),  # when they go
        (datetime(2026, 11, 22, 23, 30, tzinfo=UTC), datetime(2026, 11, 20, 8, tzinfo=UTC)),  # Monday, there
    ],
)
def test_a_warning_comes_in_working_hours_and_on_the_last_working_day_before_a_day_off(
    moment: datetime, warned: datetime
) -> None:
    assert BERLIN.within_hours(moment) == warned


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
