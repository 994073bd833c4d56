"""The only place where everything is put together.

    async with assembled(settings) as app:   # database up to date, keys checked, spool read
        await app.serve()                    # until it is told to stop

Order of a start: database, keys, spool, Slack's identity, then the engine; nothing is claimed before all of
it is well. A stop lets the tick under way end, answers reach their commit, and messages their timestamp.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from bot import renderers
from bot.clock import HouseClock, utc_now
from bot.commands import lifecycle, register_all
from bot.commands.desk import Desk
from bot.commands.media import link_look
from bot.domain import importing, installing, revoking, welcoming
from bot.domain.answers import read_spool
from bot.domain.house import House
from bot.domain.installing import Team
from bot.http import HttpError, OpenHttp, PlatformHttp
from bot.jobs.engine import Engine
from bot.jobs.roll_call import RollCall
from bot.jobs.scheduler import Scheduler
from bot.manifest import bot_scopes
from bot.media import HouseMedia, Shelf, open_shelf
from bot.outbound import Rewriter
from bot.platforms.media import UrlMedia
from bot.platforms.registry import INSTAGRAM_ON_FACEBOOK, build_platforms
from bot.platforms.versions import LINKEDIN, META
from bot.settings import Settings
from bot.slack.api import Api, Identity, new_session
from bot.slack.channels import channels_by_audience
from bot.slack.door import Door, build_bolt
from bot.slack.errors import SlackProblem, Transient, WorkspaceGone
from bot.slack.gateway import Gateway
from bot.slack.inlet import SocketMode, starlette_route
from bot.slack.installs import Installs, known_identity, remember_token, sealed_token, single_token
from bot.slack.oauth import SlackApp
from bot.slack.outbox import Outbox
from bot.web import install
from bot.web.app import build_web
from bot.web.install import Office
from bot.web.service import process_mark
from storage import clients
from storage import engine as engine_rows
from storage.crypto import CryptoError, Vault, parse_key
from storage.database import Database
from storage.migrate import TooOld, is_current, migrate
from storage.onlyone import only_one
from storage.spool import Spool

log = structlog.get_logger(__name__)

OUTBOX_SECONDS = 1.0
HEARTBEAT_SECONDS = 10.0
REVOKING_SECONDS = 30.0
IMPORTS_SECONDS = 30.0


class CannotStart(Exception):
    """Something that a person has to put right first; the text says what."""


@dataclass
class App:
    """A bot, ready to run."""

    settings: Settings
    house: House
    engine: Engine
    outbox: Outbox
    door: Door
    web: Starlette
    scheduler: Scheduler
    roll_call: RollCall
    socket_mode: SocketMode | None
    imports: Callable[[], Awaitable[object]]  # works on what was uploaded
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    leaving: asyncio.Event = field(default_factory=asyncio.Event)  # rings for disconnected accounts
    looking: asyncio.Event = field(default_factory=asyncio.Event)  # rings for people who may have left

    async def serve(self, listener: socket.socket | None = None) -> None:
        """Runs until `stop` is called or the process is told to end."""
        listener = listener or listening(self.settings.host, self.settings.port)
        server = _Server(uvicorn.Config(self.web, log_config=None, lifespan="off"), self.stopping)
        await self.start()
        try:
            await server.serve(sockets=[listener])
        finally:
            await self.stop()

    async def start(self) -> None:
        """Starts everything that runs by itself."""
        wake = self.house.wake
        await self.engine.start()
        self.scheduler.every("engine", self.settings.tick_seconds, wake.engine)
        self.scheduler.every("outbox", OUTBOX_SECONDS, wake.outbox)
        self.scheduler.every("roll_call", self.settings.tick_seconds, self.looking)
        self.scheduler.every("revoking", REVOKING_SECONDS, self.leaving)
        self.scheduler.every("imports", IMPORTS_SECONDS, wake.imports)
        self.scheduler.listen("engine", self.engine.tick, wake.engine)
        self.scheduler.listen("outbox", self.outbox.ring, wake.outbox)
        self.scheduler.listen("revoking", partial(revoking.revoke_due, self.house), self.leaving)
        self.scheduler.listen("roll_call", self.roll_call.tick, self.looking)
        self.scheduler.listen("imports", self.imports, wake.imports)
        self.scheduler.start()
        wake.all()
        if self.socket_mode is not None:
            await self.socket_mode.connect()
        log.info("started", owner=self.house.owner, platforms=sorted(self.house.apps))

    async def stop(self) -> None:
        """Ends gracefully: nothing that arrived is lost."""
        self.stopping.set()
        if self.socket_mode is not None:
            await self.socket_mode.close()
        await self.engine.stop()
        await self.scheduler.stop()
        await self.house.tasks.drain()
        await self.outbox.close()
        await self.door.drain()
        log.info("stopped", owner=self.house.owner)


class _Server(uvicorn.Server):
    """Uvicorn, which also ends when the app is told to."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def on_tick(self, counter: int) -> bool:
        return self._stopping.is_set() or await super().on_tick(counter)


