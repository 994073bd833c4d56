"""The bot behind Slack's twin: real signatures, real HTTP on loopback, a real SQLite file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
import yaml
from pydantic import SecretStr
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot import renderers
from bot.clock import HouseClock
from bot.commands import Desk, register_all
from bot.domain.house import House
from bot.http import OpenHttp, PlatformHttp
from bot.outbound import Rewriter
from bot.platforms.registry import build_platforms
from bot.settings import AppCredentials, load_settings
from bot.slack.api import new_session
from bot.slack.channels import channels_by_audience
from bot.slack.door import Door, build_bolt
from bot.slack.gateway import Gateway
from bot.slack.inlet import starlette_route
from bot.slack.installs import Installs, single_token
from bot.slack.outbox import Outbox
from bot.slack.pacing import Pacer
from sandbox.platforms.testing import jpeg
from sandbox.slack import AppConfig, Person, Shortcut, SlackWorld, create_slack_routes
from sandbox.slack.models import Channel, Message
from storage.crypto import Vault, new_key, parse_key
from storage.database import Database
from storage.models import Notice, Workspace, new_id
from storage.spool import Spool
from tests import rows
from tests.support import unhurried

MANIFEST: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "manifest.yml").read_text())
PICTURE = "https://media.example/bread.jpg"


def app_config() -> AppConfig:
    """The app exactly as the manifest makes it."""
    settings = MANIFEST["settings"]
    return AppConfig(
        scopes=frozenset(MANIFEST["oauth_config"]["scopes"]["bot"]),
        events=frozenset(settings["event_subscriptions"]["bot_events"]),
        commands=frozenset(item["command"] for item in MANIFEST["features"]["slash_commands"]),
        shortcuts=tuple(
            Shortcut(item["name"], item["callback_id"]) for item in MANIFEST["features"]["shortcuts"]
        ),
    )


@dataclass
class Files:
    """What lies at https://media.example/."""

    served: dict[str, bytes] = field(default_factory=lambda: {"bread.jpg": jpeg()})
    fetched: int = 0

    async def answer(self, request: Request) -> Response:
        self.fetched += 1
        data = self.served.get(request.path_params["name"])
        return Response(data, media_type="image/jpeg") if data is not None else Response("no", 404)


@dataclass
class Scene:
    """A workspace with people and channels, and everything behind it."""

    world: SlackWorld
    desk: Desk
    door: Door
    files: Files
    workspace_id: str
    team_id: str
    bot_id: str
    team: Channel
    operations: Channel
    ada: Person  # a Slack admin
    ben: Person  # a member
    guest: Person  # a guest, in the team channel

    @property
    def house(self) -> House:
        return self.desk.house

    @property
    def outbox(self) -> Outbox:
        return self.desk.outbox

    def channel(self, name: str, *members: Person, bot: bool = True, **facts: Any) -> Channel:
        """Another channel; the bot is in it unless said otherwise."""
        ids = [member.user.id for member in members]
        return self.world.add_channel(self.team_id, name, *([self.bot_id] if bot else []), *ids, **facts)

    def last(self, person: Person, channel: Channel | None = None) -> Message:
        """The newest thing that somebody sees."""
        return person.sees((channel or self.team).id)[-1]

    async def answer(
        self, person: Person, command: str, text: str = "", channel: Channel | None = None
    ) -> Message:
        """Types a command and waits for the ephemeral answer."""
        place = channel or self.team
        before = len(person.sees(place.id))
        seen = await person.command(command, text, place.id)
        assert not seen.warning, seen.warning
        await self.world.until(lambda: len(person.sees(place.id)) > before)
        return person.sees(place.id)[-1]

    async def modal(self, person: Person, command: str, text: str = "") -> Any:
        """Types a command and waits for the modal that it opens."""
        await person.command(command, text, self.team.id)
        await self.world.until(lambda: person.modal is not None)
        return person.modal

    async def press(
        self, person: Person, where: Message, action_id: str, value: str | None = None
    ) -> Message:
        """Presses a button and waits until nothing runs any more; the newest thing that the person sees."""
        await person.press(where, action_id, value=value)
        await self.calm()
        return self.last(person, self.world.channels[where.channel])

    async def calm(self) -> None:
        """Waits until no listener runs and nothing is on its way to people."""
        await self.world.drain()
        for _ in range(3):
            await self.door.drain()

    async def settle(self) -> None:
        """The same, and delivers every notice that is due."""
        await self.calm()
        while await self.outbox.deliver_once():
            pass

    async def all(self, model: Any, *where: Any) -> list[Any]:
        async with self.house.db.read() as session:
            return list((await session.scalars(select(model).where(*where))).all())

    async def get(self, model: Any, row_id: str) -> Any:
        async with self.house.db.read() as session:
            return await session.get(model, row_id)

    async def set(self, model: Any, row_id: str, **values: Any) -> None:
        async with self.house.db.write() as session:
            row = await session.get(model, row_id)
            for name, value in values.items():
                setattr(row, name, value)

    async def set_workspace(self, **values: Any) -> None:
        await self.set(Workspace, self.workspace_id, **values)

    async def client(self, slug: str = "client-a", team: Channel | None = None, **values: Any) -> str:
        """A client, in the team channel unless said otherwise; its id."""
        workspace_id = values.pop("workspace_id", self.workspace_id)
        return await rows.client(self.house, workspace_id, slug, (team or self.team).id, **values)

    async def account(self, client_id: str, platform: str = "x", handle: str = "acme", **values: Any) -> str:
        """A connected account; the connection's id."""
        return await rows.account(self.house, client_id, platform, handle, **values)

    async def delivery(self, connection_id: str, state: str = "failed", **values: Any) -> str:
        """A post on one account, in a certain state; the delivery's id."""
        return await rows.delivery(self.house, connection_id, state, **values)

    async def other_workspace(self) -> str:
        """A workspace of somebody else in the same installation."""
        row_id = new_id()
        async with self.house.db.write() as session:
            session.add(Workspace(id=row_id, team_id="TOTHER", created_at=self.house.clock.now()))
        return row_id


