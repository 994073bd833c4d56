"""Walks through the twin of TikTok that many tests begin with; `populate` first."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from sandbox.platforms.model import Account, App
from sandbox.platforms.testing import Twins

BACK = "https://bot.example/oauth/tiktok/callback"
LOCAL = "http://127.0.0.1:3000/oauth/tiktok/callback"
SCOPES = "user.info.basic,user.info.profile,video.publish"
AUTHORIZE = "/www.tiktok.com/v2/auth/authorize/"
TOKEN = "/open.tiktokapis.com/v2/oauth/token/"
VERIFIER = "v" * 64
CHALLENGE = hashlib.sha256(VERIFIER.encode()).hexdigest()
CLIENT = {"client_key": "tk-app", "client_secret": "tk-secret-1"}
APP = App(
    platform="tiktok",
    client_id="tk-app",
    secret="tk-secret-1",
    redirect_uris=(BACK, LOCAL, "http://localhost/cb"),
    scopes=frozenset([*SCOPES.split(","), "video.upload"]),
)
MP4 = b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 500


def populate(twins: Twins) -> None:
    """Our app and some accounts."""
    twins.world.register_app(APP)
    for id, handle in (("-000bakery", "bakery"), ("-000florist", "florist")):
        twins.world.add_account(Account(platform="tiktok", id=id, handle=handle, name=handle.title()))


def asked(**changes: str) -> dict[str, str]:
    """A good authorization request."""
    query = {
        "client_key": "tk-app",
        "scope": SCOPES,
        "redirect_uri": BACK,
        "state": "state-1",
        "response_type": "code",
    }
    return {**query, **changes}


async def exchange(twins: Twins, code: str, /, **changes: str) -> httpx.Response:
    """Exchange a code."""
    form = {**CLIENT, "grant_type": "authorization_code", "redirect_uri": BACK, "code": code}
    return await twins.http.post(TOKEN, data={**form, **changes})


async def link(twins: Twins, **form: Any) -> dict[str, Any]:
    """The token answer of a whole walk."""
    back = await twins.consent(AUTHORIZE, asked(), form or {"decision": "approve"})
    answer = await exchange(twins, back["code"])
    tokens: dict[str, Any] = answer.json()
    assert "access_token" in tokens, tokens
    return tokens


async def refresh(twins: Twins, token: str) -> httpx.Response:
    """Refresh."""
    form = {**CLIENT, "grant_type": "refresh_token", "refresh_token": token}
    return await twins.http.post(TOKEN, data=form)


async def api(twins: Twins, path: str, token: str, body: object | None = None) -> httpx.Response:
    """Call the API with a bearer token."""
    headers = {"authorization": f"Bearer {token}"}
    return await twins.http.post(f"/open.tiktokapis.com{path}", headers=headers, json=body or {})


async def info(twins: Twins, token: str, fields: str = "open_id,username") -> httpx.Response:
    """Who am I, with these fields."""
    headers = {"authorization": f"Bearer {token}"}
    return await twins.http.get(
        "/open.tiktokapis.com/v2/user/info/", params={"fields": fields}, headers=headers
    )


def code_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and error code of an answer."""
    return answer.status_code, answer.json()["error"]["code"]


@dataclass
class Inbox:
    """An address that takes notices; `answers` are the statuses that it gives, then 200."""

    answers: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one notice."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.got.append((headers, body))
        status = self.answers.pop(0) if self.answers else 200
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        if status == 200:
            self.arrived.set()


@asynccontextmanager
async def inbox(twins: Twins, *answers: int) -> AsyncIterator[Inbox]:
    """An address that takes notices, told to the app; `answers` are the statuses that it gives first."""
    box = Inbox(list(answers))
    server = await asyncio.start_server(box.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    twins.world.register_app(
        App(**{**APP.__dict__, "notify": f"http://127.0.0.1:{port}/webhooks/tiktok"}),
    )
    try:
        yield box
    finally:
        server.close()
        await server.wait_closed()


def direct(**changes: Any) -> dict[str, Any]:
    """What a direct post says."""
    return {"title": "Fresh bread", "privacy_level": "PUBLIC_TO_EVERYONE", **changes}


async def init(
    twins: Twins, token: str, source: dict[str, Any], post_info: dict[str, Any] | None = None
) -> httpx.Response:
    """Begin a direct video."""
    body = {"post_info": post_info or direct(), "source_info": source}
    return await api(twins, "/v2/post/publish/video/init/", token, body)


def file_of(size: int, chunk: int = 0, count: int = 1) -> dict[str, Any]:
    """The source of a file upload."""
    return {
        "source": "FILE_UPLOAD",
        "video_size": size,
        "chunk_size": chunk or size,
        "total_chunk_count": count,
    }


async def put(twins: Twins, url: str, data: bytes, start: int, total: int, **more: str) -> httpx.Response:
    """Put a chunk that begins at `start`."""
    headers = {
        "content-type": "video/mp4",
        "content-range": f"bytes {start}-{start + len(data) - 1}/{total}",
        **more,
    }
    return await twins.http.put(url.replace("https://", "/"), content=data, headers=headers)


async def status(twins: Twins, token: str, publish_id: str) -> dict[str, Any]:
    """The state of a publish."""
    answer = await api(twins, "/v2/post/publish/status/fetch/", token, {"publish_id": publish_id})
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def settled(twins: Twins, token: str, publish_id: str) -> dict[str, Any]:
    """The state of a publish once it is no longer in processing."""
    for _ in range(10):
        data = await status(twins, token, publish_id)
        if not data["status"].startswith("PROCESSING"):
            return data
    raise AssertionError("still processing")


async def photos(twins: Twins, token: str, images: list[str], **changes: Any) -> httpx.Response:
    """Begin a post of photos."""
    body = {
        "media_type": "PHOTO",
        "post_mode": "DIRECT_POST",
        "post_info": {"title": "Bread", "description": "Two loaves", "privacy_level": "PUBLIC_TO_EVERYONE"},
        "source_info": {"source": "PULL_FROM_URL", "photo_images": images, "photo_cover_index": 0},
    }
    return await api(twins, "/v2/post/publish/content/init/", token, {**body, **changes})
