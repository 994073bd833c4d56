"""Linking, the same for every platform."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from storage.models import Connection, Grant
from tests.contract.conftest import Stage
from tests.support import come_back, consent_at, grant_of


async def count(stage: Stage, model: type[Connection] | type[Grant]) -> int:
    async with stage.house.db.read() as session:
        return int(await session.scalar(select(func.count()).select_from(model)) or 0)


async def test_link(stage: Stage) -> None:
    connection = await stage.linked()
    assert stage.case.reached in f"{connection.handle} {connection.name}"
    grant = await grant_of(stage.house, connection)
    assert grant.state == "live" and grant.access_token and grant.access_token.startswith("1.")


async def test_relink_replaces_tokens_and_nothing_else(stage: Stage) -> None:
    connection = await stage.linked()
    consent = await stage.walk(stage.case.mine, connection)
    assert consent.result == "relinked"
    again = await grant_of(stage.house, connection)
    assert again.generation == 2 and await count(stage, Connection) == 1
    async with stage.house.db.read() as session:
        after = await session.get_one(Connection, connection.id)
    assert (after.linked_at, after.account_id) == (connection.linked_at, connection.account_id)


async def test_a_wrong_account_changes_nothing_and_is_named(stage: Stage) -> None:
    connection = await stage.linked()
    before = await grant_of(stage.house, connection)
    consent = await stage.walk(stage.case.other, connection)
    wrong = consent.detail.get("question") == "other_account" or consent.result == "no_account"
    assert wrong, (consent.state, consent.result, consent.detail)
    after = await grant_of(stage.house, connection)
    assert (after.generation, after.access_token) == (before.generation, before.access_token)
    assert await count(stage, Connection) == 1


async def test_a_denial_leaves_the_invitation_usable(stage: Stage) -> None:
    consent = await stage.walk(None)
    assert (consent.state, consent.result) == ("failed", "denied")
    assert await count(stage, Grant) == 0


async def test_a_state_counts_once(stage: Stage) -> None:
    arrived = await consent_at(stage.twins, await stage.started(), **{"as": stage.case.mine})
    first = await stage.answered(await come_back(stage.house, arrived))
    second = await stage.answered(await come_back(stage.house, arrived))
    assert first.id == second.id and second.result == "linked"
    assert len(stage.twins.world.ledger.find("code_presented")) == 1


async def test_a_used_code_links_nothing(stage: Stage) -> None:
    arrived = await consent_at(stage.twins, await stage.started(), **{"as": stage.case.mine})
    await come_back(stage.house, arrived)
    other = await consent_at(stage.twins, await stage.started(), **{"as": stage.case.mine})
    stolen = {**other[1], "code": arrived[1]["code"]}
    consent = await stage.answered(await come_back(stage.house, (other[0], stolen)))
    assert (consent.state, consent.result) == ("failed", "code_refused"), consent.detail


@pytest.mark.parametrize("fault", ["unavailable", "html_error", "lost_after", "lost_before"])
async def test_no_answer_at_the_exchange_links_nothing_and_says_so(stage: Stage, fault: str) -> None:
    stage.twins.world.set_fault(fault, stage.twin, group="token", count=1)
    consent = await stage.walk(stage.case.mine)
    assert (consent.state, consent.result) == ("failed", "no_answer")
    assert await count(stage, Connection) == 0 and consent.answer is None
