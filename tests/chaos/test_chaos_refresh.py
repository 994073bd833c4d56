"""Promise 1: no token is lost to a crash, and none is presented against the plan."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from bot.clock import utc_now
from bot.domain.house import Timings
from bot.platforms.base import Reason
from sandbox.platforms.ledger import Entry
from storage.models import Grant, GrantAttempt, Incident
from tests.chaos.process import eventually
from tests.chaos.stage import HOUR, Stage, more_accounts

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


@SEVERAL
@POSTGRES
async def test_four_processes_refresh_each_of_sixty_grants_once(stage: Stage) -> None:
    accounts = more_accounts(stage.sandbox, 60)
    async with stage.house() as house:
        await stage.link(house, "x", *accounts)
    for _ in range(4):
        await stage.child(timings=Timings())
    await stage.at_work(4)
    stage.advance(FALLS_DUE)

    async def all_renewed() -> bool:
        return {row.generation for row in await stage.rows(Grant)} == {2}

    await eventually(all_renewed, "sixty renewed grants", 60)
    assert set(Counter(entry.detail["token"] for entry in stage.presented()).values()) == {1}
    assert len(stage.presented("fresh")) == len(accounts)
    owners = {attempt.owner for attempt in await stage.rows(GrantAttempt)}
    assert len(owners) > 1, "one process did all the work"
    assert not await stage.rows(Incident)


@SEVERAL
@POSTGRES
async def test_a_process_killed_amid_sixty_grants_costs_no_second_presentation(stage: Stage) -> None:
    accounts = more_accounts(stage.sandbox, 60)
    calm = Timings(call=4.0, send=4.0, guard=4.0, settle=0.1, lease=9.0)
    async with stage.house() as house:
        await stage.link(house, "x", *accounts)
    doomed = await stage.child(f"{ANSWERS}.store_spooled:before", nth=5, timings=calm)
    await stage.child(timings=calm)
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
    await stage.child(timings=calm)  # the killed one comes again, and reads its spool
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
