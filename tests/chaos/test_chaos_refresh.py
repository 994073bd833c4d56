"""Promise 1: no token is lost to a crash, and none is presented against the plan."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import exists, func, select

from bot.clock import utc_now
from bot.domain.house import Timings
from bot.platforms.errors import Reason
from sandbox.platforms.ledger import Entry
from storage.models import Client, Grant, GrantAttempt, Incident
from tests.chaos.process import eventually
from tests.chaos.stage import HOUR, Stage, more_accounts
from tests.domain.crowd import planted

ONE_PROCESS = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SEVERAL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
POSTGRES = pytest.mark.xdist_group("postgres")

FALLS_DUE = 1.65 * HOUR  # of the two hours of an access token of X: within its margin, all jitter past
NEARLY_OVER = timedelta(hours=1, minutes=55)  # from then on an unclear refresh token may be presented again
REFRESHING = "bot.domain.refreshing"
ANSWERS = "bot.domain.answers"


def house_age(entry: Entry, grant: Grant) -> timedelta:
    """How old the access token was when something happened."""
    return entry.at - grant.access_issued_at


@ONE_PROCESS
@pytest.mark.parametrize(
    "point",
    [
        "storage.spool.Spool.put:after",
        f"{ANSWERS}.store_spooled:after",
        "storage.spool.Spool.drop:after",
    ],
)
async def test_an_answer_that_reached_the_disk_is_kept(stage: Stage, point: str) -> None:
    """Killed after the spool, after the commit, or when both are done."""
    await stage.linked("x")
    doomed = await stage.child(point)
    stage.advance(FALLS_DUE)
    await doomed.killed()

    await stage.child()
    await stage.until_grant("live", 2)
    await stage.spool_emptied()
    await stage.swept()
    (attempt,) = await stage.rows(GrantAttempt)
    assert attempt.state == "refreshed"
    assert len(stage.presented()) == 1 and (await stage.grant()).generation == 2

    await stage.advanced(FALLS_DUE)
    await stage.until_grant("live", 3)
    assert not stage.presented("spent")
    await stage.told()
    assert not stage.alerts() and not await stage.rows(Incident)


@ONE_PROCESS
async def test_a_call_that_never_left_is_made_once_when_nothing_can_be_running(stage: Stage) -> None:
    """Killed with the journal written: it looks like a lost answer, and the token proves to be unspent."""
    await stage.linked("x")
    doomed = await stage.child(f"{REFRESHING}._call_and_store:before")
    stage.advance(FALLS_DUE)
    await doomed.killed()
    assert not stage.presented()

    await stage.child()
    await stage.pass_the_leases()
    await stage.swept()
    assert not stage.presented(), "an unclear attempt was repeated while the access token lives"
    before = await stage.grant()
    await stage.advanced(0.3 * HOUR)
    await stage.until_grant("live", 2)
    (entry,) = stage.presented()
    assert entry.detail["state"] == "fresh" and house_age(entry, before) >= NEARLY_OVER
    await stage.told()
    assert not stage.alerts()


@ONE_PROCESS
async def test_an_answer_lost_with_the_process_is_one_incident_and_the_token_is_used_till_its_end(
    stage: Stage,
) -> None:
    """Killed with the answer in memory only: the one case in which the tokens are gone."""
    connection = await stage.linked("x")
    async with stage.house() as house:
        await stage.queue(house, connection, "While it lives", minutes=110)
    doomed = await stage.child("storage.spool.Spool.put:before")
    stage.advance(FALLS_DUE)
    await doomed.killed()
    before = await stage.grant()
    (attempt,) = await stage.rows(GrantAttempt)
    assert (attempt.state, before.generation) == ("open", 1)

    await stage.child()
    await stage.pass_the_leases()
    assert utc_now() >= attempt.over_at
    await stage.advanced(0.22 * HOUR)  # 1:52, short of nearly over
    await stage.until_delivery("published")
    assert len(stage.presented()) == 1 and not stage.alerts()

    await stage.advanced(0.1 * HOUR)
    dead = await stage.until_grant("dead", 1)
    assert dead.reason == Reason.LOST_ANSWER
    (entry,) = stage.presented("spent")
    assert house_age(entry, before) >= NEARLY_OVER
    await stage.told()
    assert len(stage.alerts()) == 1
    await stage.advanced(3 * HOUR)
    await stage.told()
    assert len(stage.alerts()) == 1 and len(stage.presented("spent")) == 1


@ONE_PROCESS
@pytest.mark.parametrize(
    "point",
    [
        f"{REFRESHING}.store_failure:before",
        f"{REFRESHING}.store_failure:after",
        "bot.domain.verdicts.conclude:before",
        "bot.domain.verdicts.conclude:after",
    ],
)
async def test_a_death_is_told_once_wherever_the_process_ends(stage: Stage, point: str) -> None:
    await stage.linked("x")
    stage.sandbox.platforms.set_fault("revoked", "x", account="101")
    doomed = await stage.child(point)
    stage.advance(FALLS_DUE)
    await doomed.killed()

    await stage.child()
    await stage.pass_the_leases()
    await stage.advanced(0.4 * HOUR)
    await stage.until_grant("dead", 1)
    await stage.told()
    assert len(stage.alerts()) == 1
    assert len(await stage.rows(Incident)) == 1
    assert not stage.presented("spent")


CALM = Timings(call=4.0, send=4.0, guard=4.0, settle=0.1, lease=9.0)
AT_ONCE = 32  # calls of one process to one host


async def untouched(stage: Stage) -> int:
    """Grants that nobody has renewed yet, and whose renewing nobody has begun."""
    begun = exists().where(GrantAttempt.grant_id == Grant.id)
    async with stage.database.read() as session:
        query = select(func.count()).select_from(Grant).where(Grant.generation == 1, ~begun)
        return int(await session.scalar(query) or 0)


@SEVERAL
@POSTGRES
@pytest.mark.timeout(0)
@pytest.mark.parametrize("killed", [0, 2])
async def test_four_processes_share_what_is_due(
    stage: Stage, long_run: bool, killed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each token is renewed once. What dies with a killed process is at most what was on its way in it."""
    number = 5000 if long_run else 240
    async with stage.house() as house:
        (pattern,) = await stage.link(house, "x", *more_accounts(stage.sandbox, 1))
        accounts = [str(20_000 + index) for index in range(number - 1)]
        async with house.db.read() as session:
            client = await session.get_one(Client, pattern.client_id)
        await planted(house, stage.twins, pattern, [client], accounts)
    timings = CALM if killed else Timings()  # whose leases nobody has to wait for
    children = [await stage.child(timings=timings) for _ in range(4)]
    await stage.at_work(4)
    began = time.monotonic()
    stage.advance(FALLS_DUE)
    ledger = stage.sandbox.platforms.ledger
    while killed and len(ledger.find("token_spent", platform="x")) < number // 4:
        await asyncio.sleep(0.01)
    for child in children[:killed]:
        child.process.kill()

    async def all_begun() -> bool:
        return await untouched(stage) == 0

    await eventually(all_begun, "every grant was tended", 60 + number / 5)
    if killed:
        await stage.pass_the_leases()
    took = time.monotonic() - began
    assert not stage.presented("spent")
    await stage.advanced(0.3 * HOUR)  # what a killed process may have presented is presented again now

    async def decided() -> bool:
        async with stage.database.read() as session:
            query = select(func.count()).where(Grant.generation == 1, Grant.state != "dead")
            return not await session.scalar(query)

    await eventually(decided, "every grant is renewed or known to be lost", 60 + number / 50)
    grants = await stage.rows(Grant)
    lost = {row.subject for row in grants if row.state == "dead"}
    spent = Counter(entry.account for entry in ledger.find("token_spent", platform="x"))
    assert set(spent.values()) == {1} and len(spent) == number
    assert {entry.account for entry in stage.presented("spent")} == lost and len(lost) <= killed * AT_ONCE
    assert {row.reason for row in grants if row.state == "dead"} <= {Reason.LOST_ANSWER}
    owners = Counter(attempt.owner for attempt in await stage.rows(GrantAttempt))
    assert len(owners) >= 4 - killed, f"not all did their share: {owners}"
    with capsys.disabled():
        shares = sorted(owners.values())
        print(
            f"\n{number} due grants, 4 processes, {killed} killed: {took:.0f} s, shares {shares}, "
            f"{len(lost)} answers lost with their process"
        )


