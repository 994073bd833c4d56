"""A house for tests: the real rules, the real HTTP client and database, against the platform twins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import SecretStr
from sqlalchemy import select

from bot.clock import HouseClock
from bot.domain.auditing import Actor
from bot.domain.consenting import Callback, begin, callback
from bot.domain.house import House, Timings
from bot.domain.inviting import Wanted, address, invite
from bot.http import PlatformHttp
from bot.outbound import Rewriter
from bot.platforms.registry import build_platforms
from bot.settings import AppCredentials, load_settings
from sandbox.platforms.model import App
from sandbox.platforms.testing import Twins
from sandbox.slack import SlackWorld
from storage.crypto import Vault, new_key, parse_key
from storage.database import Database
from storage.models import Client, Connection, Grant, Invitation, Workspace, new_id
from storage.spool import Spool

PUBLIC = "http://127.0.0.1:3000"
BROWSER = "browser-secret"
AT_TWIN = {"linkedin_pages": "linkedin"}  # where a word's app is registered
# A guard that a busy disk does not outlast; only what tests it may set a shorter one.
QUICK = Timings(call=3.0, send=3.0, guard=4.0, settle=0.1, lease=12.0, wait_for_lease=2.0)
LINKEDIN = {
    "LINKEDIN_CLIENT_ID": "our-linkedin",
    "LINKEDIN_CLIENT_SECRET": "linkedin-client-secret",
    "LINKEDIN_REVIEWED": "true",
}
"""One app for members and for Pages."""
SETTINGS = load_settings({"LAMPLIGHTER_PUBLIC_URL": PUBLIC} | LINKEDIN, require="none")


class Killed(BaseException):
    """Stands for the end of a process: nothing after it runs, and nothing catches it."""


def unhurried(world: SlackWorld) -> SlackWorld:
    """Slack with the patience that a busy machine needs. How fast it is answered is measured elsewhere."""
    world.switches.ack_seconds = world.switches.trigger_seconds = 30.0
    return world


def our_app(platform: str) -> AppCredentials:
    return AppCredentials(f"our-{platform}", SecretStr(f"{platform}-client-secret"), reviewed=True)


def register_apps(twins: Twins, house: House) -> None:
    """Registers our apps at the twins as an operator would in the platforms' consoles."""
    for key, app in house.apps.items():
        scopes = frozenset(scope.name for scope in house.platforms[key].info.scopes)
        twins.world.register_app(
            App(
                platform=AT_TWIN.get(key, key),
                client_id=app.client_id,
                secret=app.client_secret.get_secret_value(),
                redirect_uris=(house.redirect_uri(key),),
                scopes=scopes,
            )
        )


@asynccontextmanager
async def house_at(
    twins: Twins,
    database: Database,
    folder: Path,
    *,
    keys: tuple[str, ...] = ("",),
    owner: str = "one",
    platforms: tuple[str, ...] = ("x", "instagram"),
) -> AsyncIterator[House]:
    """A house beside the running twins; its clock is the twins' virtual one."""
    clock = HouseClock(real=lambda: datetime.now(UTC) + timedelta(seconds=twins.offset[0]))
    rewriter = Rewriter(str(twins.http.base_url).rstrip("/"))
    built = build_platforms(SETTINGS)
    async with PlatformHttp(rewriter) as http:
        house = House(
            db=database,
            vault=Vault([parse_key(key or new_key()) for key in keys]),
            clock=clock,
            http=http,
            platforms={key: built[key] for key in platforms},
            apps={key: our_app(key) for key in platforms},
            spool=Spool(folder / "spool"),
            owner=owner,
            public_url=PUBLIC,
            timings=QUICK,
        )
        register_apps(twins, house)
        yield house
        await house.tasks.drain()


def another(house: House, owner: str) -> House:
    """A second process of the same bot: same database and keys, another name on leases."""
    return replace(house, owner=owner)


async def a_client(house: House, slug: str = "client-a", channel: str | None = "C1") -> Client:
    """A workspace (once) and a client in it."""
    now = house.clock.now()
    async with house.db.write() as session:
        workspace = (await session.execute(select(Workspace).limit(1))).scalar_one_or_none()
        if workspace is None:
            workspace = Workspace(
                id=new_id(), team_id="T1", name="Acme", created_at=now, operations_channel="COPS"
            )
            session.add(workspace)
            await session.flush()
        client = Client(
            id=new_id(),
            workspace_id=workspace.id,
            slug=slug,
            name=slug.title(),
            zone="Europe/Berlin",
            team_channel=channel,
            created_at=now,
        )
        session.add(client)
    return client


async def an_invitation(
    house: House, client: Client, platform: str, connection_id: str | None = None, handle: str | None = None
) -> str:
    """The token of a fresh invitation."""
    actor = Actor(client.workspace_id, "U1", "C1")
    wanted = Wanted(platform, handle, connection_id)
    async with house.db.write() as session:
        notice = await invite(session, house, actor, client, [wanted], "C1", house.clock.now())
        query = select(Invitation).where(Invitation.batch_id == notice.subject_id)
        invitation = (await session.execute(query)).scalar_one()
    return address(house, invitation).rpartition("/")[2]


async def walk(
    house: House, twins: Twins, token: str, *, browser: str = BROWSER, decision: str = "approve", **form: Any
) -> str:
    """From the invitation's button through the platform's consent page to the callback; the consent's id."""
    url = await begin(house, token, browser)
    assert url is not None
    return await come_back(house, await consent_at(twins, url, decision=decision, **form), browser)


async def consent_at(twins: Twins, url: str, **form: Any) -> tuple[str, dict[str, str]]:
    """Decides on the platform's page: the platform, and the parameters that come back."""
    page = Rewriter(str(twins.http.base_url).rstrip("/")).url(url)
    answer = await twins.http.post(page, data=form)
    assert answer.status_code in (302, 303), answer.text
    location = answer.headers["location"]
    platform = location.split("/oauth/")[1].split("/")[0]
    return platform, dict(parse_qsl(urlsplit(location).query))


async def come_back(house: House, arrived: tuple[str, dict[str, str]], browser: str = BROWSER) -> str:
    platform, params = arrived
    return await callback(house, Callback(platform, params, browser))


async def linked(house: House, twins: Twins, platform: str, client: Client | None = None) -> Connection:
    """A connected account."""
    client = client or await a_client(house)
    await walk(house, twins, await an_invitation(house, client, platform))
    async with house.db.read() as session:
        query = select(Connection).where(
            Connection.client_id == client.id, Connection.platform == platform, Connection.state == "live"
        )
        return (await session.execute(query)).scalar_one()


async def grant_of(house: House, connection: Connection) -> Grant:
    async with house.db.read() as session:
        return await session.get_one(Grant, connection.grant_id)
