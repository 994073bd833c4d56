"""`/connect PLATFORM client` for each platform, and for four of them in one command."""

from __future__ import annotations

import re

import pytest

from sandbox.agency import links_in
from sandbox.visitor import Visitor
from tests.e2e.office import LOGINS, Office, login


@pytest.mark.parametrize("platform", LOGINS)
async def test_each_platform_is_connected_from_one_command(office: Office, platform: str) -> None:
    word = platform.replace("_", "-").removesuffix("s")
    page = await office.walk(await office.link(word), platform, "bakery")
    assert "is connected" in page.text, page.text
    assert not links_in(office.maria, office.channel.id)
    health = await office.health()
    assert "✅" in health and "⛔" not in health


async def test_four_platforms_in_one_command_tick_themselves_off(office: Office) -> None:
    wanted = ("tiktok", "youtube", "pinterest", "threads")
    await office.maria.command("/connect", f"{' '.join(wanted)} bakery", office.channel.id)
    await office.links(len(wanted))
    message = office.roots()[-1]
    for done, platform in enumerate(wanted):
        links = await office.links(len(wanted) - done)
        page = await office.walk(links[0], platform, "bakery")
        assert "is connected" in page.text, page.text
    assert office.roots()[-1].ts == message.ts and office.roots()[-1].text.count("✅") == 4


async def test_one_facebook_login_offers_a_page_and_the_instagram_account_behind_it(office: Office) -> None:
    link = await office.link("facebook")
    async with Visitor() as browser:
        page = await browser.connect(link, account=login("facebook", "bakery"))
        assert "Which accounts shall be connected?" in page.text and "@bakery on Instagram" in page.text
        picks = re.findall(r'<input[^>]*name="pick"[^>]*value="([^"]+)"', page.text)
        page = await browser.press(page, {"action": "link", "pick": picks})
    assert "@bakery and @bakery on Instagram are connected" in page.text
    await office.demo.settled()
    said = office.roots()[-1].text
    assert said.count("✅") == 2 and "*Facebook*" in said and "*Instagram*" in said, said
    assert "missing" not in await office.health()