@SEVERAL
@POSTGRES
async def test_a_process_killed_amid_sixty_grants_costs_no_second_presentation(stage: Stage) -> None:
    accounts = more_accounts(stage.sandbox, 60)
    async with stage.house() as house:
        await stage.link(house, "x", *accounts)
    doomed = await stage.child(f"{ANSWERS}.store_spooled:before", nth=5, timings=CALM)
    await stage.child(timings=CALM)
    await stage.at_work(2)
    issued = {row.id: row.access_issued_at for row in await stage.rows(Grant)}
    stage.advance(FALLS_DUE)
    await doomed.killed()

    async def settled() -> bool:
        open_ = {one.grant_id for one in await stage.rows(GrantAttempt) if one.state == "open"}
        return all(row.generation == 2 or row.id in open_ for row in await stage.rows(Grant))

    await stage.pass_the_leases()
    await eventually(settled, "the other process took over")
    assert not stage.presented("spent")
    await stage.child(timings=CALM)  # the killed one comes again, and reads its spool
    await stage.spool_emptied()
    await stage.advanced(0.3 * HOUR)

    async def decided() -> bool:
        return all(row.generation == 2 or row.state == "dead" for row in await stage.rows(Grant))

    await eventually(decided, "every grant is renewed or known to be lost")
    grants = await stage.rows(Grant)
    lost = {row.subject for row in grants if row.state == "dead"}
    by_subject = {row.subject: row.id for row in grants}
    again = stage.presented("spent")
    assert {entry.account for entry in again} == lost
    assert all(entry.at - issued[by_subject[entry.account]] >= NEARLY_OVER for entry in again)
    assert {row.reason for row in grants if row.state == "dead"} <= {Reason.LOST_ANSWER}
    assert set(Counter(one.open_key for one in await stage.rows(Incident)).values()) <= {1}


