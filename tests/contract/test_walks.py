"""Linking, the same for every platform."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from storage.models import Connection, Grant, Incident, Notice
from tests.contract.conftest import Stage
from tests.support import a_client, come_back, consent_at, grant_of


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


async def test_what_was_left_out_is_named_and_nothing_is_linked(stage: Stage) -> None:
    """Each permission that posting takes, by itself: named with what does not work, and cured at once."""
    if not stage.case.unticks:
        pytest.skip("people allow everything or nothing there")
    purposes = {scope.name: scope.purpose for scope in stage.info.scopes}
    for name in sorted(stage.info.required_scopes):
        consent = await stage.walk(stage.case.mine, **stage.all_but(name))
        assert (consent.state, consent.result) == ("failed", "missing_scopes"), (name, consent.detail)
        view = await stage.shown(consent)
        assert [(scope.name, scope.purpose) for scope in view.missing] == [(name, purposes[name])]
        assert view.again_link, "the same link works again"
        assert await count(stage, Connection) == 0 and consent.answer is None
    cured = await stage.walk(stage.case.mine, **stage.all_but())
    assert cured.result == "linked" and not (await stage.shown(cured)).missing


async def test_what_is_not_needed_to_post_may_be_left_out(stage: Stage) -> None:
    optional = [scope.name for scope in stage.info.scopes if not scope.required]
    if not stage.case.unticks or not optional:
        pytest.skip("there is nothing that could be left out")
    consent = await stage.walk(stage.case.mine, **stage.all_but(*optional))
    assert consent.result == "linked", (consent.state, consent.detail)
    assert [scope.name for scope in (await stage.shown(consent)).missing] == optional
    async with stage.house.db.read() as session:
        connection = await session.get_one(Connection, consent.connection_ids[0])
    own = [scope.name for scope in stage.info.scopes if not scope.required and scope.concerns is None]
    assert connection.missing_scopes == own, "what only other accounts lack is no fault of this one"


async def test_where_nothing_can_be_left_out_nothing_is_missing(stage: Stage) -> None:
    if stage.case.unticks:
        pytest.skip("there people can")
    consent = await stage.walk(stage.case.mine, **stage.all_but(*stage.info.required_scopes))
    assert consent.result == "linked" and not (await stage.shown(consent)).missing


async def test_a_second_consent_that_leaves_something_out_is_told_of_at_once(stage: Stage) -> None:
    """The first account, and that of another client on the same login, in the same minute; a third consent
    cures both."""
    if not stage.case.unticks:
        pytest.skip("people allow everything or nothing there")
    first = await stage.linked()
    other = await a_client(stage.house, "client-b", "C2")
    assert (await stage.walk(stage.case.mine, client=other)).result == "linked"
    posting = next(scope.name for scope in stage.info.scopes if scope.required and "posting" in scope.purpose)
    third = await a_client(stage.house, "client-c", "C3")
    consent = await stage.walk(stage.case.mine, client=third, **stage.all_but(posting))
    assert (consent.state, consent.result) == ("failed", "missing_scopes")
    grant = await grant_of(stage.house, first)
    assert (grant.state, grant.reason) == ("dead", "permission_missing")
    async with stage.house.db.read() as session:
        (incident,) = (await session.scalars(select(Incident))).all()
        roots = (await session.scalars(select(Notice).where(Notice.topic == "incident"))).all()
    assert (incident.reason, incident.detail["permission"]) == ("permission_missing", posting)
    told = {(root.audience, root.audience_id) for root in roots}
    assert {("team", stage.client.id), ("team", other.id)} <= told and ("team", third.id) not in told
    assert (await stage.walk(stage.case.mine, client=third)).result == "linked"
    assert (await grant_of(stage.house, first)).state == "live"
    async with stage.house.db.read() as session:
        closed = (await session.scalars(select(Incident.closed_how))).all()
    assert closed == ["relinked"]


@pytest.mark.parametrize("fault", ["unavailable", "html_error", "lost_after", "lost_before"])
async def test_no_answer_at_the_exchange_links_nothing_and_says_so(stage: Stage, fault: str) -> None:
    stage.twins.world.set_fault(fault, stage.twin, group="token", count=1)
    consent = await stage.walk(stage.case.mine)
    assert (consent.state, consent.result) == ("failed", "no_answer")
    assert await count(stage, Connection) == 0 and consent.answer is None
