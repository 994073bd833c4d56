"""A week by itself: nobody presses anything, and whoever should know hears of it."""

from __future__ import annotations

from sqlalchemy import update

from sandbox.agency import TEAM
from storage.models import Client
from tests.e2e.office import DAY, Office, login


async def test_monday_tells_the_people_and_a_roll_call_who_left(office: Office) -> None:
    await office.connect("x")
    slack, agency = office.demo.sandbox.slack, office.demo.agency
    async with office.demo.app.house.db.write() as session:
        mentions = [agency.maria.id, agency.tom.id]
        await session.execute(update(Client).where(Client.slug == "bakery").values(mentions=mentions))
    office.demo.sandbox.platforms.set_fault("revoked", "x", account=login("x", "bakery"))
    agency.tom.deleted = True
    await office.demo.advanced(7 * DAY)  # one Monday, whatever day it is
    direct = slack.direct_message(TEAM, agency.maria.id)

    def digests() -> list[str]:
        return [one.text for one in office.maria.sees(direct.id) if "Your clients this week" in one.text]

    await slack.until(lambda: bool(digests()))
    assert len(digests()) == 1 and "1 account down" in digests()[0]

    def told() -> list[str]:
        return [one.text for one in office.maria.sees(agency.operations.id)]

    await slack.until(lambda: any("was deactivated in Slack" in text for text in told()))
    await office.demo.settled()
    assert sum("was deactivated in Slack" in text for text in told()) == 1
    assert sum("The week from" in text for text in told()) == 1
    assert sum(f"This is for <@{agency.tom.id}>" in text for text in told()) == 1
