from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bot.domain import incidents, reminding, taking, working_time
from bot.domain.auditing import Actor
from bot.domain.errors import NotCurrent, Refused
from bot.domain.house import House
from bot.domain.reminding import Span
from bot.renderers import build_renderers
from sandbox.platforms.testing import Twins
from storage.database import Database
from storage.models import AuditEvent, Client, Connection, Grant, Incident, Notice, Workspace
from tests.domain.crowd import all_incidents, live, news, round_the_clock, told
from tests.support import a_client, an_invitation, house_at, linked, walk


async def dies(house: House, connection: Connection) -> Incident:
    """The person removed our app, as the second look finds it."""
    now = house.clock.now()
    async with house.db.write() as session:
        await session.execute(update(Workspace).values(**round_the_clock(house.clock.now())))
        dead = {"state": "dead", "reason": "revoked", "reason_at": now, "next_due_at": None}
        await session.execute(update(Grant).where(Grant.id == connection.grant_id).values(**dead))
        await session.execute(update(Client).values(mentions=["U0BOB"]))
        grant = await session.get_one(Grant, connection.grant_id, populate_existing=True)
        await incidents.dead(session, house, grant, now)
    return next(one for one in await all_incidents(house.db) if one.state == "open")


async def warned(house: House, connection: Connection, **span: float) -> Incident:
    """A person will be needed then; the warning's thread stands."""
    end = house.clock.now() + timedelta(**span)
    async with house.db.write() as session:
        await session.execute(update(Workspace).values(**round_the_clock(house.clock.now())))
        values = {"data_access_expires_at": end, "consented_at": end - timedelta(days=90)}
        await session.execute(update(Grant).where(Grant.id == connection.grant_id).values(**values))
        grant = await session.get_one(Grant, connection.grant_id, populate_existing=True)
        await incidents.warn(session, house, grant, connection.workspace_id, end, 14, house.clock.now())
    return next(one for one in await all_incidents(house.db) if one.state == "open")


async def snoozed(house: House, incident: Incident, span: Span = Span.WEEK, by: str = "U0ADA") -> Incident:
    actor = Actor(incident.workspace_id, by, "C1")
    async with house.db.write() as session:
        return await reminding.snooze(session, actor, incident.id, incident.severity, span, house.clock.now())


async def replies(house: House, incident: Incident) -> list[tuple[Notice, str]]:
    """The news of an incident, with its words; empty where there is nothing to say any more."""
    show = build_renderers(house)["incident.news"]
    found = await told(house.db, incident.id, "incident.news")
    shown = [(notice, await show(notice)) for notice in found]
    return [(notice, message.text if message else "") for notice, message in shown]


