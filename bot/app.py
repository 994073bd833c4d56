"""The only place where everything is put together.

    async with assembled(settings) as app:   # database up to date, keys checked, spool read
        await app.serve()                    # until it is told to stop

Order of a start: database, keys, spool, Slack's identity, then the engine; nothing is claimed before all of
it is well. How it runs and stops is in `running`, whose workspace it speaks in in `workspaces`.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError
from starlette.routing import BaseRoute

from bot import renderers
from bot.clock import HouseClock, utc_now
from bot.commands import lifecycle, register_all
from bot.commands.desk import Desk
from bot.commands.media import link_look
from bot.domain import importing
from bot.domain.answers import read_spool
from bot.domain.house import House
from bot.http import HttpError, OpenHttp, PlatformHttp
from bot.jobs.engine import Engine
from bot.jobs.roll_call import RollCall
from bot.jobs.scheduler import Scheduler
from bot.media import HouseMedia, Shelf, open_shelf
from bot.outbound import Rewriter
from bot.platforms.media import UrlMedia
from bot.platforms.registry import INSTAGRAM_ON_FACEBOOK, build_platforms
from bot.platforms.versions import LINKEDIN, META
from bot.running import App, CannotStart, no_database
from bot.settings import Settings
from bot.slack.api import Api, new_session
from bot.slack.channels import channels_by_audience
from bot.slack.door import build_bolt
from bot.slack.gateway import Gateway
from bot.slack.inlet import SocketMode, starlette_route
from bot.slack.installs import Installs
from bot.slack.outbox import Outbox
from bot.web.app import build_web
from bot.web.install import Office
from bot.web.service import process_mark
from bot.workspaces import installs_for, know_owner, no_token, single, slack_app
from storage import engine as engine_rows
from storage.crypto import CryptoError, Vault, parse_key
from storage.database import Database
from storage.migrate import TooOld, is_current, migrate
from storage.onlyone import only_one
from storage.spool import Spool

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 10.0


@asynccontextmanager
async def assembled(settings: Settings, *, clock: HouseClock | None = None) -> AsyncIterator[App]:
    """Puts a bot together and takes it apart again. Raises CannotStart, AlreadyRunning."""
    rewriter = Rewriter(settings.outbound_url)
    if rewriter.is_on:
        log.warning("outbound_rewritten", to=settings.outbound_url)
    async with AsyncExitStack() as stack:
        database = await _opened_database(settings, stack)
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


async def _opened_database(settings: Settings, stack: AsyncExitStack) -> Database:
    """The database, held alone where it is a file, and up to date, unless this code may not run on it."""
    url = settings.database_url.get_secret_value()
    try:
        database = Database(url)
        stack.push_async_callback(database.close)
        stack.enter_context(only_one(url))
        await migrate(database)
    except TooOld as error:
        raise CannotStart(str(error)) from None
    except (DBAPIError, OSError) as error:
        raise no_database(error) from None
    return database


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
    api = Api(session, rewriter, settings.slack_api_url, no_token)
    many = settings.slack_mode == "many"
    identity = None if many else await single(settings, house, api)
    installs = installs_for(settings, house, identity)
    gateway = Gateway(session, rewriter, installs.token_for, base_url=settings.slack_api_url)
    if identity is not None:
        await know_owner(house, gateway, identity.team_id)
    outbox = _outbox(settings, house, gateway, installs)
    secret = settings.slack_signing_secret.get_secret_value() if settings.slack_signing_secret else ""
    door = build_bolt(
        gateway=gateway, installs=installs, database=house.db, signing_secret=secret, wall=utc_now
    )
    register_all(door, Desk(house, gateway, outbox, installs, files))
    routes: list[BaseRoute] = [starlette_route(door, secret)] if secret else []
    web = build_web(
        house,
        rewriter=rewriter,
        slack_routes=routes,
        checks=_checks(house),
        registry=house.meters.registry,
        metrics_token=settings.metrics_token,
        office=Office(slack_app(settings, house, api), installs) if many else None,
    )
    web.state.process = process_mark(house.owner)
    roll_call = RollCall(house, gateway)
    engine = Engine(house, heartbeat=_heartbeat(settings, files))
    token = settings.slack_app_token
    socket_mode = SocketMode(door, token.get_secret_value(), gateway) if token is not None else None
    imports = partial(importing.work_due, house, partial(link_look, house, files))
    return App(settings, house, engine, outbox, door, web, Scheduler(), roll_call, socket_mode, imports)


def _outbox(settings: Settings, house: House, gateway: Gateway, installs: Installs) -> Outbox:
    return Outbox(
        house.db,
        gateway,
        renderers.build_renderers(house, gateway.permalink),
        channels_by_audience(settings.slack_operations_channel),
        utc_now,
        house.owner,
        partial(lifecycle.token_refused, house, gateway, installs),
    )


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
