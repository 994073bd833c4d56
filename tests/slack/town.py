"""A town of workspaces: the whole bot in many-workspace mode, Slack's twin, and a browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from sqlalchemy import select

from bot.app import assembled
from bot.clock import HouseClock
from bot.running import App
from bot.settings import load_settings
from sandbox.slack import Person, SlackWorld, create_slack_routes
from sandbox.slack.models import Channel
from storage.crypto import new_key
from storage.models import Workspace
from tests.commands.scene import app_config, serving
from tests.support import unhurried

PUBLIC = "http://127.0.0.1:3000"
INSTALL = "/slack/install"


@dataclass
class Browser:
    """Somebody's browser: it keeps cookies of the bot, and says where a form was pressed."""

    http: httpx.AsyncClient

    async def get(self, address: str) -> httpx.Response:
        return await self.http.get(address)

    async def press(self, page: httpx.Response, **fields: str) -> httpx.Response:
        """Presses the one button of a page of ours."""
        found = re.search(r'name="form_token" value="([^"]+)"', page.text)
        action = re.search(r'<form method="post" action="([^"]+)"', page.text)
        assert found and action, page.text
        form = {"form_token": found[1], **fields}
        return await self.http.post(unescape(action[1]), data=form, headers={"Origin": PUBLIC})


@dataclass
class Town:
    """Everything that runs. House time can be moved with `offset`."""

    world: SlackWorld
    app: App
    origin: str
    offset: list[float]
    stack: AsyncExitStack
    people: dict[str, Person] = field(default_factory=dict)

    async def browser(self) -> Browser:
        transport = httpx.ASGITransport(self.app.web, raise_app_exceptions=False)
        http = httpx.AsyncClient(transport=transport, base_url=PUBLIC)
        return Browser(await self.stack.enter_async_context(http))

    async def to_slack(self, browser: Browser) -> str:
        """From the install page to Slack's consent page; its address."""
        answer = await browser.press(await browser.get(INSTALL))
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def at_slack(self, address: str, team: str, user: str = "") -> str:
        """Says yes there for a team; the path that Slack sends the browser back to."""
        async with httpx.AsyncClient() as http:
            answer = await http.post(address, data={"team": team, "user": user})
        assert answer.status_code == 302, answer.text
        parts = urlsplit(answer.headers["location"])
        return f"{parts.path}?{parts.query}"

    async def install(self, team: str, user: str = "", browser: Browser | None = None) -> httpx.Response:
        """The whole walk; the page at its end."""
        browser = browser or await self.browser()
        back = await self.at_slack(await self.to_slack(browser), team, user)
        return await self.follow(browser, await browser.get(back))

    async def follow(self, browser: Browser, answer: httpx.Response) -> httpx.Response:
        assert answer.status_code == 303, answer.text
        where = answer.headers["location"]
        assert "?" not in where
        return await browser.get(where.removeprefix(PUBLIC))

    def team(self, domain: str) -> str:
        """Another workspace with an admin (`DOMAIN.admin`) and a member (`DOMAIN.member`); its team id."""
        team = self.world.add_team(domain, domain.title())
        for role in ("admin", "member"):
            user = self.world.add_user(team.id, f"{domain}.{role}", is_admin=role == "admin")
            self.people[user.name] = Person(self.world, user.id)
        return team.id

    async def settled_in(self, domain: str) -> str:
        """A workspace with the bot in it and an operations channel; its team id."""
        team = self.team(domain)
        await self.install(team, self.people[f"{domain}.admin"].user.id)
        operations = self.channel(team, f"{domain}-ops", f"{domain}.admin")
        async with self.app.house.db.write() as session:
            query = select(Workspace).where(Workspace.team_id == team)
            (await session.scalars(query)).one().operations_channel = operations.id
        await self.calm()
        return team

    def channel(self, team_id: str, name: str, *people: str, **facts: Any) -> Channel:
        """A channel with the bot of that team and these people in it."""
        ids = [self.people[one].user.id for one in people]
        return self.world.add_channel(team_id, name, self.world.installs[team_id].bot_user_id, *ids, **facts)

    async def workspace(self, team_id: str) -> Workspace:
        """The row of a team that installed the bot."""
        async with self.app.house.db.read() as session:
            return (await session.scalars(select(Workspace).where(Workspace.team_id == team_id))).one()

    async def calm(self) -> None:
        """Waits until no listener runs, and says all that is due."""
        await self.world.drain()
        for _ in range(3):
            await self.app.door.drain()
        while await self.app.outbox.deliver_once():
            pass

    def said(self) -> str:
        """Every text that stands anywhere in Slack."""
        return "\n".join(
            message.text for channel in self.world.channels.values() for message in channel.messages.values()
        )


@asynccontextmanager
async def a_town(database: Path | str, folder: Path, **settings: str) -> AsyncIterator[Town]:
    """The bot, put together as `run` does, without its clocks ticking by themselves. `database` is a file to
    copy, or an address."""
    async with AsyncExitStack() as stack:
        world = unhurried(SlackWorld(app=app_config()))
        origin, _ = await stack.enter_async_context(serving([*create_slack_routes(world)]))
        if isinstance(database, Path):
            database = f"sqlite:///{shutil.copy(database, folder / 'town.db')}"
        given = {
            "LAMPLIGHTER_DATABASE_URL": database,
            "LAMPLIGHTER_DATA_DIR": str(folder),
            "LAMPLIGHTER_ENCRYPTION_KEYS": new_key(),
            "LAMPLIGHTER_PUBLIC_URL": PUBLIC,
            "LAMPLIGHTER_OUTBOUND_URL": origin,
            "SLACK_CLIENT_ID": world.app.client_id,
            "SLACK_CLIENT_SECRET": world.app.client_secret,
            "SLACK_SIGNING_SECRET": world.app.signing_secret,
            "X_CLIENT_ID": "our-x",
            "X_CLIENT_SECRET": "secret-x",
            **settings,
        }
        offset = [0.0]
        clock = HouseClock(real=lambda: datetime.now(UTC) + timedelta(seconds=offset[0]))
        app = await stack.enter_async_context(assembled(load_settings(given), clock=clock))
        world.bot_url, world.transport = "http://bot", httpx.ASGITransport(app.web)
        yield Town(world, app, origin, offset, stack)
        await world.close()
        await app.door.drain()
        await app.outbox.close()
        assert world.complaints == []
