"""Monday's digests and the reminder before a full day: when, to whom, once, and what they say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from bot.domain import ahead, digests, merging, replanning, routines, workspace_changes
from bot.domain.auditing import Actor
from bot.domain.deciding import Choice
from bot.domain.telling import tell_event
from bot.messages.message import Message
from storage import engine as engine_rows
from storage import routines as store
from storage.database import Database
from storage.models import Client, Connection, Delivery, Notice, Routine, Workspace, new_id
from tests.messages.message_facts import UGLY, buttons, check
from tests.messages.picture_rows import Rows, rows_in
from tests.support import Killed, another

FRIDAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
async def rows(database: Database, tmp_path: Path) -> AsyncIterator[Rows]:
    async with rows_in(database, tmp_path) as found:
        go(found, FRIDAY)
        await routines.ensure(found.house)
        await routines.run_due(found.house)
        yield found


def go(rows: Rows, moment: datetime) -> None:
    """House time is (about) this."""
    rows.house.clock.set_offset((moment - datetime.now(UTC)).total_seconds())


async def run(rows: Rows, moment: datetime) -> None:
    go(rows, moment + timedelta(seconds=1))
    await routines.run_due(rows.house)


async def keys(rows: Rows) -> list[str]:
    """Whom this week's notices are for, and what they are."""
    async with rows.house.db.read() as session:
        found = (await session.scalars(select(Notice).where(Notice.topic.like("digest%")))).all()
    return sorted(f"{row.topic}:{row.audience_id or ''}" for row in found)


async def planned(rows: Rows, kind: str) -> datetime:
    async with rows.house.db.read() as session:
        found = await session.get(Routine, (rows.workspace.id, kind))
    assert found is not None
    return found.next_at


def said(message: Message | None) -> Message:
    assert message is not None
    return check(message)


# -- when ------------------------------------------------------------------------------------------


async def test_a_new_workspace_is_planned_and_hears_nothing_at_once(rows: Rows) -> None:
    await routines.ensure(rows.house)
    assert await keys(rows) == []
    assert await planned(rows, store.MONDAY) == MONDAY
    assert await planned(rows, store.AHEAD) == MONDAY
    async with rows.house.db.read() as session:
        assert await engine_rows.next_moment(session, rows.now) == MONDAY
        assert await session.scalar(select(func.count()).select_from(Routine)) == 3


async def test_monday_tells_each_person_once_from_any_number_of_processes(rows: Rows) -> None:
    await rows.change(rows.client, mentions=["U0BOB", "U0CAT", "S0GROUP"])
    go(rows, MONDAY + timedelta(seconds=1))
    other = another(rows.house, "two")
    await asyncio.gather(*(routines.run_due(house) for house in (rows.house, other) * 2))
    expected = ["digest.totals:", "digest:U0BOB", "digest:U0CAT"]
    assert await keys(rows) == expected
    assert await planned(rows, store.MONDAY) == MONDAY + timedelta(days=7)
    async with rows.house.db.write() as session:
        await session.execute(update(Routine).values(next_at=rows.now))
    await run(rows, MONDAY + timedelta(hours=3))
    assert await keys(rows) == expected


@pytest.mark.parametrize(
    ("moment", "told"),
    [(MONDAY, 0), (MONDAY + timedelta(days=1), 2), (MONDAY + timedelta(days=4), 2)],
)
async def test_a_monday_off_is_told_on_the_first_working_day(rows: Rows, moment: datetime, told: int) -> None:
    await chosen(rows, working_days=(2, 3, 4, 5))
    assert await planned(rows, store.MONDAY) == MONDAY + timedelta(days=1)
    await run(rows, moment)
    assert len(await keys(rows)) == told


async def chosen(rows: Rows, **values: Any) -> None:
    """An admin changes settings, as the window does."""
    async with rows.house.db.write() as session:
        workspace = await session.get_one(Workspace, rows.workspace.id)
        before = workspace_changes.values_of(workspace)
        seen = merging.marks(before.plain())
        await workspace_changes.change(session, rows.actor, seen, replace(before, **values), rows.now)
    await routines.run_due(rows.house)


