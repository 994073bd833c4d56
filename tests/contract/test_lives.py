"""Refreshing, dying and not dying, the same for every platform."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.domain import second_look
from bot.domain.house import House
from bot.http import HttpError
from bot.platforms.base import RefreshKind
from bot.platforms.errors import Kind, PlatformError
from bot.platforms.registry import INSTAGRAM_ON_FACEBOOK
from storage import connections as rows
from storage.models import Connection, Grant, Incident, Notice, Workspace
from tests.contract.conftest import Stage
from tests.domain.crowd import live, round_the_clock
from tests.support import grant_of

HOURLY = ("x", "tiktok", "youtube")
DEATHS = ("revoked", "password_changed", "refresh_dead")
SILENCES = ("unavailable", "html_error", "rate_limited", "lost_before")


async def due_moments(stage: Stage, connection: Connection, days: float) -> int:
    """Lets time pass from one due moment to the next and tends the grant at each; how many there were."""
    end = stage.house.clock.now() + timedelta(days=days)
    count = 0
    while True:
        grant = await grant_of(stage.house, connection)
        if grant.state != "live" or grant.next_due_at is None or grant.next_due_at > end:
            return count
        wait = (grant.next_due_at - stage.house.clock.now()).total_seconds()
        stage.twins.advance(seconds=max(wait, 0) + 0.01)
        await second_look.tend(stage.house, grant)
        count += 1


async def test_a_grant_lives_on_without_a_person_where_the_platform_allows_it(
    stage: Stage, long_run: bool
) -> None:
    connection = await stage.linked()
    days = 400 if long_run or stage.case.platform not in HOURLY else 6
    refreshed = await due_moments(stage, connection, days)
    grant = await grant_of(stage.house, connection)
    if stage.case.renewable:
        assert grant.state == "live" and refreshed >= 5, (grant.state, grant.reason, refreshed)
        assert grant.failures == 0 and not stage.twins.world.ledger.spent_refreshes()
    else:
        assert (grant.state, grant.reason) == ("dead", "expired")


NEEDS_A_PERSON_AFTER = {"linkedin": 60, "linkedin_pages": 60, "facebook": 90, INSTAGRAM_ON_FACEBOOK: 90}
"""Days; elsewhere a grant goes on without anybody. Facebook's login does, its access to data does not."""


async def test_a_person_is_warned_two_weeks_ahead_where_the_platform_wants_one(stage: Stage) -> None:
    days = NEEDS_A_PERSON_AFTER.get(stage.case.id)
    if days is None:
        pytest.skip("nobody is needed there")
    connection = await stage.linked()
    async with stage.house.db.write() as session:
        await session.execute(update(Workspace).values(**round_the_clock(stage.house.clock.now())))
    for _ in range(0, days - 30, 30):  # in steps that leave time to renew
        stage.twins.advance(days=29)
        await live(stage.house, stage.twins, days=1)
    await live(stage.house, stage.twins, days=15)
    assert await incidents(stage) == [], "not before"
    await live(stage.house, stage.twins, days=2)
    (warning,) = await incidents(stage)
    assert (warning.kind, warning.severity) == ("grant", "warning")
    assert await audiences(stage) == {"team"}
    assert (await grant_of(stage.house, connection)).state == "live"


async def ask(house: House, connection: Connection) -> None:
    """The live check, and what the engine does with a refusal."""
    async with house.db.read() as session:
        fresh = await rows.get(session, connection.workspace_id, connection.id)
    assert fresh is not None
    grant = await grant_of(house, connection)
    if grant.state != "live":
        return
    try:
        await second_look.probe(house, grant, fresh)
    except HttpError:
        return
    except PlatformError as error:
        if error.verdict.kind in (Kind.TOKEN, Kind.DEAD):
            await second_look.doubt(house, grant.id, grant.generation, error.verdict)


async def incidents(stage: Stage) -> list[Incident]:
    async with stage.house.db.read() as session:
        return list((await session.execute(select(Incident))).scalars())


async def audiences(stage: Stage) -> set[str]:
    async with stage.house.db.read() as session:
        query = select(Notice.audience).where(Notice.topic == "incident")
        return set((await session.execute(query)).scalars())


async def to_the_next_moment(stage: Stage, connection: Connection) -> Grant:
    grant = await grant_of(stage.house, connection)
    if grant.next_due_at is not None and stage.model.kind not in (RefreshKind.NONE,):
        wait = (grant.next_due_at - stage.house.clock.now()).total_seconds()
        if grant.access_expires_at is None or grant.next_due_at < grant.access_expires_at:
            stage.twins.advance(seconds=max(wait, 0) + 0.01)
    await second_look.tend(stage.house, grant)
    return grant


@pytest.mark.parametrize("fault", DEATHS)
async def test_a_death_is_told_once_in_the_clients_channel(stage: Stage, fault: str) -> None:
    connection = await stage.linked()
    if fault == "refresh_dead" and not stage.has_refresh_token:
        pytest.skip("no refresh token there that could die by itself")
    stage.twins.world.set_fault(fault, stage.twin, account=stage.case.mine)
    for _ in range(3):
        await to_the_next_moment(stage, connection)
        await ask(stage.house, connection)
    grant = await grant_of(stage.house, connection)
    told = await incidents(stage)
    assert grant.state in ("dead", "ending"), (grant.state, grant.reason)
    assert [(one.kind, one.state) for one in told] == [("grant", "open")]
    assert await audiences(stage) == {"team"}


@pytest.mark.parametrize("fault", SILENCES)
async def test_silence_is_not_death(stage: Stage, fault: str) -> None:
    connection = await stage.linked()
    stage.twins.world.set_fault(fault, stage.twin)
    for _ in range(3):
        await to_the_next_moment(stage, connection)
        await ask(stage.house, connection)
        stage.twins.advance(seconds=1)
    grant = await grant_of(stage.house, connection)
    assert grant.state == "live", (grant.state, grant.reason)
    assert not [one for one in await incidents(stage) if one.kind != "platform"]
    assert "team" not in await audiences(stage)


@pytest.mark.parametrize("fault", ["secret_wrong", "app_suspended"])
async def test_our_apps_fault_reaches_the_operator_and_no_client(stage: Stage, fault: str) -> None:
    connection = await stage.linked()
    if not stage.has_refresh_token and stage.model.kind is not RefreshKind.SELF_EXTENDING:
        pytest.skip("nothing is presented there until a person consents")
    stage.twins.world.set_fault(fault, stage.twin)
    await to_the_next_moment(stage, connection)
    grant = await grant_of(stage.house, connection)
    assert grant.state == "live", (grant.state, grant.reason)
    assert "team" not in await audiences(stage)
    if stage.secret_is_shown:
        assert [one.kind for one in await incidents(stage)] == ["app"]
        assert await audiences(stage) == {"operations"}
