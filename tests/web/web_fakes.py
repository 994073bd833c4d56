"""A small house with one obedient platform, and a browser that walks through it."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import uvicorn
from prometheus_client import CollectorRegistry, Counter
from pydantic import SecretStr
from sqlalchemy import ColumnElement, select, update
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.clock import HouseClock
from bot.domain.auditing import Actor
from bot.domain.house import House, Timings
from bot.domain.inviting import Wanted, address, invite
from bot.http import HttpError, PlatformHttp
from bot.outbound import Rewriter
from bot.platforms.base import (
    Account,
    Call,
    Discovery,
    Handles,
    Look,
    PlatformInfo,
    Ready,
    RefreshKind,
    RefreshModel,
    Scope,
    Sent,
    Target,
    Tokens,
    Wait,
)
from bot.platforms.content import Content, ContentProblem, PostLimits
from bot.platforms.errors import PlatformError
from bot.settings import AppCredentials
from bot.web.app import build_web
from bot.web.service import Check
from storage.crypto import Vault, digest, new_key, parse_key
from storage.database import Database
from storage.migrate import migrate
from storage.models import Base, Client, Connection, Invitation, Workspace
from storage.spool import Spool

PUBLIC = "https://bot.example"
SECRET = "platform-access-token-1"

Row = TypeVar("Row", bound=Base)

SCOPES = (
    Scope("who", "knowing which account this is"),
    Scope("post", "posting"),
    Scope("numbers", "counting views", required=False),
)


def info_of(key: str, *, confirm: bool = False) -> PlatformInfo:
    return PlatformInfo(
        key=key,
        title=key.capitalize(),
        provider=key,
        scopes=SCOPES,
        refresh=RefreshModel(RefreshKind.ROTATING, timedelta(minutes=30)),
        hosts=frozenset({f"api.{key}.example"}),
        token_host=f"api.{key}.example",
        permission_page=f"https://www.{key}.example/apps",
        limits=PostLimits(text_max=280),
        pkce=True,
        confirm_after_consent=confirm,
        unreviewed=f"Until {key.capitalize()} has reviewed the app, only testers can be linked.",
    )


@dataclass
class FakePlatform:
    """Gives each code tokens once; discovers what it is told to. `gate` holds exchanges back."""

    info: PlatformInfo
    accounts: tuple[Account, ...] = (Account("a1", "acme", "Acme", "https://pics.example/a1.png"),)
    redirect: str = ""
    subject: str = "person-1"
    scopes: frozenset[str] | None = frozenset({"who", "post", "numbers"})
    failing: PlatformError | HttpError | None = None
    gate: asyncio.Event | None = None
    exchanged: list[str] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def authorization_url(
        self, app: AppCredentials, redirect_uri: str, state: str, challenge: str | None
    ) -> str:
        assert challenge, "this platform takes PKCE"
        query = {"client_id": app.client_id, "redirect_uri": redirect_uri, "state": state}
        return f"https://www.{self.info.key}.example/authorize?{urlencode(query)}"

    async def exchange(self, call: Call, code: str, redirect_uri: str, verifier: str | None) -> Tokens:
        assert verifier and redirect_uri == self.redirect
        self.exchanged.append(code)
        self.arrived.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.failing is not None:
            raise self.failing
        return Tokens(SECRET, "refresh-1", 7200, scopes=self.scopes)

    async def discover(self, call: Call, tokens: Tokens) -> Discovery:
        return Discovery(self.subject, "A Person", self.accounts)

    async def refresh(self, call: Call, tokens: Tokens) -> Tokens:
        return Tokens("access-2", "refresh-2", 7200)

    async def mint(self, call: Call, tokens: Tokens, account_id: str) -> str | None:
        return None

    async def check_app(self, call: Call) -> bool:
        return False

    async def probe(self, call: Call, target: Target) -> Account:
        return self.accounts[0]

    async def revoke(self, call: Call, tokens: Tokens) -> bool:
        return True

    def check(self, content: Content) -> tuple[ContentProblem, ...]:
        return ()

    def appearance(self, content: Content) -> Content:
        return content

    async def prepare(self, call: Call, target: Target, content: Content, handles: Handles) -> Ready | Wait:
        return Ready({})

    async def send(self, call: Call, target: Target, content: Content, handles: Handles) -> Sent:
        return Sent("post-1")

    async def progress(self, call: Call, target: Target, handles: Handles, external_id: str | None) -> Sent:
        return Sent("post-1")

    async def look(
        self,
        call: Call,
        target: Target,
        content: Content,
        handles: Handles,
        since: datetime,
        taken: frozenset[str],
    ) -> Look:
        raise AssertionError("nobody looks for posts here")


@dataclass
class Town:
    """The house, the web application in front of it, and a workspace with two clients."""

    house: House
    web: Starlette
    platforms: Mapping[str, FakePlatform]
    clients: Mapping[str, Client] = field(default_factory=dict)

    def browser(self) -> httpx.AsyncClient:
        """A fresh browser with its own cookie jar."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.web), base_url=self.house.public_url)

    async def settle_in(self) -> None:
        now = self.house.clock.now()
        workspace = Workspace(id="w1", team_id="T1", name="Brightside", created_at=now)
        clients = {
            slug: Client(
                id=slug,
                workspace_id="w1",
                slug=slug,
                name=name,
                zone="UTC",
                team_channel=f"C-{slug}",
                created_at=now,
            )
            for slug, name in (("acme", "Acme Bakery"), ("rival", "Rival Secret Ltd"))
        }
        async with self.house.db.write() as session:
            session.add(workspace)
            await session.flush()
            session.add_all(clients.values())
        self.clients = clients

    async def invite(self, *wanted: Wanted, client: str = "acme") -> list[str]:
        """The paths of an invitation message's links, in the order of `wanted`."""
        now = self.house.clock.now()
        actor = Actor("w1", "U1", "C1")
        async with self.house.db.write() as session:
            notice = await invite(session, self.house, actor, self.clients[client], wanted, "C1", now)
        rows = await self.rows(Invitation, Invitation.batch_id == notice.subject_id)
        paths = {row.platform: urlsplit(address(self.house, row)).path for row in rows}
        return [paths[item.platform] for item in wanted]

    async def link(self, platform: str = "lumen", client: str = "acme") -> Connection:
        """The client's account, linked by a whole walk."""
        before = {row.id for row in await self.rows(Connection)}
        [path] = await self.invite(Wanted(platform), client=client)
        async with self.browser() as browser:
            await browser.get(await walk(browser, path))
        [new] = [row for row in await self.rows(Connection) if row.id not in before]
        return new

    async def rows(self, model: type[Row], *where: ColumnElement[bool]) -> Sequence[Row]:
        async with self.house.db.read() as session:
            return (await session.execute(select(model).where(*where))).scalars().all()

    async def change(self, model: type[Base], **values: object) -> None:
        """Changes every row of a table."""
        async with self.house.db.write() as session:
            await session.execute(update(model).values(**values))

    async def state_of(self, path: str) -> str:
        [row] = await self.rows(Invitation, Invitation.token_hash == digest(path.rpartition("/")[2]))
        return row.state