@pytest.mark.parametrize(
    ("back_after", "weeks"),
    [
        (timedelta(days=6), []),  # nothing to be said on a Sunday, of a week that is over
        (timedelta(days=7, hours=-1), []),
        (timedelta(days=7, hours=1), ["2026-11-30"]),  # off from before one Monday until after the next began
        (timedelta(days=11), ["2026-11-30"]),
    ],
)
async def test_a_bot_that_was_off_tells_the_week_in_which_it_is_back(
    rows: Rows, back_after: timedelta, weeks: list[str]
) -> None:
    await run(rows, MONDAY + back_after)
    told = await rows.notices(digests.TOTALS)
    assert [row.facts["week"] for row in told] == weeks
    after = MONDAY + timedelta(days=14 if weeks else 7)
    assert await planned(rows, store.MONDAY) == after


async def test_a_digest_that_is_late_waits_for_working_hours(rows: Rows) -> None:
    await run(rows, MONDAY + timedelta(hours=18))  # Tuesday, at 3 in the night
    assert await keys(rows) == []
    tuesday = MONDAY + timedelta(days=1)
    assert await planned(rows, store.MONDAY) == tuesday
    await run(rows, tuesday)
    assert "digest:U0BOB" in await keys(rows)


async def test_what_was_put_off_follows_other_hours_too(rows: Rows) -> None:
    await run(rows, MONDAY + timedelta(hours=18))
    await chosen(rows, working_hours=(11, 17))
    assert await planned(rows, store.MONDAY) == MONDAY + timedelta(days=1, hours=2)
    await run(rows, MONDAY + timedelta(days=1, hours=2))
    assert "digest:U0BOB" in await keys(rows)


async def test_other_working_hours_count_from_now_on_and_leave_nothing_out(rows: Rows) -> None:
    an_hour = timedelta(hours=1)
    await chosen(rows, working_hours=(8, 17))
    assert await planned(rows, store.MONDAY) == await planned(rows, store.AHEAD) == MONDAY - an_hour
    go(rows, MONDAY - 3 * an_hour)
    await chosen(rows, zone="Asia/Tokyo")  # where Monday's 8 o'clock has passed by now
    assert "digest:U0BOB" in await keys(rows)
    assert await planned(rows, store.MONDAY) == MONDAY + timedelta(days=6, hours=14)
    assert await planned(rows, store.AHEAD) == MONDAY + 14 * an_hour
    told = await keys(rows)
    await rows.change(rows.client, mentions=["U0BOB", "U0NEW"])
    await chosen(rows, working_hours=(9, 17))
    assert await keys(rows) == told


