"""Socket Mode with Bolt's own handler."""

from __future__ import annotations

from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette

from sandbox.slack import Person, SlackWorld, create_slack_routes, life
from sandbox.slack.socket import SocketGate
from sandbox.slack.testing import serving

pytestmark = pytest.mark.timeout(30)


async def test_commands_and_events_arrive_over_the_socket() -> None:
    world = SlackWorld()
    team = world.add_team("agency")
    install = world.install(team.id)
    ada = Person(world, world.add_user(team.id, "ada").id)
    general = world.add_channel(team.id, "general", ada.user.id, install.bot_user_id)
    heard: list[str] = []

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None, team_id=team.id, bot_token=install.token, bot_user_id=install.bot_user_id
        )

    gate = SocketGate(world)
    await gate.start()
    async with serving(Starlette(routes=list(create_slack_routes(world)))) as slack:
        client = AsyncWebClient(install.token, base_url=f"{slack}/slack.com/api/")
        app = AsyncApp(client=client, authorize=authorize, signing_secret=world.app.signing_secret)

        @app.command("/connect")
        async def connect(ack: Any) -> None:
            await ack("Over the wire.")

        @app.event("channel_archive")
        async def archived(event: dict[str, Any]) -> None:
            heard.append(event["channel"])

        with pytest.raises(SlackApiError, match="invalid_auth"):
            await client.apps_connections_open(app_token="xapp-wrong")
        handler = AsyncSocketModeHandler(app, world.app.app_token, web_client=client)
        await handler.connect_async()  # type: ignore[no-untyped-call]
        await world.until(lambda: bool(world.sockets))
        seen = await ada.command("/connect", "x", general.id)
        assert seen.message is not None and seen.message.text == "Over the wire."
        life.archive(world, general, ada.user.id)
        await world.drain()
        await handler.close_async()  # type: ignore[no-untyped-call]
    await gate.stop()
    assert heard == [general.id]
    assert world.sockets == []
