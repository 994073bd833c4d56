"""The main job, end to end: typed command, consent, health, refresh, revocation, reconnect, release."""

from __future__ import annotations

import pytest

from sandbox.agency import links_in
from sandbox.visitor import Visitor
from tests.e2e.office import DAY, HOUR, Office, login

PLATFORMS = pytest.mark.parametrize("platform", ["instagram", "x"])
LIFE = {"instagram": 46 * DAY, "x": 1.6 * HOUR}


@PLATFORMS
async def test_opening_a_link_twice_consumes_nothing_and_consenting_connects(
    office: Office, platform: str
) -> None:
    link = await office.link(platform)
    async with Visitor() as scanner:
        for _ in range(2):
            page = await scanner.open(link)
            assert page.status == 200 and page.forms
    page = await office.walk(link, platform, "bakery")
    assert "is connected" in page.text
    message = office.roots()[-1]
    assert "@bakery" in message.text and not links_in(office.maria, office.channel.id)
    assert "⛔" not in await office.health()
    async with Visitor() as late:
        assert not [form for form in (await late.open(link)).forms if form.method == "POST"]


@PLATFORMS
async def test_time_passes_and_the_token_is_renewed_by_itself(office: Office, platform: str) -> None:
    await office.connect(platform)
    await office.demo.advanced(LIFE[platform])
    ledger = office.demo.sandbox.platforms.ledger
    assert len(ledger.find("token_issued", platform=platform)) >= 2
    assert not ledger.spent_refreshes()
    assert "⛔" not in await office.health()


@PLATFORMS
async def test_a_revoked_login_is_told_once_held_and_healed(office: Office, platform: str) -> None:
    await office.connect(platform)
    text = "Sourdough day, come early!"
    await office.post(platform, text, later=2 * HOUR)
    world = office.demo.sandbox.platforms
    world.set_fault("revoked", platform, account=login(platform, "bakery"))
    await office.demo.advanced(2.2 * HOUR)
    alert = office.alert()
    assert [one.text for one in office.roots()].count(alert.text) == 1
    assert "1 post" in alert.text
    assert not office.published(text, platform)
    assert "⛔" in await office.health()

    link = links_in(office.maria, office.channel.id)[0]
    page = await office.walk(link, platform, "florist")
    assert "@bakery" in page.text and "@florist" in page.text
    assert "⛔" in await office.health()

    page = await office.walk(link, platform, "bakery")
    assert "is connected again" in page.text, page.text
    await office.demo.advanced(60)
    assert "Reconnect" not in str(office.roots()[-1].blocks)
    assert len(office.published(text, platform)) == 1
    assert office.thread(alert)
    await office.demo.advanced(DAY)
    assert len(office.published(text, platform)) == 1


async def test_nothing_that_slack_was_told_was_invalid(office: Office) -> None:
    for platform in ("instagram", "x"):
        await office.connect(platform)
        await office.post(platform, f"Hello from {platform}")
    for command, text in (("/retry", ""), ("/lamplighter", "help"), ("/lamplighter", "clients")):
        await office.maria.command(command, text, office.channel.id)
    await office.demo.settled()
    assert not office.demo.sandbox.slack.complaints
    assert all(call.response.get("ok", True) for call in office.demo.sandbox.slack.calls)