async def test_killed_in_between_it_is_told_whole_and_once(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = tell_event, 0

    async def dies(*args: Any, **values: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Killed
        return await real(*args, **values)

    go(rows, MONDAY + timedelta(seconds=1))
    with monkeypatch.context() as patched:
        patched.setattr(digests, "tell_event", dies)
        with pytest.raises(Killed):
            await routines.run_due(rows.house)
    assert await keys(rows) == []
    await routines.run_due(rows.house)
    assert await keys(rows) == ["digest.totals:", "digest:U0BOB"]


async def test_what_fails_is_put_off_and_stops_nobody_else(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Workspace(id=new_id(), team_id="T2", created_at=rows.now)
    client = Client(
        id=new_id(),
        workspace_id=other.id,
        slug="theirs",
        name="Theirs",
        zone="UTC",
        mentions=["U0EVE"],
        created_at=rows.now,
    )
    await rows.add(other, client)
    await routines.ensure(rows.house)
    await routines.run_due(rows.house)
    real = digests.people_of

    def poisoned(found: Any) -> list[str]:
        if any(row.workspace_id == rows.workspace.id for row in found):
            raise ValueError("poison")
        return real(found)

    with monkeypatch.context() as patched:
        patched.setattr(digests, "people_of", poisoned)
        await run(rows, MONDAY)
    assert await keys(rows) == ["digest.totals:", "digest:U0EVE"]
    assert timedelta(minutes=9) < await planned(rows, store.MONDAY) - rows.now < timedelta(minutes=11)
    await run(rows, MONDAY + timedelta(minutes=12))
    assert "digest:U0BOB" in await keys(rows)


async def test_an_uninstalled_workspace_hears_nothing(rows: Rows) -> None:
    await rows.change(rows.workspace, uninstalled_at=rows.now)
    await run(rows, MONDAY)
    assert await keys(rows) == []


# -- what Monday says ------------------------------------------------------------------------------


async def red(rows: Rows, handle: str, client: Client | None = None, **values: Any) -> Connection:
    grant = await rows.grant(state="dead", reason="revoked")
    return await rows.connection(grant, client, handle=handle, **values)


async def yellow(rows: Rows, handle: str, days: float) -> Connection:
    """Works for so many days, and then only a person helps."""
    end = rows.now + timedelta(days=days)
    grant = await rows.grant(provider="x", app_id="our-x", refresh_token=None, access_expires_at=end)
    return await rows.connection(grant, platform="x", handle=handle)


async def week(rows: Rows, topic: str = digests.PERSON, subject: str = "U0BOB") -> Message | None:
    return await rows.say(topic, subject, week="2026-11-23")


async def test_the_first_post_at_risk_comes_first(rows: Rows) -> None:
    go(rows, MONDAY)
    await red(rows, "quiet")
    await rows.delivery(await red(rows, "tomorrow"), "blocked", due_at=rows.now + timedelta(days=1))
    ends = await yellow(rows, "ends", 2)
    for days in (1, 3):  # only the second one is at risk
        await rows.delivery(ends, "scheduled", due_at=rows.now + timedelta(days=days))
    await rows.delivery(await red(rows, "fourth"), "blocked", due_at=rows.now + timedelta(days=4))
    await rows.connection(await rows.grant(), handle="well")
    shown = said(await week(rows))
    order = [shown.text.index(name) for name in ("@tomorrow", "@ends", "@fourth", "@quiet")]
    assert order == sorted(order) and "@well" not in shown.text
    assert "3 accounts down, 1 to watch" in shown.text and "*Acme*" in shown.text
    assert shown.text.count("First post at risk") == 1  # the others' lines name theirs
    assert [button["text"]["text"] for button in buttons(shown)] == ["Reconnect"] * 4


async def test_a_person_reads_of_his_own_clients_only_and_nothing_when_all_is_green(rows: Rows) -> None:
    await rows.connection(await rows.grant(), handle="well")
    assert await week(rows) is None
    await rows.change(rows.other, mentions=["U0CAT"])
    await red(rows, "theirs", rows.other)
    assert await week(rows) is None
    shown = said(await week(rows, subject="U0CAT"))
    assert "@theirs" in shown.text and "Acme" not in shown.text
    await rows.change(rows.other, closed_at=rows.now)
    assert await week(rows, subject="U0CAT") is None


async def test_long_and_ugly_lists_stay_within_limits(rows: Rows) -> None:
    await rows.change(rows.client, name=UGLY[:120])
    for number in range(14):
        await red(rows, f"{UGLY[:200]}{number}", account_id=str(number))
    for topic, subject in ((digests.PERSON, "U0BOB"), (digests.TOTALS, "")):
        shown = said(await week(rows, topic, subject))
        assert "and 4 more accounts: `/health all`" in shown.text
        assert [button["value"] for button in buttons(shown)][-1] == "all:0"


async def test_a_paused_client_is_one_line(rows: Rows) -> None:
    for number in range(3):
        await rows.connection(await rows.grant(), handle=f"a{number}", account_id=str(number))
    await rows.change(rows.client, paused_at=rows.now, paused_by="U0ADA")
    shown = said(await week(rows))
    assert "Posting for Acme is paused by <@U0ADA>" in shown.text and "@a1" not in shown.text
    totals = said(await week(rows, digests.TOTALS, ""))
    assert "paused by <@U0ADA>" in totals.text


async def test_the_totals_count_last_week_and_name_what_needs_a_person(rows: Rows) -> None:
    go(rows, MONDAY)
    well = await rows.connection(await rows.grant(), handle="well")
    gone = await red(rows, "gone", rows.other)
    await yellow(rows, "ends", 5)
    await yellow(rows, "later", 40)
    last_week = MONDAY - timedelta(days=3)
    for state in ("published", "published", "failed", "blocked", "cancelled"):
        await rows.delivery(well, state, due_at=last_week)
    await rows.delivery(well, "published", due_at=MONDAY - timedelta(days=8))
    await rows.delivery(gone, "scheduled", due_at=MONDAY + timedelta(days=1))
    await rows.change(rows.other, mentions=["S0GROUP"])
    shown = said(await week(rows, digests.TOTALS, ""))
    assert "*2 clients* · ✅ 2 fine · ⚠️ 1 to watch · ⛔ 1 down" in shown.text
    assert "2 posts published, 1 failed, 1 held" in shown.text
    assert "*2 accounts need a person within the next 14 days:*" in shown.text
    assert "`client-b`: @gone on Instagram, now" in shown.text and "@later" not in shown.text
    assert "Nobody hears of `client-b`" in shown.text and "The week from Mon 23 Nov" in shown.text
    await rows.change(rows.workspace, settings={"warning_days": [30, 1]})
    await yellow(rows, "in-between", 25)
    shown = said(await week(rows, digests.TOTALS, ""))
    assert "*3 accounts need a person within the next 30 days:*" in shown.text


async def test_nothing_connected_is_no_totals(rows: Rows) -> None:
    assert await week(rows, digests.TOTALS, "") is None


async def test_a_team_channel_gets_a_digest_where_it_is_switched_on(rows: Rows) -> None:
    await red(rows, "gone")
    await rows.change(rows.client, mentions=["U0BOB", "S0GROUP"])
    actor = Actor(rows.workspace.id, "U0ADA")
    async with rows.house.db.write() as session:
        client = await session.get_one(Client, rows.client.id)
        assert await digests.switch(session, actor, client, True, rows.now)
        assert not await digests.switch(session, actor, client, True, rows.now)
    await run(rows, MONDAY)
    assert f"digest.team:{rows.client.id}" in await keys(rows)
    shown = said(await week(rows, digests.TEAM, rows.client.id))
    assert "<!subteam^S0GROUP>" in shown.text and "<@U0BOB>" not in shown.text
    assert await week(rows, digests.TEAM, rows.other.id) is None


# -- the day before many posts ---------------------------------------------------------------------


async def queue(rows: Rows, connection: Connection, moment: datetime, number: int) -> None:
    for index in range(number):
        due = moment + timedelta(minutes=index)
        await rows.delivery(connection, "scheduled", f"Post {index}", due_at=due)


async def days(rows: Rows) -> list[tuple[str | None, str]]:
    return [(row.subject_id, str(row.facts["day"])) for row in await rows.notices(ahead.TOPIC)]


async def test_a_full_day_is_told_the_working_day_before_once(rows: Rows) -> None:
    full, quiet = await red(rows, "full"), await red(rows, "quiet", rows.other)
    tuesday = MONDAY + timedelta(days=1)
    await queue(rows, full, tuesday, 5)
    await queue(rows, quiet, tuesday, 4)
    other = another(rows.house, "two")
    go(rows, MONDAY + timedelta(seconds=1))
    await asyncio.gather(*(routines.run_due(house) for house in (rows.house, other)))
    assert await days(rows) == [(rows.client.id, "2026-11-24")]
    shown = said(await rows.shown((await rows.notices(ahead.TOPIC))[0]))
    assert "Acme: 5 posts on Tue 24 Nov, and not everything is ready" in shown.text
    assert "@full" in shown.text and "10:00 “Post 0”" in shown.text and "and 2 more" in shown.text
    assert "<@U0BOB> please see to this" in shown.text
    assert [button["text"]["text"] for button in buttons(shown)] == ["Reconnect"]
    await run(rows, MONDAY + timedelta(days=1))
    assert len(await days(rows)) == 1


async def test_friday_looks_at_the_whole_way_to_monday(rows: Rows) -> None:
    full = await red(rows, "full")
    friday = MONDAY + timedelta(days=4)
    for later in (1, 3, 4):
        await queue(rows, full, friday + timedelta(days=later), 6)
    async with rows.house.db.write() as session:
        await store.plan(session, rows.workspace.id, store.AHEAD, friday)
    await run(rows, friday)
    assert [day for _, day in await days(rows)] == ["2026-11-28", "2026-11-30"]


async def test_a_bot_that_was_off_for_two_mornings_still_looks_at_tomorrow(rows: Rows) -> None:
    full = await red(rows, "full")
    for later in (1, 2):
        await queue(rows, full, MONDAY + timedelta(days=later), 6)
    await run(rows, MONDAY + timedelta(days=1, hours=2))
    assert await days(rows) == [(rows.client.id, "2026-11-25")]


async def test_the_threshold_is_a_setting_and_days_are_the_clients_own(rows: Rows) -> None:
    full = await red(rows, "full")
    await queue(rows, full, datetime(2026, 11, 23, 23, 30, tzinfo=UTC), 2)  # Tuesday in Berlin
    async with rows.house.db.write() as session:
        await ahead.set_many_posts(session, rows.actor, 2, rows.now)
    await run(rows, MONDAY)
    assert await days(rows) == [(rows.client.id, "2026-11-24")]


async def test_a_day_is_full_by_when_each_account_is_due(rows: Rows) -> None:
    """Moved on one account alone, posts are still those of their first day on the other."""
    full, calm = await red(rows, "full"), await rows.connection(await rows.grant(), handle="calm")
    tuesday, wednesday = (MONDAY + timedelta(days=number) for number in (1, 2))
    choices = []
    for _ in range(5):
        other = await rows.delivery(calm, "scheduled", due_at=wednesday)
        mine = {column.key: getattr(other, column.key) for column in Delivery.__table__.columns}
        row = Delivery(**mine | {"id": new_id(), "connection_id": full.id, "attempt": 1, "revision": 1})
        await rows.add(row)
        choices.append(Choice(row.id, 1, 1))
    async with rows.house.db.write() as session:
        await replanning.move(session, rows.actor, choices, tuesday, rows.now)
    await run(rows, MONDAY)
    assert await days(rows) == [(rows.client.id, "2026-11-24")]
    await run(rows, tuesday)
    assert await days(rows) == [(rows.client.id, "2026-11-24"), (rows.client.id, "2026-11-25")]
    shown = [await rows.shown(notice) for notice in await rows.notices(ahead.TOPIC)]
    assert ["@full" in said(shown[0]).text, shown[1]] == [True, None]


@pytest.mark.parametrize("found", [None, {}, {"many_posts": 0}, {"many_posts": "7"}, {"many_posts": True}])
def test_a_threshold_that_makes_no_sense_is_the_usual_one(found: Any) -> None:
    assert ahead.many_posts(Workspace(settings=found)) == ahead.MANY


async def test_a_full_day_with_everything_ready_says_nothing(rows: Rows) -> None:
    well = await rows.connection(await rows.grant(), handle="well")
    await red(rows, "unused")
    await queue(rows, well, MONDAY + timedelta(days=1), 5)
    await run(rows, MONDAY)
    (notice,) = await rows.notices(ahead.TOPIC)
    assert await rows.shown(notice) is None
    await rows.change(rows.client, paused_at=rows.now, paused_by="U0ADA")
    shown = said(await rows.shown(notice))
    assert "paused by <@U0ADA>: nothing goes out" in shown.text
    assert [button["text"]["text"] for button in buttons(shown)] == ["Resume Acme"]


async def test_ugly_full_days_stay_within_limits(rows: Rows) -> None:
    for number in range(8):
        connection = await red(rows, f"{UGLY[:200]}{number}", account_id=str(number))
        for _ in range(4):
            await rows.delivery(connection, "blocked", UGLY * 3, due_at=MONDAY)
    shown = said(await rows.say(ahead.TOPIC, rows.client.id, day="2026-11-23"))
    assert "and 2 more accounts" in shown.text
