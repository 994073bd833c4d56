"""Outages, lost answers and rate limits of the Web API twin."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette

from sandbox.slack import Outage, SlackWorld, create_slack_routes
from sandbox.slack.models import Channel
from sandbox.slack.testing import serving

pytestmark = pytest.mark.timeout(30)


class Clock:
    """Real time that a test can move."""

    now = 1_795_210_662.0

    def __call__(self) -> float:
        return self.now


@dataclass
class House:
    """A small workspace and a client that speaks for the app."""

    world: SlackWorld
    url: str
    client: AsyncWebClient
    general: Channel
    clock: Clock

    async def error(self, method: str, **args: Any) -> str:
        """The error code of a call that must fail."""
        with pytest.raises(SlackApiError) as caught:
            await self.client.api_call(method, json=args)
        return str(caught.value.response["error"])


@pytest_asyncio.fixture
async def house() -> AsyncIterator[House]:
    clock = Clock()
    world = SlackWorld(clock=clock)
    team = world.add_team("agency")
    install = world.install(team.id)
    ada = world.add_user(team.id, "ada", tz="Europe/Berlin", is_admin=True)
    general = world.add_channel(team.id, "general", ada.id, install.bot_user_id)
    async with serving(Starlette(routes=list(create_slack_routes(world)))) as url:
        client = AsyncWebClient(install.token, base_url=f"{url}/slack.com/api/", retry_handlers=[])
        yield House(world, url, client, general, clock)


async def test_outages(house: House) -> None:
    args: dict[str, Any] = {"channel": house.general.id, "text": "x"}
    faults = house.world.faults
    faults.add(Outage.RATE_LIMITED, "chat.*", times=1, retry_after=7)
    with pytest.raises(SlackApiError) as caught:
        await house.client.chat_postMessage(**args)
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "7"
    faults.add(Outage.INTERNAL_ERROR, times=1)
    assert await house.error("chat.postMessage", **args) == "internal_error"
    faults.add(Outage.UNAVAILABLE, times=1)
    with pytest.raises(SlackApiError) as caught:
        await house.client.chat_postMessage(**args)
    assert caught.value.response.status_code == 503
    assert house.general.messages == {}
    await house.client.chat_postMessage(**args)


@pytest.mark.parametrize(("outage", "posted"), [(Outage.DOWN, 0), (Outage.LOST_ANSWER, 1)])
async def test_a_dropped_connection_before_or_after_the_effect(
    house: House, outage: Outage, posted: int
) -> None:
    house.world.faults.add(outage, "chat.postMessage", times=1)
    url = f"{house.url}/slack.com/api/chat.postMessage"
    form = {"token": str(house.client.token), "channel": house.general.id, "text": "x"}
    async with httpx.AsyncClient() as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.post(url, data=form)
    assert len(house.general.messages) == posted


async def test_pacing_is_a_switch(house: House) -> None:
    house.world.switches.strict_pacing = True
    args: dict[str, Any] = {"channel": house.general.id, "text": "x"}
    await house.client.chat_postMessage(**args)
    assert await house.error("chat.postMessage", **args) == "ratelimited"
    house.clock.now += 1
    await house.client.chat_postMessage(**args)


async def test_tiers_are_a_switch(house: House) -> None:
    house.world.switches.tier_limits = True
    for _ in range(20):
        await house.client.conversations_list()
    with pytest.raises(SlackApiError) as caught:
        await house.client.conversations_list()
    assert caught.value.response.headers["Retry-After"] == "60"
