"""How uploads really go over the wire, through the real client to a loopback server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.http import HostRefused, PlatformHttp
from bot.outbound import Rewriter
from bot.platforms import linkedin
from bot.platforms.base import Call, Target, Wait
from bot.platforms.content import Content
from bot.platforms.errors import PlatformError
from bot.platforms.pinterest import Pinterest
from bot.platforms.tiktok import TikTok
from bot.platforms.youtube import YouTube
from tests.platforms.platform_fakes import APP
from tests.platforms.upload_fakes import File, film_of

TARGET = Target("1", "lamp", "token-1")
DATA = bytes(range(256)) * 20
POST = Content(text="hi", title="Lamps", media=(film_of(DATA),))
SESSION = "https://www.googleapis.com/upload/youtube/v3/videos?uploadType=resumable&upload_id=a%2Fb%3D"


@dataclass
class Loopback:
    """Keeps method, path as it was written, headers and body; answers with `status` and `body`."""

    status: int = 200
    body: str = "{}"
    headers: dict[str, str] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append((f"{request.method} {request.raw_path}", headers, await request.read()))
        return web.Response(status=self.status, text=self.body, headers=self.headers)


@pytest.fixture
async def loopback() -> Loopback:
    return Loopback()


@pytest.fixture
async def server(loopback: Loopback) -> AsyncIterator[TestServer]:
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", loopback.answer)
    serving = TestServer(app)
    async with serving:
        yield serving


@pytest.fixture
async def call(server: TestServer) -> AsyncIterator[Call]:
    async with PlatformHttp(Rewriter(str(server.make_url("")).rstrip("/"))) as http:
        yield Call(http=http, app=APP, deadline=5.0, media=File(DATA, most=1000))


async def test_a_form_for_the_store_says_its_length_and_is_not_chunked(
    call: Call, loopback: Loopback
) -> None:
    address = "https://pinterest-media-upload.s3-accelerate.amazonaws.com/"
    loopback.status = 200
    handles = {"media_id": "1", "address": address, "form": '{"key": "uploads/a"}'}
    made = await Pinterest().prepare(call, TARGET, POST, handles)
    assert isinstance(made, Wait) and made.handles == {"media_id": "1", "uploaded": "1"}
    request, headers, body = loopback.seen[0]
    assert request == "POST /pinterest-media-upload.s3-accelerate.amazonaws.com/"
    assert headers["content-length"] == str(len(body)) and "transfer-encoding" not in headers
    assert "authorization" not in headers
    assert body.count(DATA) == 1 and body.startswith(b"--") and body.endswith(b"--\r\n")


async def test_a_session_is_asked_with_an_empty_put_and_its_address_is_left_as_it_is(
    call: Call, loopback: Loopback
) -> None:
    loopback.body = '{"id": "vid1"}'
    with pytest.raises(PlatformError):  # finished already
        await YouTube().prepare(call, TARGET, POST, {"session": SESSION})
    request, headers, body = loopback.seen[0]
    path = "/www.googleapis.com/upload/youtube/v3/videos?uploadType=resumable&upload_id=a%2Fb%3D"
    assert request == f"PUT {path}"
    assert headers["content-length"] == "0" and headers["content-range"] == f"bytes */{len(DATA)}"
    assert body == b""


async def test_a_308_is_an_answer_and_its_range_is_read(call: Call, loopback: Loopback) -> None:
    loopback.status, loopback.headers = 308, {"Range": "bytes=0-99"}
    made = await YouTube().prepare(call, TARGET, POST, {"session": SESSION})
    assert made.handles["offset"] == "100"


async def test_a_chunk_carries_its_range_and_no_bearer(call: Call, loopback: Loopback) -> None:
    loopback.status = 201
    url = "https://open-upload.tiktokapis.com/video/?upload_id=67&upload_token=Xza%2B1"
    sent = await TikTok().send(call, TARGET, POST, {"publish_id": "v", "upload_url": url})
    assert sent.external_id == "v"
    request, headers, body = loopback.seen[0]
    assert request == "PUT /open-upload.tiktokapis.com/video/?upload_id=67&upload_token=Xza%2B1"
    assert headers["content-range"] == f"bytes 0-{len(DATA) - 1}/{len(DATA)}"
    assert headers["content-type"] == "video/mp4" and headers["content-length"] == str(len(DATA))
    assert "authorization" not in headers and body == DATA


async def test_a_urn_in_a_path_stays_escaped_and_the_id_is_in_a_header(
    call: Call, loopback: Loopback
) -> None:
    platform = linkedin.members("202609", shared=False)
    loopback.body = '{"status": "AVAILABLE"}'
    await platform.prepare(call, TARGET, POST, {"video": "urn:li:video:1", "finalized": "1"})
    assert loopback.seen[0][0] == "GET /api.linkedin.com/rest/videos/urn%3Ali%3Avideo%3A1"
    loopback.status, loopback.body, loopback.headers = 201, "", {"x-restli-id": "urn:li:share:7"}
    assert (await platform.send(call, TARGET, Content(text="hi"), {})).external_id == "urn:li:share:7"


async def test_a_file_that_ends_early_never_becomes_a_whole_upload(call: Call, loopback: Loopback) -> None:
    address = "https://pinterest-media-upload.s3-accelerate.amazonaws.com/"
    handles = {"media_id": "1", "address": address, "form": "{}"}
    short = replace(call, media=File(DATA[:-1], most=1000))
    async with asyncio.timeout(60):
        with pytest.raises(PlatformError):
            await Pinterest().prepare(short, TARGET, POST, handles)
    assert loopback.seen == []


async def test_a_server_that_names_its_own_upload_address_is_reached_there(
    call: Call, loopback: Loopback, server: TestServer
) -> None:
    """In a rehearsal everything goes to one server, which may name itself instead of a platform's host."""
    session = str(server.make_url("/www.googleapis.com/upload/youtube/v3/videos?upload_id=s1"))
    loopback.headers = {"Location": session}
    made = await YouTube().prepare(call, TARGET, POST, {})
    loopback.status, loopback.headers = 308, {"Range": "bytes=0-999"}
    ready = await YouTube().prepare(call, TARGET, POST, made.handles)
    assert ready.handles["offset"] == "1000"
    upload = str(server.make_url("/uploads/1"))
    loopback.status = 201
    await TikTok().send(call, TARGET, POST, {"publish_id": "v", "upload_url": upload, "chunks": "0"})
    assert [seen[0].partition("?")[0] for seen in loopback.seen] == [
        "POST /www.googleapis.com/upload/youtube/v3/videos",
        "PUT /www.googleapis.com/upload/youtube/v3/videos",
        "PUT /uploads/1",
    ]


async def test_another_loopback_address_is_not_a_platforms(call: Call, loopback: Loopback) -> None:
    handles = {"publish_id": "v", "upload_url": "http://127.0.0.1:9/uploads/1", "chunks": "0"}
    with pytest.raises(HostRefused):
        await TikTok().send(call, TARGET, POST, handles)