@asynccontextmanager
async def assembled(settings: Settings, *, clock: HouseClock | None = None) -> AsyncIterator[App]:
    """Puts a bot together and takes it apart again. Raises CannotStart, AlreadyRunning."""
    rewriter = Rewriter(settings.outbound_url)
    if rewriter.is_on:
        log.warning("outbound_rewritten", to=settings.outbound_url)
    async with AsyncExitStack() as stack:
        url = settings.database_url.get_secret_value()
        database = Database(url)
        stack.push_async_callback(database.close)
        stack.enter_context(only_one(url))
        await _migrated(database)
        vault = await _opened_vault(settings, database)
        files = await stack.enter_async_context(OpenHttp(rewriter))
        shelf = opened_shelf(settings)
        house = House(
            db=database,
            vault=vault,
            clock=clock or HouseClock(settings.clock_file),
            http=await stack.enter_async_context(PlatformHttp(rewriter)),
            media=HouseMedia(shelf.store, UrlMedia(files)),
            shelf=shelf,
            **_platforms(settings),
            spool=Spool(settings.data_dir / "spool"),
            owner=f"{socket.gethostname()[:32]}-{secrets.token_hex(6)}",
            public_url=settings.public_url,
            late_after=timedelta(minutes=settings.late_minutes),
        )
        stored = await read_spool(house)
        if stored:
            log.warning("answers_from_spool", count=stored)
        yield await _app(settings, house, rewriter, files, stack)


async def _migrated(database: Database) -> None:
    """Brings the database up to date, unless this code may not run on it any more."""
    try:
        await migrate(database)
    except TooOld as error:
        raise CannotStart(str(error)) from None


async def _opened_vault(settings: Settings, database: Database) -> Vault:
    vault = Vault([parse_key(key.get_secret_value()) for key in settings.encryption_keys])
    try:
        async with database.write() as session:
            missing = await engine_rows.check_keys(session, vault, utc_now())
    except CryptoError as error:
        raise CannotStart(f"LAMPLIGHTER_ENCRYPTION_KEYS: {error}") from None
    if missing:
        raise CannotStart(
            f"LAMPLIGHTER_ENCRYPTION_KEYS lacks the key {', '.join(missing)}, with which data in this "
            "database was sealed. Add that key again, after the others."
        )
    return vault


def opened_shelf(settings: Settings) -> Shelf:
    """Where media are kept. Raises CannotStart."""
    keys = [parse_key(key.get_secret_value()) for key in settings.encryption_keys]
    try:
        return open_shelf(settings.media_url, settings.data_dir, keys)
    except ValueError as error:
        said = f"LAMPLIGHTER_MEDIA_URL {error}: is it right, and may the bot write there?"
        raise CannotStart(said) from None


def _platforms(settings: Settings) -> dict[str, Any]:
    """The platforms by word, what stands in for them, and our app behind each.

    With a Facebook app and none for Instagram Login, Instagram accounts are linked through Facebook, unless
    that app was said not to have them."""
    built = build_platforms(settings)
    apps = {key: app for key in built if (app := settings.app_for(key.partition("@")[2] or key))}
    words = {key: platform for key, platform in built.items() if "@" not in key}
    stand_ins = {key: platform for key, platform in built.items() if "@" in key}
    if "instagram" not in apps and "facebook" in apps and settings.facebook_instagram:
        words["instagram"], apps["instagram"] = stand_ins.pop(INSTAGRAM_ON_FACEBOOK), apps["facebook"]
    versions = {META: settings.meta_graph_version, LINKEDIN: settings.linkedin_version}
    return {"platforms": words, "stand_ins": stand_ins, "apps": apps, "versions": versions}


