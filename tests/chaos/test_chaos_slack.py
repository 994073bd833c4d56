"""Promise 3: no alert is lost; none is repeated, save one twin when Slack's own answer was lost."""

from __future__ import annotations

import pytest

from sandbox.slack.faults import Fault, Outage
from storage.models import Incident, Notice
from tests.chaos.process import eventually
from tests.chaos.stage import HOUR, Stage

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

DEATH = 1.65 * HOUR
OUTAGES = [Outage.DOWN, Outage.UNAVAILABLE, Outage.RATE_LIMITED]


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
    await struck(fault)
    assert not stage.alerts()

    faults.clear()
    await stage.incident_told()
    await stage.told()
    assert len(stage.alerts()) == 1
    assert len(await stage.rows(Incident)) == 1


async def struck(fault: Fault) -> None:
    """Waits until the bot has met it."""

    async def met() -> bool:
        return fault.struck > 0

    await eventually(met, "the bot met the outage")


async def test_a_lost_answer_of_slack_makes_at_most_one_twin(stage: Stage) -> None:
    await stage.linked("x")
    await quiet(stage)
    fault = stage.sandbox.slack.faults.add(Outage.LOST_ANSWER, "chat.postMessage", times=1)
    await stage.child()
    await dies(stage)
    await struck(fault)
    await stage.incident_told()
    assert 1 <= len(stage.alerts()) <= 2
    assert len(await stage.rows(Incident)) == 1


async def test_slack_telling_where_it_stands_spares_the_twin(stage: Stage) -> None:
    stage.sandbox.slack.switches.metadata_events = True
    await stage.linked("x")
    await quiet(stage)
    fault = stage.sandbox.slack.faults.add(Outage.LOST_ANSWER, "chat.postMessage", times=1)
    await stage.child()
    await dies(stage)
    await struck(fault)

    async def known() -> bool:
        rows = [row for row in await stage.rows(Notice) if row.topic == "incident"]
        return bool(rows) and all(row.state == "posted" and row.ts for row in rows)

    await eventually(known, "the lost timestamp came back")
    await stage.pass_slacks_patience()
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
    await stage.incident_told()
    assert 1 <= len(stage.alerts()) <= most
    assert len(await stage.rows(Incident)) == 1