@asynccontextmanager
async def serving(routes: list[BaseRoute]) -> AsyncIterator[tuple[str, Starlette]]:
    """Routes on a free loopback port; more may be added to the app."""
    app = Starlette(routes=routes)
    config = uvicorn.Config(app, port=0, log_config=None, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    sockets = [config.bind_socket()]
    task = asyncio.create_task(server.serve(sockets=sockets))
    while not server.started:
        await asyncio.sleep(0.001)
    try:
        yield f"http://127.0.0.1:{sockets[0].getsockname()[1]}", app
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def playing(database: Database, folder: Path) -> AsyncIterator[Scene]:
    """The whole scene, running."""
    async with AsyncExitStack() as stack:
        world, files = unhurried(SlackWorld(app=app_config())), Files()
        media = Route("/media.example/{name}", files.answer)
        origin, app = await stack.enter_async_context(serving([*create_slack_routes(world), media]))
        world.bot_url = origin
        rewriter = Rewriter(origin)
        team = world.add_team("agency")
        install = world.install(team.id)
        house = await _house(stack, database, folder, rewriter)
        workspace_id = await _workspace(house, team.id, install.bot_user_id)
        session = await stack.enter_async_context(new_session())
        installs = Installs(database, single_token(install.token, team.id), bot_id=install.bot_id)
        gateway = Gateway(session, rewriter, installs.token_for, pacer=Pacer(0.0))
        outbox = Outbox(
            database,
            gateway,
            renderers.build_renderers(house, gateway.permalink),
            channels_by_audience(),
            lambda: datetime.now(UTC),
            "test",
        )
        secret = world.app.signing_secret
        door = build_bolt(
            gateway=gateway,
            installs=installs,
            database=database,
            signing_secret=secret,
            wall=lambda: datetime.now(UTC),
        )
        open_http = await stack.enter_async_context(OpenHttp(rewriter))
        desk = Desk(house, gateway, outbox, installs, open_http)
        register_all(door, desk)
        app.router.routes.append(starlette_route(door, secret))
        scene = _people(world, desk, door, files, workspace_id, team.id, install.bot_user_id)
        yield scene
        await world.close()
        await door.drain()
        assert world.complaints == []


def _people(
    world: SlackWorld,
    desk: Desk,
    door: Door,
    files: Files,
    workspace_id: str,
    team_id: str,
    bot_id: str,
) -> Scene:
    ada = world.add_user(team_id, "ada", is_admin=True, tz="Europe/Berlin")
    ben = world.add_user(team_id, "ben", tz="America/New_York")
    guest = world.add_user(team_id, "gus", is_restricted=True)
    channel = world.add_channel(team_id, "client-a", bot_id, ada.id, ben.id, guest.id)
    operations = world.add_channel(team_id, "ops", bot_id, ada.id)
    people = [Person(world, user.id) for user in (ada, ben, guest)]
    return Scene(world, desk, door, files, workspace_id, team_id, bot_id, channel, operations, *people)


async def _house(stack: AsyncExitStack, database: Database, folder: Path, rewriter: Rewriter) -> House:
    settings = load_settings({"LAMPLIGHTER_PUBLIC_URL": "http://127.0.0.1:3000"}, require="none")
    built = build_platforms(settings)
    return House(
        db=database,
        vault=Vault([parse_key(new_key())]),
        clock=HouseClock(),
        http=await stack.enter_async_context(PlatformHttp(rewriter)),
        platforms={key: built[key] for key in ("instagram", "x")},
        apps={key: AppCredentials(f"our-{key}", SecretStr("secret")) for key in ("instagram", "x")},
        spool=Spool(folder / "spool"),
        owner="test",
        public_url="http://127.0.0.1:3000",
    )


async def _workspace(house: House, team_id: str, bot_id: str) -> str:
    row_id = new_id()
    async with house.db.write() as session:
        session.add(
            Workspace(
                id=row_id, team_id=team_id, bot_user_id=bot_id, zone="UTC", created_at=house.clock.now()
            )
        )
    return row_id


def buttons(message: Message) -> dict[str, dict[str, Any]]:
    """The buttons of a message by their label."""
    found: dict[str, dict[str, Any]] = {}
    for block in message.blocks:
        for element in [block.get("accessory"), *block.get("elements", [])]:
            if isinstance(element, dict) and element.get("type") == "button":
                found[element["text"]["text"]] = element
    return found


async def notices(scene: Scene, topic: str) -> list[Notice]:
    """The notices of a topic."""
    return await scene.all(Notice, Notice.topic == topic)
