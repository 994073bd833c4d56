"""Promise 3: no alert is lost; none is repeated, save one twin when Slack's own answer was lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from sandbox.slack.faults import Outage
from storage.models import Incident, Notice
from tests.chaos.stage import HOUR, Stage, eventually

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

DEATH = 1.65 * HOUR
SLACKS_PATIENCE = timedelta(seconds=91)  # how long an unanswered message waits to come back by itself
OUTAGES = [Outage.DOWN, Outage.UNAVAILABLE, Outage.RATE_LIMITED]


async def pass_slacks_patience(stage: Stage) -> None:
    """As if the wait for a lost answer had passed: Slack's time is real and cannot be advanced."""
    async with stage.database.write() as session:
        for row in await stage.rows(Notice):
            if row.state == "posting" and row.posting_since is not None and row.next_at is not None:
                values = {
                    "posting_since": row.posting_since - SLACKS_PATIENCE,
                    "next_at": row.next_at - SLACKS_PATIENCE,
                }
                await session.execute(update(Notice).where(Notice.id == row.id).values(**values))


async def everything_posted(stage: Stage) -> None:
    """Waits until no notice of the incident is on its way any more."""

    async def posted() -> bool:
        rows = [row for row in await stage.rows(Notice) if row.topic == "incident"]
        if any(row.state == "posting" and row.lease_owner for row in rows):
            await pass_slacks_patience(stage)
        return bool(rows) and all(row.state == "posted" and row.next_at is None for row in rows)

    await eventually(posted, "the incident is told", 40)


async def dies(stage: Stage) -> None:
    stage.sandbox.platforms.set_fault("revoked", "x", account="101")
    stage.advance(DEATH)
    await stage.until_grant("dead", 1)


async def quiet(stage: Stage) -> None:
    """A bot that has said all it has to say so far, and is gone."""
    calm = await stage.child()
    await stage.swept()
    await stage.told()
    await calm.end()


@pytest.mark.parametrize("outage", OUTAGES)
async def test_an_outage_of_slack_during_a_death_loses_no_alert(stage: Stage, outage: Outage) -> None:
    await stage.linked("x")
    await quiet(stage)
    faults = stage.sandbox.slack.faults
    fault = faults.add(outage)
    await stage.child()  # a start does not need Slack either
    await dies(stage)
    await eventually_struck(fault_of := fault)
    assert fault_of.struck and not stage.alerts()

    faults.clear()
    await everything_posted(stage)
    await stage.told()
    assert len(stage.alerts()) == 1
    assert len(await stage.rows(Incident)) == 1


async def eventually_struck(fault: object) -> None:
    async def struck() -> bool:
        return bool(getattr(fault, "struck", 0))

    await eventually(struck, "the bot met the outage")


async def test_a_lost_answer_of_slack_makes_at_most_one_twin(stage: Stage) -> None:
    await stage.linked("x")
    await quiet(stage)
    fault = stage.sandbox.slack.faults.add(Outage.LOST_ANSWER, "chat.postMessage", times=1)
    await stage.child()
    await dies(stage)
    await eventually_struck(fault)
    await everything_posted(stage)
    assert 1 <= len(stage.alerts()) <= 2
    assert len(await stage.rows(Incident)) == 1


async def test_slack_telling_where_it_stands_spares_the_twin(stage: Stage) -> None:
    stage.sandbox.slack.switches.metadata_events = True
    await stage.linked("x")
    await quiet(stage)
    fault = stage.sandbox.slack.faults.add(Outage.LOST_ANSWER, "chat.postMessage", times=1)
    await stage.child()
    await dies(stage)
    await eventually_struck(fault)

    async def known() -> bool:
        rows = [row for row in await stage.rows(Notice) if row.topic == "incident"]
        return bool(rows) and all(row.state == "posted" and row.ts for row in rows)

    await eventually(known, "the lost timestamp came back")
    await pass_slacks_patience(stage)
    await stage.swept()
    assert len(stage.alerts()) == 1


@pytest.mark.parametrize(
    ("point", "most"),
    [
        ("bot.slack.gateway.Gateway.post:before", 1),
        ("bot.slack.gateway.Gateway.post:after", 2),
        ("bot.slack.delivery.Delivery._record:after", 1),
    ],
)
async def test_a_kill_around_slacks_answer_loses_no_alert(stage: Stage, point: str, most: int) -> None:
    await stage.linked("x")
    await quiet(stage)
    doomed = await stage.child(point)
    stage.sandbox.platforms.set_fault("revoked", "x", account="101")
    stage.advance(DEATH)
    await doomed.killed()

    await stage.child()
    await stage.until_grant("dead", 1)
    await everything_posted(stage)
    assert 1 <= len(stage.alerts()) <= most
    assert len(await stage.rows(Incident)) == 1
