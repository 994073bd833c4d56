"""Signatures, retries and the metadata switch, against listeners that are not Bolt."""

from __future__ import annotations

import asyncio

import pytest
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.slack import Person, SlackWorld, create_slack_routes, life
from sandbox.slack.testing import serving

pytestmark = pytest.mark.timeout(30)


async def test_signatures_satisfy_slacks_own_verifier() -> None:
    world = SlackWorld()
    world.switches.retry_delays = (0.0,)
    team = world.add_team("agency")
    install = world.install(team.id)
    ada = world.add_user(team.id, "ada")
    general = world.add_channel(team.id, "general", ada.id, install.bot_user_id)
    verdicts: list[tuple[bool, str, str]] = []

    async def listen(request: Request) -> Response:
        body, headers = (await request.body()).decode(), dict(request.headers)
        good = SignatureVerifier(world.app.signing_secret).is_valid_request(body, headers)
        bad = SignatureVerifier("another").is_valid_request(body, headers)
        retry = headers.get("x-slack-retry-num", "") + headers.get("x-slack-retry-reason", "")
        verdicts.append((good and not bad, headers["content-type"], retry))
        status = 500 if b"archive" in await request.body() else 200
        return PlainTextResponse("", status)

    async with serving(Starlette(routes=[Route("/slack/events", listen, methods=["POST"])])) as url:
        world.bot_url = url
        await Person(world, ada.id).command("/connect", "ü & ö", general.id)
        life.archive(world, general, ada.id)
        await world.drain()
    form, json_ = "application/x-www-form-urlencoded", "application/json"
    assert verdicts == [(True, form, ""), (True, json_, ""), (True, json_, "1http_error")]


async def test_a_slow_app_is_told_so_on_the_retry() -> None:
    world = SlackWorld()
    world.switches.ack_seconds, world.switches.retry_delays = 0.05, (0.0,)
    team = world.add_team("agency")
    world.install(team.id)
    reasons: list[str] = []

    async def listen(request: Request) -> Response:
        reasons.append(request.headers.get("x-slack-retry-reason", ""))
        if len(reasons) == 1:
            await asyncio.sleep(0.3)
        return PlainTextResponse("")

    async with serving(Starlette(routes=[Route("/slack/events", listen, methods=["POST"])])) as url:
        world.bot_url = url
        life.uninstall(world, team.id)
        await world.drain()
    assert sorted(reasons) == ["", "", "http_timeout"]


async def test_metadata_events_are_a_switch_and_need_the_scope() -> None:
    world = SlackWorld()
    world.switches.retry_delays = ()
    world.app.events |= {"message_metadata_posted"}
    team = world.add_team("agency")
    install = world.install(team.id)
    general = world.add_channel(team.id, "general", install.bot_user_id)
    told: list[str] = []

    async def listen(request: Request) -> Response:
        event = (await request.json())["event"]
        told.append(event["metadata"]["event_payload"]["notice"])
        return PlainTextResponse("")

    routes = [*create_slack_routes(world), Route("/slack/events", listen, methods=["POST"])]
    async with serving(Starlette(routes=routes)) as url:
        world.bot_url = url
        client = AsyncWebClient(install.token, base_url=f"{url}/slack.com/api/")
        for number in range(3):
            world.switches.metadata_events = number > 0
            install.scopes |= {"metadata.message:read"} if number > 1 else set()
            metadata = {"event_type": "notice", "event_payload": {"notice": str(number)}}
            await client.chat_postMessage(channel=general.id, text="x", metadata=metadata)
        await world.drain()
    assert told == ["2"]
