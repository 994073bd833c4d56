"""The twins over real HTTP, and the walks through them that many tests begin with.

async with run_twins() as twins:
    tokens = await twins.x_link()
    answer = await twins.x_api("POST", "/2/tweets", tokens["access_token"], json={"text": "Hello"})
"""

from __future__ import annotations

import base64
import hashlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.control import create_control_routes
from sandbox.platforms.model import Account, App
from sandbox.platforms.twins import create_platform_routes
from sandbox.world import PlatformWorld

X_BACK = "http://127.0.0.1:3000/oauth/x/callback"
IG_BACK = "https://bot.example/oauth/instagram/callback"
X_SCOPES = "tweet.read tweet.write users.read media.write offline.access"
IG_SCOPES = "instagram_business_basic,instagram_business_content_publish"
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


def jpeg(width: int = 1080, height: int = 1080, padding: int = 0) -> bytes:
    """The head of a JPEG of this size, which is all that is looked at, and some bytes more."""
    frame = b"\xff\xc0\x00\x11\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big") + b"\x03" * 10
    return b"\xff\xd8\xff\xe0\x00\x10" + b"JFIF\x00" + b"\x00" * 9 + frame + b"\x00" * padding


@dataclass
class Shelf:
    """A media server on loopback; `robots` is its robots.txt, `heads` whether it answers HEAD."""

    files: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    robots: str = ""
    heads: bool = True

    async def answer(self, request: Request) -> Response:
        """The file at the path, robots.txt, or a 404."""
        path = request.url.path
        if path == "/robots.txt":
            return Response(self.robots, 200 if self.robots else 404, media_type="text/plain")
        data, kind = self.files.get(path, (b"", ""))
        if not kind:
            return Response("no", 404)
        if request.method == "HEAD" and not self.heads:
            return Response(status_code=405)
        return Response(data, media_type=kind)


@dataclass
class Twins:
    """The running twins: an HTTP client at their address, their world, and a shelf of media."""

    world: PlatformWorld
    http: httpx.AsyncClient
    shelf: Shelf
    offset: list[float]

    def advance(self, **span: float) -> None:
        """Let house time pass: as much as a `timedelta` of these words."""
        self.offset[0] += timedelta(**span).total_seconds()

    def put(self, path: str, data: bytes, kind: str = "image/jpeg") -> str:
        """Put a file on the shelf; returns its address."""
        self.shelf.files[f"/shelf{path}"] = (data, kind)
        return f"{self.http.base_url}".rstrip("/") + f"/shelf{path}"

    async def consent_x(self, **form: Any) -> dict[str, str]:
        """Walk X's consent page; returns what comes back in the redirect's query."""
        return await self.consent("/x.com/i/oauth2/authorize", x_query(), form or {"decision": "approve"})

    async def consent_instagram(self, **form: Any) -> dict[str, str]:
        """Walk Instagram's consent page; returns what comes back in the redirect's query."""
        query = instagram_query()
        return await self.consent(
            "/www.instagram.com/oauth/authorize", query, form or {"decision": "approve"}
        )

    async def consent(self, path: str, query: dict[str, str], form: dict[str, Any]) -> dict[str, str]:
        """Post a decision to a consent page."""
        answer = await self.http.post(path, params=query, data=form)
        assert answer.status_code == 302, answer.text
        return {
            key: values[0] for key, values in parse_qs(urlsplit(answer.headers["location"]).query).items()
        }

    async def x_token(self, form: dict[str, str], **more: Any) -> httpx.Response:
        """Ask X's token endpoint with the right Basic header."""
        return await self.http.post(
            "/api.x.com/2/oauth2/token", data=form, auth=("x-app", "x-secret-1"), **more
        )

    async def x_exchange(self, code: str, /, **changes: str) -> httpx.Response:
        """Exchange an X code."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": X_BACK}
        return await self.x_token({**form, "code_verifier": VERIFIER, **changes})

    async def x_refresh(self, refresh_token: str) -> httpx.Response:
        """Refresh at X."""
        return await self.x_token({"grant_type": "refresh_token", "refresh_token": refresh_token})

    async def x_link(self, **form: Any) -> dict[str, Any]:
        """The token answer of a whole walk at X."""
        answer = await self.x_exchange((await self.consent_x(**form))["code"])
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    async def x_api(self, method: str, path: str, token: str, **more: Any) -> httpx.Response:
        """Call X's API with a bearer token."""
        headers = {"authorization": f"Bearer {token}"}
        return await self.http.request(method, f"/api.x.com{path}", headers=headers, **more)

    async def ig_exchange(self, code: str, /, **changes: str) -> httpx.Response:
        """Exchange an Instagram code for a short-lived token."""
        form = {
            "client_id": "ig-app",
            "client_secret": "ig-secret-1",
            "grant_type": "authorization_code",
            "redirect_uri": IG_BACK,
            "code": code,
        }
        return await self.http.post("/api.instagram.com/oauth/access_token", data={**form, **changes})

    async def ig_lengthen(self, token: str, secret: str = "ig-secret-1") -> httpx.Response:
        """Exchange a short-lived Instagram token for a long-lived one."""
        query = {"grant_type": "ig_exchange_token", "client_secret": secret, "access_token": token}
        return await self.http.get("/graph.instagram.com/access_token", params=query)

    async def ig_refresh(self, token: str) -> httpx.Response:
        """Refresh a long-lived Instagram token."""
        query = {"grant_type": "ig_refresh_token", "access_token": token}
        return await self.http.get("/graph.instagram.com/refresh_access_token", params=query)

    async def ig_link(self, **form: Any) -> str:
        """The long-lived token of a whole walk at Instagram."""
        short = await self.ig_exchange((await self.consent_instagram(**form))["code"])
        assert short.status_code == 200, short.text
        long = await self.ig_lengthen(short.json()["access_token"])
        return str(long.json()["access_token"])

    async def ig(self, method: str, path: str, token: str, **query: Any) -> httpx.Response:
        """Call Instagram's Graph API."""
        params = {**query, "access_token": token}
        return await self.http.request(method, f"/graph.instagram.com/v26.0{path}", params=params)


