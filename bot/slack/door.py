"""Bolt, put together explicitly, and the middleware that every request from Slack passes.

What bolt does otherwise (facts: Slack, 0 and 3): it reads the environment, runs redelivered events again,
answers 404 to what has no listener, and leaves listeners running that nobody waits for.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.listener.async_listener_completion_handler import AsyncListenerCompletionHandler
from slack_bolt.listener.async_listener_start_handler import AsyncListenerStartHandler
from slack_bolt.middleware.async_builtins import AsyncIgnoringSelfEvents
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.slack.belonging import install_of
from bot.slack.events import SeenEvents, event_id_of
from bot.slack.gateway import Gateway
from bot.slack.installs import Installs
from bot.slack.mishaps import Mishaps, refuse_stranger
from storage.database import Database

__all__ = ["Door", "build_bolt"]

log = structlog.get_logger(__name__)

EVENT_SECONDS = 2.5


class KeepsOwnMetadata(AsyncIgnoringSelfEvents):
    """Ignores the bot's own events, save the one that brings back a lost timestamp."""

    events_that_should_be_kept = [  # noqa: RUF012 - as bolt declares it
        *AsyncIgnoringSelfEvents.events_that_should_be_kept,
        "message_metadata_posted",
    ]


class Door(AsyncApp):
    """Bolt with what it lacks: events once, an answer for everything, and a graceful end."""

    def __init__(self, *, seen: SeenEvents, mishaps: Mishaps, **options: Any) -> None:
        with _without_environment():
            super().__init__(**options)
        self._seen = seen
        self._mishaps = mishaps
        self._listening: set[asyncio.Task[Any]] = set()
        self.listener_runner.listener_start_handler = _Started(self._listening)
        self.listener_runner.listener_completion_handler = _Completed(seen)
        self.error(mishaps.handle)

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        """Answers one request of Slack, from HTTP (its signature is checked) or Socket Mode."""
        started = time.perf_counter()
        event_id = event_id_of(req.body)
        if event_id is not None and await self._seen.contains(event_id):
            return BoltResponse(status=200, body="")
        response = await super().async_dispatch(req)
        if event_id is not None and response.status == 200:
            response = await _event_response(req, response)
        if response.status == 404:  # for Slack a failed delivery, and for the person an ugly triangle
            log.warning("slack request without an answer", **_route(req.body), ran="started" in req.context)
            response = BoltResponse(status=200, body="")
        seconds = round(time.perf_counter() - started, 3)
        user = req.context.get("user_id")
        log.info("slack request", **_route(req.body), user=user, status=response.status, seconds=seconds)
        return response

    async def drain(self, seconds: float = 10.0) -> None:
        """Waits for listeners that still run, at most so long."""
        tasks = self._listening | self._mishaps.telling
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)


def build_bolt(
    *,
    gateway: Gateway,
    installs: Installs,
    database: Database,
    signing_secret: str,
    wall: Callable[[], datetime],
) -> Door:
    """The app on which commands register themselves. `wall` is real time.

    Listeners may name `workspace_id` (the row's id) among their parameters. `signing_secret` may be empty
    only where requests come through Socket Mode alone.
    """

    async def find_workspace(
        context: AsyncBoltContext, body: dict[str, Any], next_: Callable[[], Awaitable[None]]
    ) -> BoltResponse | None:
        if body.get("type") not in {"url_verification", "ssl_check"}:
            install = await install_of(body, installs)
            if install is None:
                return await refuse_stranger(body, gateway)
            context["install"] = install
            context["workspace_id"] = install.workspace_id
        await next_()
        return None

    door = Door(
        seen=SeenEvents(database, wall),
        mishaps=Mishaps(gateway),
        name="lamplighter",
        client=gateway.web_client(),
        signing_secret=signing_secret,
        authorize=_authorize,
        before_authorize=find_workspace,
        ignoring_self_events_enabled=False,
    )
    door.use(KeepsOwnMetadata())
    return door


async def _authorize(context: AsyncBoltContext) -> AuthorizeResult | None:
    """As whom listeners speak: the installation that the request was found to be from."""
    install = context.get("install")
    if install is None:
        return None
    return AuthorizeResult(
        enterprise_id=None,
        team_id=install.team_id,
        bot_user_id=install.bot_user_id,
        bot_id=install.bot_id or None,
        bot_token=install.bot_token,
    )


class _Started(AsyncListenerStartHandler):
    """Keeps each listener's task: asyncio alone may forget one that runs."""

    def __init__(self, tasks: set[asyncio.Task[Any]]) -> None:
        self._tasks = tasks

    async def handle(self, request: AsyncBoltRequest, response: BoltResponse | None) -> None:
        request.context["started"] = True
        request.context["completed"] = asyncio.Event()
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


class _Completed(AsyncListenerCompletionHandler):
    """Remembers an event that was handled well, and says that the listener is done."""

    def __init__(self, seen: SeenEvents) -> None:
        self._seen = seen

    async def handle(self, request: AsyncBoltRequest, response: BoltResponse | None) -> None:
        context = request.context
        if "acknowledged" in context:
            # After a failure bolt takes an acknowledgement back that Slack may be waiting for.
            context.ack.response = context["acknowledged"]
        event_id = event_id_of(request.body)
        if event_id is not None and "failed" not in context:
            await self._seen.add(event_id)
        context["completed"].set()


async def _event_response(req: AsyncBoltRequest, response: BoltResponse) -> BoltResponse:
    """Bolt acknowledges events before they are handled; ours waits, so that Slack brings back what failed."""
    await asyncio.sleep(0)  # the listener, if there is one, begins in this moment
    if "started" in req.context:
        with suppress(TimeoutError):
            async with asyncio.timeout(EVENT_SECONDS):
                await req.context["completed"].wait()
    return BoltResponse(status=500, body="") if "failed" in req.context else response


def _route(body: Mapping[str, Any]) -> dict[str, str]:
    """What a request is about, by name alone."""
    event, view = body.get("event"), body.get("view")
    actions = body.get("actions")
    kind = str(body.get("type") or ("command" if "command" in body else "unknown"))
    name = body.get("command") or body.get("callback_id")
    if isinstance(event, Mapping):
        name = event.get("type")
    elif isinstance(actions, list) and actions and isinstance(actions[0], Mapping):
        name = actions[0].get("action_id")
    elif isinstance(view, Mapping):
        name = view.get("callback_id")
    return {"kind": kind[:64], "name": str(name or "")[:64]}


@contextmanager
def _without_environment() -> Iterator[None]:
    """Hides Slack's variables from bolt, which would otherwise turn some of them into an OAuth app."""
    hidden = {name: value for name, value in os.environ.items() if name.startswith("SLACK_")}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)