@asynccontextmanager
async def fresh_database(folder: Path) -> AsyncIterator[Database]:
    """An empty SQLite file with all tables; closed whatever happens."""
    database = Database(f"sqlite+aiosqlite:///{folder}/town.db")
    try:
        await migrate(database)
        yield database
    finally:
        await database.close()


def make_town(
    database: Database,
    folder: Path,
    http: PlatformHttp,
    *,
    public_url: str = PUBLIC,
    rewriter: Rewriter | None = None,
    checks: Mapping[str, Check] | None = None,
) -> Town:
    """Its platforms: Lumen (plain), Mirror (asks after the consent) and Dark (switched off)."""
    platforms = {
        "lumen": FakePlatform(info_of("lumen"), redirect=f"{public_url}/oauth/lumen/callback"),
        "mirror": FakePlatform(
            info_of("mirror", confirm=True), redirect=f"{public_url}/oauth/mirror/callback"
        ),
        "dark": FakePlatform(info_of("dark")),
    }
    house = House(
        db=database,
        vault=Vault([parse_key(new_key())]),
        clock=HouseClock(),
        http=http,
        platforms=platforms,
        apps={key: AppCredentials(f"{key}-app", SecretStr("app-secret")) for key in ("lumen", "mirror")},
        spool=Spool(folder / "spool"),
        owner="test",
        public_url=public_url,
        timings=Timings(wait_for_lease=1.0),
    )
    registry = CollectorRegistry()
    Counter("lamplighter_links", "Links made", registry=registry).inc()
    web = build_web(
        house,
        rewriter=rewriter or Rewriter(),
        slack_routes=[Route("/slack/events", _echo_size, methods=["POST"])],
        checks=checks or {},
        registry=registry,
        metrics_token=SecretStr("metrics-bearer"),
    )
    return Town(house, web, platforms)


async def _echo_size(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


@asynccontextmanager
async def serving(web: Starlette, listener: socket.socket) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(web, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


def token_in(page: httpx.Response) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', page.text)
    assert found, page.text
    return found[1]


def text_of(page: httpx.Response) -> str:
    """What a person reads, in one line."""
    body = re.sub(r"(?s)<(head|svg)\b.*?</\1>|<[^>]+>", " ", page.text)
    return " ".join(unescape(body).split())


async def press(
    browser: httpx.AsyncClient,
    page: httpx.Response,
    *,
    origin: str | None = PUBLIC,
    to: str | None = None,
    **fields: str | list[str],
) -> httpx.Response:
    """Presses a button of `page` as a browser would."""
    data = {"form_token": token_in(page)} | fields
    headers = {} if origin is None else {"Origin": origin}
    return await browser.post(to or page.url.path, data=data, headers=headers)


async def to_platform(browser: httpx.AsyncClient, path: str) -> str:
    """From the invitation page to the platform; returns the state that went along."""
    page = await browser.get(path)
    assert page.status_code == 200, page.text
    answer = await press(browser, page)
    assert answer.status_code == 303, answer.text
    return parse_qs(urlsplit(answer.headers["location"]).query)["state"][0]


async def come_back(
    browser: httpx.AsyncClient, state: str, platform: str = "lumen", **params: str
) -> httpx.Response:
    """The platform sends the browser back; with a code unless `params` say otherwise."""
    query = {"state": state} | (params or {"code": "code-1"})
    return await browser.get(f"/oauth/{platform}/callback", params=query)


async def walk(browser: httpx.AsyncClient, path: str, platform: str = "lumen") -> str:
    """From the invitation to the consent page; returns that page's path."""
    back = await come_back(browser, await to_platform(browser, path), platform)
    assert back.status_code == 303, back.text
    return urlsplit(back.headers["location"]).path
