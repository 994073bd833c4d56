"""A death whose warning is out of sight has its own alert; what comes and goes by itself is one alert."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import update

from bot.domain import disconnecting, incident_closing, incidents, inviting, reminding
from bot.domain.auditing import Actor
from bot.domain.house import House
from bot.domain.outcomes import Judgement, Outcome
from bot.platforms.errors import Reason
from bot.renderers import build_renderers
from bot.slack import claims
from bot.slack.errors import SlackProblem
from sandbox.platforms.testing import Twins
from storage import grants
from storage.database import Database
from storage.models import Connection, Grant, Incident, Notice
from tests.domain.crowd import all_incidents, news, told
from tests.domain.logins import PAGES, living, many_pages, take
from tests.domain.test_reminding import dies, warned
from tests.support import a_client, house_at, linked


async def posted(house: House, notice: Notice, ts: str) -> None:
    """Slack took it: as the outbox writes it down."""
    async with house.db.write() as session:
        values = {"state": "posted", "channel_id": "C0TEAM", "ts": ts, "next_at": None, "sent_version": 1}
        await session.execute(update(Notice).where(Notice.id == notice.id).values(**values))
        await claims.wake_replies(session, notice.id, house.clock.now())


async def permalink(_workspace: str, channel: str, ts: str) -> str:
    return f"https://agency.slack.com/archives/{channel}/p{ts}"


async def no_permalink(_workspace: str, _channel: str, _ts: str) -> str:
    raise SlackProblem("ratelimited")


async def root_of(database: Database, incident: Incident) -> Notice:
    (root,) = await told(database, incident.id)
    return root


async def test_a_death_long_after_its_warning_has_an_alert_of_its_own_linked_both_ways(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        connection = await linked(house, twins, "instagram", client)
        warning = await warned(house, connection, days=13)
        await posted(house, await root_of(database, warning), "1.1")
        async with house.db.write() as session:
            asked = await inviting.for_relink(session, house, connection, house.clock.now())
        twins.advance(days=8)
        died = await dies(house, connection)
        assert died.id != warning.id and died.severity == "dead"
        old, new = await root_of(database, warning), await root_of(database, died)
        assert old.follows_id == new.id
        show = build_renderers(house, permalink)["incident"]
        waits, before = await show(old), old.version
        assert waits is not None and "its own alert in this channel" in waits.text
        await posted(house, new, "2.2")
        old, new = await root_of(database, warning), await root_of(database, died)
        assert old.version == before + 1 and old.next_at is not None  # rendered again, now that it stands
        shown, shown_new = await show(old), await show(new)
        assert shown is not None and "/p2.2|its own alert>" in shown.text and "[Reconnect]" not in shown.text
        assert shown_new is not None and "/p1.1|the warning>" in shown_new.text
        assert "[Reconnect]" in shown_new.text
        async with house.db.write() as session:
            link = await inviting.for_relink(session, house, connection, house.clock.now())
            assert link.id == asked.id and link.state == "open"  # whoever was asked with it can still use it
        without = await build_renderers(house, no_permalink)["incident"](old)
        assert without is not None and "its own alert in this channel" in without.text
        async with house.db.write() as session:
            await incident_closing.close_for_grant(
                session, connection.grant_id, "relinked", house.clock.now()
            )
        assert await news(database, warning.id) == [] and await news(database, died.id) == ["relinked"]


async def test_a_death_soon_after_its_warning_stays_in_its_thread(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        warning = await warned(house, connection, days=13)
        twins.advance(days=6)
        assert (await dies(house, connection)).id == warning.id
        assert await news(database, warning.id) == ["dead"] and len(await told(database)) == 1


async def comes_and_goes(
    house: House, twins: Twins, connection: Connection, times: int, **pause: float
) -> None:
    """The account is refused, and a while later well again by itself, so often; then refused once more."""
    why = Judgement(Outcome.DEAD, Reason.SUSPENDED, "x")
    for number in range(times + 1):
        async with house.db.write() as session:
            await incidents.connection_in_trouble(session, house, connection, why, house.clock.now())
        if number < times:
            twins.advance(**pause)
            await ends_by_itself(house)
            twins.advance(**pause)


async def ends_by_itself(house: House) -> None:
    (incident,) = [one for one in await all_incidents(house.db) if one.state == "open"]
    async with house.db.write() as session:
        await incident_closing.close_one(session, incident, "recovered", house.clock.now())


async def test_what_comes_and_goes_within_the_hour_is_one_alert_with_few_replies(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        await comes_and_goes(house, twins, connection, 8, hours=1 / 6)
        (incident,) = await all_incidents(database)
        assert incident.state == "open" and incident.detail["again"] == 8
        assert sorted(await news(database, incident.id)) == ["dead"] * 2 + ["recovered"] * 3
        (root,) = await told(database, incident.id)
        shown = await build_renderers(house)["incident"](root)
        assert shown is not None and "[Reconnect]" in shown.text and "9th time within two weeks" in shown.text


async def test_what_is_back_is_said_again_as_if_for_the_first_time(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        await comes_and_goes(house, twins, connection, 0)
        twins.advance(days=6)
        assert await reminding.remind(house) == 1 and await reminding.remind(house) == 0
        await ends_by_itself(house)
        await comes_and_goes(house, twins, connection, 0)
        (incident,) = await all_incidents(database)
        assert (incident.state, incident.reminders, incident.detail["again"]) == ("open", 0, 1)
        twins.advance(days=6)
        assert await reminding.remind(house) == 1
        assert (await news(database, incident.id)).count("reminder") == 2


async def test_the_third_death_says_so_though_the_others_cured_themselves(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        await comes_and_goes(house, twins, connection, 2, hours=20)
        found = await all_incidents(database)
        assert [one.detail.get("deaths") for one in found] == [None, None, 3]
        (root,) = await told(database, found[-1].id)
        shown = await build_renderers(house)["incident"](root)
        assert shown is not None and "3rd time within two weeks" in shown.text


async def test_three_accounts_of_one_login_that_fail_once_each_are_no_third_death(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    many_pages(twins)
    async with house_at(twins, database, tmp_path, platforms=("facebook",)) as house:
        await take(house, twins, await a_client(house), PAGES[:3])
        why = Judgement(Outcome.DEAD, Reason.SUSPENDED, "x")
        for connection in await living(house):
            async with house.db.write() as session:
                await incidents.connection_in_trouble(session, house, connection, why, house.clock.now())
            twins.advance(hours=20)
        assert [one.detail.get("deaths") for one in await all_incidents(database)] == [None] * 3
        async with house.db.write() as session:  # the login itself is the second death of each
            grant = await grants.get(session, connection.grant_id)
            assert grant is not None
            await incidents.dead(session, house, grant, house.clock.now())
        assert [one.detail.get("deaths") for one in await all_incidents(database)] == [None] * 4


async def test_an_alert_closed_by_a_disconnect_says_who_did_it(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        incident = await dies(house, connection)
        actor = Actor(connection.workspace_id, "U0ADA", "C1")
        async with house.db.write() as session:
            await disconnecting.disconnect(
                session, actor, connection.id, connection.generation, house.clock.now()
            )
        show = build_renderers(house)
        root = await show["incident"](await root_of(database, incident))
        (reply,) = await told(database, incident.id, "incident.news")
        said = await show["incident.news"](reply)
        label = connection.handle
        for message in (root, said):
            assert message is not None and f"@{label}" in message.text.replace("@@", "@")
            assert (
                "was disconnected by <@U0ADA>" in message.text and "no longer in trouble" not in message.text
            )


async def test_the_alert_of_a_bad_day_ends_with_the_last_account_that_is_disconnected(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        rows = [await linked(house, twins, word, client) for word in ("x", "instagram")]
        for row in rows:
            await dies(house, row)
        (day,) = await all_incidents(database, "client")
        show = build_renderers(house)["incident"]
        for row, left in zip(rows, ("1 account down", "was disconnected by <@U0ADA>"), strict=True):
            async with house.db.write() as session:
                actor = Actor(row.workspace_id, "U0ADA", "C1")
                await disconnecting.disconnect(session, actor, row.id, row.generation, house.clock.now())
            shown = await show(await root_of(database, day))
            assert shown is not None and left in shown.text


async def test_a_warning_whose_posts_went_away_says_that(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        incident = await warned(house, connection, days=40)
        async with house.db.read() as session:
            grant = await session.get_one(Grant, connection.grant_id)
        async with house.db.write() as session:
            until, now = grant.data_access_expires_at, house.clock.now() + timedelta(hours=1)
            await incident_closing.close_warning(session, grant.id, connection.workspace_id, until, now)
        (reply,) = await told(database, incident.id, "incident.news")
        said = await build_renderers(house)["incident.news"](reply)
        assert said is not None and "no queued post falls after its end" in said.text
        assert "renewed" not in said.text