async def _app(
    settings: Settings, house: House, rewriter: Rewriter, files: OpenHttp, stack: AsyncExitStack
) -> App:
    session = await stack.enter_async_context(new_session())
    api = Api(session, rewriter, settings.slack_api_url, _no_token)
    many = settings.slack_mode == "many"
    identity = None if many else await _single(settings, house, api)
    installs = _installs(settings, house, identity)
    gateway = Gateway(session, rewriter, installs.token_for, base_url=settings.slack_api_url)
    if identity is not None:
        await _know_owner(house, gateway, identity.team_id)
    outbox = Outbox(
        house.db,
        gateway,
        renderers.build_renderers(house, gateway.permalink),
        channels_by_audience(settings.slack_operations_channel),
        utc_now,
        house.owner,
        partial(lifecycle.token_refused, house, gateway, installs),
    )
    secret = settings.slack_signing_secret.get_secret_value() if settings.slack_signing_secret else ""
    door = build_bolt(
        gateway=gateway, installs=installs, database=house.db, signing_secret=secret, wall=utc_now
    )
    register_all(door, Desk(house, gateway, outbox, installs, files))
    routes: list[BaseRoute] = [starlette_route(door, secret)] if secret else []
    socket_mode = None
    if settings.slack_app_token is not None:
        socket_mode = SocketMode(door, settings.slack_app_token.get_secret_value(), gateway)
    web = build_web(
        house,
        rewriter=rewriter,
        slack_routes=routes,
        checks=_checks(house),
        registry=house.meters.registry,
        metrics_token=settings.metrics_token,
        office=Office(_slack_app(settings, house, api), installs) if many else None,
    )
    web.state.process = process_mark(house.owner)
    roll_call = RollCall(house, gateway)
    engine = Engine(house, heartbeat=_heartbeat(settings, files))
    imports = partial(importing.work_due, house, partial(link_look, house, files))
    return App(settings, house, engine, outbox, door, web, Scheduler(), roll_call, socket_mode, imports)


async def _single(settings: Settings, house: House, api: Api) -> Identity:
    """The one workspace whose token the settings hold; a token that was never seen here installs it."""
    token = _bot_token(settings)
    known = await known_identity(house.db, token)
    if known is not None:
        return known
    identity = await _identified(api, token)
    team = Team(identity.team_id, identity.team_name, identity.bot_user_id)
    async with house.db.write() as session:
        row, _ = await installing.install(session, house, team)
        await remember_token(session, row, identity, token)
    return identity


def _installs(settings: Settings, house: House, identity: Identity | None) -> Installs:
    """Where tokens come from: each workspace's own row, or for `identity` the settings."""
    if identity is None:
        return Installs(house.db, sealed_token(house.vault))
    token = single_token(_bot_token(settings), identity.team_id)
    return Installs(house.db, token, bot_id=identity.bot_id)


def _bot_token(settings: Settings) -> str:
    return settings.slack_bot_token.get_secret_value() if settings.slack_bot_token else ""


def _slack_app(settings: Settings, house: House, api: Api) -> SlackApp:
    assert settings.slack_client_id is not None and settings.slack_client_secret is not None
    return SlackApp(
        api=api,
        client_id=settings.slack_client_id,
        client_secret=settings.slack_client_secret,
        redirect_uri=f"{house.public_url}{install.REDIRECT}",
        scopes=bot_scopes(),
        allowed=settings.slack_allowed_teams,
        api_url=settings.slack_api_url,
    )


async def _identified(api: Api, token: str) -> Identity:
    """Asks Slack until it answers. Only a token's first start needs this; later ones do without Slack."""
    pause = 1.0
    while True:
        try:
            return await api.identify(token)
        except Transient as problem:
            log.warning("slack_does_not_answer", problem=problem.word, again_in=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 60.0)
        except SlackProblem as problem:
            raise CannotStart(
                f"Slack refuses SLACK_BOT_TOKEN ({problem.word}). Copy it again from your app's page "
                "at api.slack.com/apps, under OAuth & Permissions."
            ) from None


async def _no_token(_: str) -> str:
    raise WorkspaceGone("not_installed")


async def _know_owner(house: House, gateway: Gateway, team_id: str) -> None:
    """Until set-up is done, operator notices go to whoever owns the workspace."""
    async with house.db.read() as session:
        workspace = await clients.workspace_of_team(session, team_id)
        if workspace is None or not await welcoming.needs_owner(session, workspace.id):
            return
    owner = await gateway.owner(workspace.id)
    if owner is not None:
        async with house.db.write() as session:
            await welcoming.welcome(session, workspace.id, owner)


def _checks(house: House) -> dict[str, Callable[[], Awaitable[bool]]]:
    async def schema() -> bool:
        return await is_current(house.db)

    async def keys() -> bool:
        async with house.db.write() as session:
            return not await engine_rows.check_keys(session, house.vault, utc_now())

    return {"schema": schema, "keys": keys}


def _heartbeat(settings: Settings, files: OpenHttp) -> Callable[[], Awaitable[None]] | None:
    if settings.heartbeat_url is None:
        return None
    url = settings.heartbeat_url.get_secret_value()

    async def beat() -> None:
        try:
            await files.request("GET", url, deadline=HEARTBEAT_SECONDS)
        except HttpError as error:
            log.warning("heartbeat_failed", problem=str(error))

    return beat


def listening(host: str, port: int) -> socket.socket:
    """A listening socket. Raises CannotStart when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's algorithm on and small answers wait 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(512)  # from here on connections wait for the server instead of being refused
    except OSError as error:
        listener.close()
        raise CannotStart(
            f"Nothing can listen on {host}:{port} ({error.strerror}). Set LAMPLIGHTER_PORT."
        ) from None
    return listener
