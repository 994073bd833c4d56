"""`/connect PLATFORM client` for each platform, and for four of them in one command."""

from __future__ import annotations

import pytest

from sandbox.agency import links_in
from tests.e2e.office import LOGINS, Office


@pytest.mark.parametrize("platform", LOGINS)
async def test_each_platform_is_connected_from_one_command(office: Office, platform: str) -> None:
    word = platform.replace("_", "-").removesuffix("s")
    await office.maria.command("/connect", f"{word} bakery", office.channel.id)
    await office.demo.settled()
    (link,) = links_in(office.maria, office.channel.id)
    page = await office.walk(link, platform, "bakery")
    assert "is connected" in page.text, page.text
    assert not links_in(office.maria, office.channel.id)
    health = await office.health()
    assert "✅" in health and "⛔" not in health


async def test_four_platforms_in_one_command_tick_themselves_off(office: Office) -> None:
    wanted = ("tiktok", "youtube", "pinterest", "threads")
    await office.maria.command("/connect", f"{' '.join(wanted)} bakery", office.channel.id)
    await office.demo.settled()
    message = office.roots()[-1]
    for left in (3, 2, 1, 0):
        links = links_in(office.maria, office.channel.id)
        assert len(links) == left + 1
        shown = [word for word in LOGINS if word in wanted and word not in office.connected]
        await office.walk(links[0], shown[0], "bakery")
        office.connected.append(shown[0])
    assert office.roots()[-1].ts == message.ts and office.roots()[-1].text.count("✅") == 4