@SEVERAL
@POSTGRES
async def test_a_process_frozen_before_its_call_presents_nothing_when_it_wakes(stage: Stage) -> None:
    await stage.linked("x")
    frozen = await stage.child(f"{REFRESHING}._call_and_store:before", how="STOP")
    stage.advance(FALLS_DUE)
    await frozen.stopped()
    await stage.child()
    await stage.pass_the_leases()
    await stage.advanced(0.3 * HOUR)
    await stage.until_grant("live", 2)
    frozen.wake()

    async def given_up() -> bool:
        return bool(frozen.logged("refresh_failed"))

    await eventually(given_up, "the woken process gave up")
    assert len(stage.presented()) == 1 and not stage.presented("spent")
    grant = await stage.grant()
    assert (grant.state, grant.generation, grant.failures) == ("live", 2, 0)
    await stage.told()
    assert not stage.alerts()


@SEVERAL
@POSTGRES
async def test_a_process_frozen_with_its_answer_still_stores_it(stage: Stage) -> None:
    """It lost the lease, but the generation is its own: nobody may have asked again meanwhile."""
    await stage.linked("x")
    frozen = await stage.child("storage.spool.Spool.put:before", how="STOP")
    stage.advance(FALLS_DUE)
    await frozen.stopped()
    await stage.child()
    await stage.pass_the_leases()
    await stage.swept()
    frozen.wake()
    await stage.until_grant("live", 2)
    assert len(stage.presented()) == 1
