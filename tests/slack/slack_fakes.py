"""A house with Slack's twin behind it: one workspace, its channels, and notices to deliver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from bot.messages.message import Message
from bot.outbound import Rewriter
from bot.slack.channels import channels_by_audience
from bot.slack.gateway import Gateway
from bot.slack.outbox import Outbox
from bot.slack.pacing import Pacer
from sandbox.slack.models import Channel
from sandbox.slack.models import Message as Said
from sandbox.slack.state import SlackWorld
from storage.database import Database
from storage.models import Client, Notice, Workspace

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
NO_PACE = 0.0


@asynccontextmanager
async def serve(routes: Sequence[BaseRoute]) -> AsyncIterator[str]:
    """Routes on a free loopback port; yields the origin."""
    config = uvicorn.Config(
        Starlette(routes=list(routes)),
        port=0,
        log_config=None,
        log_level="warning",
        lifespan="off",
        access_log=False,
    )
    server = uvicorn.Server(config)
    sockets = [config.bind_socket()]
    sockets[0].listen()  # who comes before the server has started waits in the queue
    task = asyncio.create_task(server.serve(sockets=sockets))
    try:
        yield f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@dataclass
class Wall:
    """Real time that a test moves."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Sayings:
    """Renderers: topic `news` says its facts' words; `view` the present state, read when it is sent."""

    state: dict[str, str] = field(default_factory=dict)
    problems: list[str | None] = field(default_factory=list)

    async def news(self, notice: Notice) -> Message | None:
        self.problems.append(notice.problem)
        words = notice.facts.get("words")
        return Message(str(words)) if words else None

    async def view(self, notice: Notice) -> Message | None:
        shown = self.state.get(notice.id, "start")
        block = {"type": "section", "text": {"type": "mrkdwn", "text": shown}}
        return Message(shown, (block,))

    async def broken(self, notice: Notice) -> Message | None:
        raise RuntimeError("xoxb-secret in a renderer")


@dataclass
class House:
    """Everything a test of the outbox needs."""

    database: Database
    world: SlackWorld
    origin: str
    session: aiohttp.ClientSession
    workspace_id: str
    team: Channel
    operations: Channel
    client_id: str
    wall: Wall = field(default_factory=Wall)
    sayings: Sayings = field(default_factory=Sayings)
    made: int = 0

    @property
    def token(self) -> str:
        return next(iter(self.world.installs.values())).token

    def gateway(self, interval: float = NO_PACE, origin: str | None = None) -> Gateway:
        async def token_for(_workspace: str) -> str:
            return self.token

        rewriter = Rewriter(origin or self.origin)
        return Gateway(self.session, rewriter, token_for, pacer=Pacer(interval))

    def outbox(self, owner: str = "one", gateway: Gateway | None = None) -> Outbox:
        renderers = {
            "news": self.sayings.news,
            "view": self.sayings.view,
            "broken": self.sayings.broken,
        }
        return Outbox(
            self.database, gateway or self.gateway(), renderers, channels_by_audience(), self.wall, owner
        )

    async def notice(self, words: str = "Hello.", **facts: Any) -> str:
        """Writes a due notice, a second younger than the one before; returns its id."""
        self.made += 1
        values: dict[str, Any] = {
            "workspace_id": self.workspace_id,
            "kind": "event",
            "topic": "news",
            "unique_key": f"key-{self.made}",
            "facts": {"words": words},
            "audience": "team",
            "audience_id": self.client_id,
            "next_at": self.wall.now,
            "created_at": START + timedelta(milliseconds=self.made),
        }
        async with self.database.write() as session:
            row = Notice(**values | facts)
            session.add(row)
            await session.flush()
            return row.id

    async def read(self, notice_id: str) -> Notice:
        async with self.database.read() as session:
            found = await session.get(Notice, notice_id)
        assert found is not None
        return found

    async def change(self, notice_id: str, shown: str) -> None:
        """What the domain does when a view's state moves on."""
        self.sayings.state[notice_id] = shown
        async with self.database.write() as session:
            row = await session.get(Notice, notice_id)
            assert row is not None
            row.version += 1
            row.next_at = self.wall.now

    def said(self, channel: Channel | None = None) -> list[Said]:
        return [m for m in (channel or self.team).messages.values() if not m.deleted]

    def texts(self, channel: Channel | None = None) -> list[str]:
        return [message.text for message in self.said(channel)]


async def make_house(
    database: Database, world: SlackWorld, origin: str, session: aiohttp.ClientSession
) -> House:
    """One workspace with a team channel, an operations channel, an admin and one client."""
    team = world.add_team("agency")
    install = world.install(team.id)
    admin = world.add_user(team.id, "ada", is_admin=True)
    channel = world.add_channel(team.id, "client-a", install.bot_user_id, admin.id)
    operations = world.add_channel(team.id, "ops", install.bot_user_id, admin.id)
    async with database.write() as db:
        row = Workspace(
            team_id=team.id,
            bot_user_id=install.bot_user_id,
            operations_channel=operations.id,
            admins=[admin.id],
            created_at=START,
        )
        db.add(row)
        await db.flush()
        client = Client(
            workspace_id=row.id,
            slug="client-a",
            name="Client A",
            zone="UTC",
            team_channel=channel.id,
            created_at=START,
        )
        db.add(client)
        await db.flush()
        return House(database, world, origin, session, row.id, channel, operations, client.id)