async def test_an_alert_that_nobody_cures_is_said_again_three_times_and_no_more(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        incident = await dies(house, await linked(house, twins, "x"))
        moments: list[int] = []
        for day in range(1, 40):
            twins.advance(days=1)
            await reminding.remind(house)
            said = (await news(database, incident.id)).count("reminder")
            moments += [day] * (said - len(moments))
        assert moments == [2, 7, 21]
        reminders = [
            text for notice, text in await replies(house, incident) if notice.facts["what"] == "reminder"
        ]
        assert all("still disconnected, since" in text and "<@U0BOB>" in text for text in reminders)
        assert [text.count("This was the last reminder") for text in reminders] == [0, 0, 1]


async def test_nobody_is_reminded_of_what_is_taken_or_cured(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        connection = await linked(house, twins, "x", client)
        incident = await dies(house, connection)
        async with house.db.write() as session:
            await taking.take(session, Actor(client.workspace_id, "U0ADA"), incident.id, house.clock.now())
        twins.advance(days=9)
        assert await reminding.remind(house) == 0
        await walk(house, twins, await an_invitation(house, client, "x", connection.id))
        second = await dies(house, connection)
        await walk(house, twins, await an_invitation(house, client, "x", connection.id))
        twins.advance(days=9)
        assert await reminding.remind(house) == 0
        rows = await all_incidents(database)
        assert {row.id for row in rows} == {incident.id, second.id}
        assert [(row.state, row.next_at, row.remind_at) for row in rows] == [("closed", None, None)] * 2


async def test_a_reminder_that_comes_too_late_says_nothing(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        connection = await linked(house, twins, "x", client)
        incident = await dies(house, connection)
        twins.advance(days=2, hours=1)
        assert await reminding.remind(house) == 1
        await walk(house, twins, await an_invitation(house, client, "x", connection.id))
        texts = {notice.facts["what"]: text for notice, text in await replies(house, incident)}
        assert texts["reminder"] == "" and "connected again" in texts["relinked"]


async def test_several_processes_remind_once(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        incident = await dies(house, await linked(house, twins, "x"))
        twins.advance(days=2, hours=1)
        done = await asyncio.gather(*(reminding.remind(house) for _ in range(4)))
        assert sum(done) == 1
        assert await news(database, incident.id) == ["reminder"]


async def test_a_snooze_that_somebody_ends_is_as_if_nobody_had_slept(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        incident = await dies(house, await linked(house, twins, "x"))
        await snoozed(house, incident)
        actor = Actor(incident.workspace_id, "U0BOB", "C1")
        async with house.db.write() as session:
            woken = await reminding.wake(session, actor, incident.id, "dead", house.clock.now())
        assert woken.snoozed_until is None and woken.snoozed_by is None
        for other, severity in (
            (Actor("0" * 32, "U0BOB", "C1"), "dead"),
            (actor, "warning"),
            (actor, "dead"),
        ):
            with pytest.raises(NotCurrent):
                async with house.db.write() as session:
                    await reminding.wake(session, other, incident.id, severity, house.clock.now())
        twins.advance(days=2, hours=1)
        assert await reminding.remind(house) == 1, "on the day on which it would have been anyway"
        ((_, text),) = await replies(house, incident)
        assert "still disconnected" in text and "snoozed" not in text
        async with database.read() as session:
            actions = [event.action for event in (await session.execute(select(AuditEvent))).scalars()]
        assert actions.count("incident.woken") == 1


async def test_a_snoozed_alert_is_quiet_until_its_moment_and_says_who(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "x")
        incident = await dies(house, connection)
        first, again = await asyncio.gather(snoozed(house, incident), snoozed(house, incident))
        until = first.snoozed_until
        assert until is not None and again.snoozed_until == until and until.astimezone(UTC).isoweekday() == 1
        (root,) = await told(database, incident.id)
        shown = await build_renderers(house)["incident"](root)
        assert shown is not None and "<@U0ADA> snoozed this until" in shown.text
        assert "please see to this" not in shown.text
        left = until - house.clock.now()
        await live(house, twins, seconds=left.total_seconds() - 60)
        assert await news(database, incident.id) == []  # neither backup nor operations nor a reminder
        await live(house, twins, minutes=2)
        ((notice, text),) = await replies(house, incident)
        assert notice.facts["what"] == "reminder" and "<@U0ADA> snoozed this until now" in text
        await live(house, twins, hours=6)
        assert "untaken" in await news(database, incident.id)  # others are asked from then on


async def test_a_death_after_a_snoozed_warning_is_told(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        incident = await snoozed(house, await warned(house, connection, days=13))
        died = await dies(house, connection)
        assert died.id == incident.id and died.severity == "dead"
        assert (died.snoozed_until, died.snoozed_by) == (None, None)
        assert await news(database, died.id) == ["dead"]


async def test_a_snooze_never_sleeps_through_the_last_step(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        incident = await warned(house, connection, hours=30)
        found = await snoozed(house, incident)
        assert found.snoozed_until is not None
        left = found.snoozed_until - house.clock.now()
        assert timedelta(hours=5, minutes=59) < left <= timedelta(hours=6)
        await live(house, twins, hours=7)
        assert await news(database, incident.id) == ["warning"]  # the last step, and no reminder beside it
        with pytest.raises(Refused, match="ends too soon"):
            await snoozed(house, incident)


async def test_steps_within_a_snooze_wait_for_its_end(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with house_at(twins, database, tmp_path) as house:
        connection = await linked(house, twins, "instagram")
        incident = await warned(house, connection, days=7, hours=1)
        await snoozed(house, incident, Span.DAY)
        await live(house, twins, hours=2)
        assert await news(database, incident.id) == []  # the step of 7 days was passed
        await live(house, twins, days=2)
        assert await news(database, incident.id) == ["reminder"]


async def test_what_has_changed_is_not_snoozed(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with house_at(twins, database, tmp_path) as house:
        client = await a_client(house)
        connection = await linked(house, twins, "instagram", client)
        warning = await warned(house, connection, days=13)
        died = await dies(house, connection)
        with pytest.raises(NotCurrent, match="another by now"):
            await snoozed(house, warning)
        async with house.db.write() as session:
            await taking.take(session, Actor(client.workspace_id, "U0ADA"), died.id, house.clock.now())
        with pytest.raises(NotCurrent, match="on it already"):
            await snoozed(house, died)
        with pytest.raises(NotCurrent, match="closed already"):
            async with house.db.write() as session:
                other = Actor("f" * 32, "U0EVE")
                await reminding.snooze(session, other, died.id, "dead", Span.DAY, house.clock.now())
        async with database.read() as session:
            events = (await session.execute(AuditEvent.__table__.select())).all()
        assert "incident.snoozed" not in [event.action for event in events]


BERLIN = working_time.of(Workspace(zone="Europe/Berlin", settings={}))


@pytest.mark.parametrize(
    ("now", "day", "week"),
    [
        (datetime(2026, 11, 18, 15, tzinfo=UTC), 19, 23),  # a Wednesday
        (datetime(2026, 11, 20, 15, tzinfo=UTC), 23, 23),  # a Friday
        (datetime(2026, 11, 22, 15, tzinfo=UTC), 23, 23),  # a Sunday
        (datetime(2026, 11, 23, 7, tzinfo=UTC), 24, 30),  # a Monday
    ],
)
def test_a_snooze_ends_when_people_start_to_work(now: datetime, day: int, week: int) -> None:
    assert BERLIN.opening(now, 1) == datetime(2026, 11, day, 8, tzinfo=UTC)
    assert BERLIN.next_monday(now) == datetime(2026, 11, week, 8, tzinfo=UTC)