def x_query(**changes: str) -> dict[str, str]:
    """A good authorization request for X."""
    query = {
        "response_type": "code",
        "client_id": "x-app",
        "redirect_uri": X_BACK,
        "scope": X_SCOPES,
        "state": "state-1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return {**query, **changes}


def instagram_query(**changes: str) -> dict[str, str]:
    """A good authorization request for Instagram."""
    query = {
        "client_id": "ig-app",
        "redirect_uri": IG_BACK,
        "response_type": "code",
        "scope": IG_SCOPES,
        "state": "state-1",
        "force_reauth": "true",
    }
    return {**query, **changes}


def populated(offset: list[float]) -> PlatformWorld:
    """A world with one app and two people on each platform, and a personal Instagram account."""
    world = PlatformWorld(lambda: offset[0])
    world.register_app(
        App(
            platform="x",
            client_id="x-app",
            secret="x-secret-1",
            redirect_uris=(X_BACK,),
            scopes=frozenset(X_SCOPES.split()),
        )
    )
    world.register_app(
        App(
            platform="instagram",
            client_id="ig-app",
            secret="ig-secret-1",
            redirect_uris=(IG_BACK,),
            scopes=frozenset(IG_SCOPES.split(",")),
        )
    )
    for platform, ids in (("x", ("1001", "1002")), ("instagram", ("17841400000000001", "17841400000000002"))):
        for id, handle in zip(ids, ("bakery", "florist"), strict=True):
            world.add_account(Account(platform=platform, id=id, handle=handle, name=handle.title()))
    private = {"account_type": "PERSONAL"}
    world.add_account(
        Account(platform="instagram", id="17841400000000003", handle="private", name="Private", extra=private)
    )
    return world


@asynccontextmanager
async def run_twins() -> AsyncIterator[Twins]:
    """All twins behind one loopback address, under uvicorn, in the running loop."""
    offset = [0.0]
    world, shelf = populated(offset), Shelf()
    media = [Route(path, shelf.answer, methods=["GET"]) for path in ("/shelf/{rest:path}", "/robots.txt")]
    app = Starlette(routes=[*create_platform_routes(world), *create_control_routes(world), *media])
    config = uvicorn.Config(app, log_config=None, log_level="critical", lifespan="off")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # Named as TCP, or asyncio leaves Nagle's algorithm on and every answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    await server.startup(sockets=[listener])  # without the main loop, whose ticks cost each test 0.2 s
    try:
        async with httpx.AsyncClient(base_url=base, timeout=5, trust_env=False) as client:
            yield Twins(world, client, shelf, offset)
    finally:
        for listening in server.servers:
            listening.close()
            await listening.wait_closed()
