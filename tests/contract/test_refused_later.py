"""What a platform says after it took a post: of the post, of the account, and of our access to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.jobs import sweep
from bot.platforms.errors import Reason
from sandbox.platforms.testing import Twins
from storage.models import Connection, Incident
from tests.contract import posts
from tests.contract.conftest import Stage
from tests.support import an_invitation, grant_of, walk

TEXT = "Fresh bread this evening"


@pytest.fixture
async def stage(
    request: pytest.FixtureRequest, twins: Twins, migrated_sqlite: Path, tmp_path: Path
) -> AsyncIterator[Stage]:
    async with posts.stage_for(request.param, twins, migrated_sqlite, tmp_path) as made:
        yield made


async def incidents(stage: Stage) -> list[Incident]:
    async with stage.house.db.read() as session:
        return list((await session.execute(select(Incident))).scalars())


async def taken(stage: Stage, connection: Connection, content: str = TEXT) -> str:
    """A film that TikTok took and has not published; the delivery's id."""
    delivery_id = await posts.queued(stage, connection, posts.read_film(stage.twins, content))
    for _ in range(10):
        await sweep.publish_due(stage.house)
        stage.twins.advance(seconds=2)
        if (await posts.the(stage.house, delivery_id)).state == "processing":
            return delivery_id
    raise AssertionError((await posts.the(stage.house, delivery_id)).state)


@pytest.mark.parametrize("stage", ["tiktok"], indirect=True)
async def test_a_post_that_fails_for_our_removal_ends_the_connection_at_once(stage: Stage) -> None:
    connection = await stage.linked()
    account = connection.account_id
    stage.twins.world.set_fault("container_error", "tiktok", account, text="auth_removed")
    delivery_id = await taken(stage, connection)
    stage.twins.world.modes["tiktok.notices"] = "off"
    stage.twins.world.set_fault("revoked", "tiktok", account, group="refresh")
    delivery = await posts.to_its_end(stage, stage.house, delivery_id)
    assert (delivery.state, delivery.reason) == ("failed", Reason.REVOKED)
    assert (await grant_of(stage.house, connection)).state == "dead"
    (incident,) = await incidents(stage)
    assert incident.severity == "dead"


@pytest.mark.parametrize("stage", ["tiktok"], indirect=True)
async def test_a_post_that_fails_for_a_ban_is_the_accounts_trouble(stage: Stage) -> None:
    connection = await stage.linked()
    word = "spam_risk_user_banned_from_posting"
    stage.twins.world.set_fault("container_error", "tiktok", connection.account_id, text=word)
    delivery = await posts.to_its_end(stage, stage.house, await taken(stage, connection))
    assert (delivery.state, delivery.reason) == ("failed", Reason.RESTRICTED)
    async with stage.house.db.read() as session:
        row = await session.get_one(Connection, connection.id)
    assert row.problem == Reason.RESTRICTED
    assert [incident.reason for incident in await incidents(stage)] == [Reason.RESTRICTED]


@pytest.mark.parametrize("stage", ["tiktok"], indirect=True)
async def test_a_post_in_processing_is_followed_with_a_renewed_token(stage: Stage) -> None:
    connection = await stage.linked()
    delivery_id = await taken(stage, connection)
    stage.twins.world.set_fault("expired", "tiktok", connection.account_id)
    delivery = await posts.to_its_end(stage, stage.house, delivery_id)
    assert delivery.state == "published"
    assert (await grant_of(stage.house, connection)).generation == 2


@pytest.mark.parametrize("stage", ["pinterest"], indirect=True)
async def test_tokens_that_are_handed_out_and_never_work_are_a_dead_connection(stage: Stage) -> None:
    connection = await stage.linked()
    delivery_id = await posts.queued(stage, connection, posts.picture(stage.twins, TEXT))
    for _ in range(3):
        stage.twins.world.set_fault("expired", "pinterest", stage.case.mine)
        await sweep.publish_due(stage.house)
        stage.twins.advance(seconds=300)
    grant = await grant_of(stage.house, connection)
    assert (grant.state, grant.generation) == ("dead", 3)
    assert len(await incidents(stage)) == 1
    assert (await posts.the(stage.house, delivery_id)).state == "blocked"
    stage.twins.world.faults.clear()
    token = await an_invitation(stage.house, stage.client, "pinterest", connection.id)
    await walk(stage.house, stage.twins, token, **{"as": stage.case.mine})
    stage.twins.world.set_fault("expired", "pinterest", stage.case.mine)
    delivery = await posts.to_its_end(stage, stage.house, delivery_id)
    assert delivery.state == "published", "a new consent begins anew"


@pytest.mark.parametrize("stage", ["pinterest"], indirect=True)
async def test_one_call_that_is_always_refused_is_not_a_dead_connection(stage: Stage) -> None:
    connection = await stage.linked()
    delivery_id = await posts.queued(stage, connection, posts.picture(stage.twins, TEXT))
    for _ in range(12):
        stage.twins.world.set_fault("expired", "pinterest", stage.case.mine, group="publish")
        await sweep.publish_due(stage.house)
        delivery = await posts.the(stage.house, delivery_id)
        if delivery.next_at is None or delivery.reason == "late":
            break
        stage.twins.advance(seconds=(delivery.next_at - stage.house.clock.now()).total_seconds() + 0.01)
    grant = await grant_of(stage.house, connection)
    assert (grant.state, grant.generation) == ("live", 3)
    assert await incidents(stage) == []
    assert (delivery.state, delivery.reason) == ("blocked", "late"), "a person decides about it"


@pytest.mark.parametrize("stage", ["linkedin"], indirect=True)
async def test_a_new_token_that_is_called_revoked_and_is_not_stays_alive_without_a_word(stage: Stage) -> None:
    connection = await stage.linked()
    before = await grant_of(stage.house, connection)
    stage.twins.world.set_fault("false_revoked", "linkedin", stage.case.mine, count=1)
    delivery_id = await posts.queued(stage, connection, posts.words(stage.twins, TEXT))
    delivery = await posts.to_its_end(stage, stage.house, delivery_id)
    assert delivery.state == "published"
    grant = await grant_of(stage.house, connection)
    assert (grant.state, grant.reason, grant.next_due_at) == ("live", None, before.next_due_at)
    assert await incidents(stage) == []
