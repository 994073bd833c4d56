"""What really goes over the wire, through the real client to a loopback server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.http import PlatformHttp
from bot.outbound import Rewriter
from bot.platforms.base import Call, Tokens, Wait
from bot.platforms.content import Content, Media, MediaKind
from bot.platforms.errors import Kind, PlatformError
from bot.platforms.instagram import Instagram
from bot.platforms.x import X
from tests.platforms.platform_fakes import APP, IG_TARGET, X_TARGET

CAPTION = "Tea & cake #lamp + 100% ü 😀"
Seen = list[tuple[str, str, dict[str, str], str]]


class Loopback:
    """Keeps method, path with query, headers and body; answers with `status` and `body`."""

    def __init__(self) -> None:
        self.seen: Seen = []
        self.status = 200
        self.body = '{"id": "1", "access_token": "new", "data": {"id": "5"}}'

    async def answer(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append((request.method, request.path_qs, headers, await request.text()))
        return web.Response(status=self.status, text=self.body, headers={"X-Rate-Limit-Reset": "9999999999"})


@pytest.fixture
async def loopback() -> Loopback:
    return Loopback()


@pytest.fixture
async def call(loopback: Loopback) -> AsyncIterator[Call]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", loopback.answer)
    async with (
        TestServer(app) as server,
        PlatformHttp(Rewriter(str(server.make_url("")).rstrip("/"))) as http,
    ):
        yield Call(http=http, app=APP, deadline=5.0)


async def test_a_caption_travels_whole_and_the_token_in_a_header(call: Call, loopback: Loopback) -> None:
    content = Content(CAPTION, (Media("https://bot.example/1.jpg", MediaKind.IMAGE, "image/jpeg", 9),))
    step = await Instagram("v26.0").prepare(call, IG_TARGET, content, {})
    assert isinstance(step, Wait) and step.handles == {"container": "1"}
    method, path, headers, body = loopback.seen[0]
    assert (method, path) == ("POST", f"/graph.instagram.com/v26.0/{IG_TARGET.account_id}/media")
    assert headers["content-type"].startswith("application/x-www-form-urlencoded")
    assert headers["authorization"] == "Bearer IGAA-1"
    assert parse_qs(body) == {"image_url": ["https://bot.example/1.jpg"], "caption": [CAPTION]}


async def test_an_instagram_refresh_is_a_get_with_its_documented_parameters(
    call: Call, loopback: Loopback
) -> None:
    assert (await Instagram("v26.0").refresh(call, Tokens("IGAA-1"))).access_token == "new"
    method, path, headers, _ = loopback.seen[0]
    assert method == "GET"
    expected = "grant_type=ig_refresh_token&access_token=IGAA-1"
    assert path == f"/graph.instagram.com/refresh_access_token?{expected}"
    assert "authorization" not in headers


async def test_an_x_post_is_json_and_sent_once(call: Call, loopback: Loopback) -> None:
    loopback.status = 503
    with pytest.raises(PlatformError) as raised:
        await X().send(call, X_TARGET, Content(CAPTION), {})
    assert raised.value.verdict.kind is Kind.UNCLEAR
    loopback.status = 201
    assert (await X().send(call, X_TARGET, Content(CAPTION), {})).external_id == "5"
    assert [seen[:2] for seen in loopback.seen] == [("POST", "/api.x.com/2/tweets")] * 2
    assert loopback.seen[0][2]["content-type"] == "application/json"


async def test_headers_of_a_throttle_are_found_whatever_their_case(call: Call, loopback: Loopback) -> None:
    loopback.status, loopback.body = 429, "{}"
    with pytest.raises(PlatformError) as raised:
        await X().probe(call, X_TARGET)
    assert raised.value.verdict.retry_after == 86_400
