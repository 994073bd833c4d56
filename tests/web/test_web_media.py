"""/media/{signed}: what the platforms' fetchers demand, and nothing that could run as a page."""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select
from structlog.testing import capture_logs

from bot.domain import media_use
from bot.domain.auditing import Actor
from bot.domain.posting import Draft, queue
from bot.http import PlatformHttp
from bot.jobs import sweep
from bot.media import HouseMedia, Looks
from bot.outbound import Rewriter
from bot.platforms.content import Content, Media, MediaKind
from bot.web.app import build_web
from sandbox.platforms.fetch import HttpFetcher
from sandbox.platforms.testing import Twins, jpeg
from storage.models import Delivery
from tests.support import house_at, linked
from tests.web.web_fakes import Town, fresh_database, make_town, serving

DATA = jpeg()
SIZE = len(DATA)
PICTURE = Looks(MediaKind.IMAGE, "image/jpeg", 1080, 1080)


@dataclass
class Shown:
    """A stored picture, and the path at which it is offered."""

    media: Media
    path: str


async def stored(town: Town, folder: Path, data: bytes = DATA, looks: Looks = PICTURE) -> Shown:
    source = folder / "source"
    source.write_bytes(data)
    media = await media_use.keep(town.house, "w1", source, looks)
    return Shown(media, urlsplit(media.url).path)


@pytest.fixture
async def shown(town: Town, tmp_path: Path) -> Shown:
    return await stored(town, tmp_path)


async def test_the_whole_file(browser: httpx.AsyncClient, shown: Shown) -> None:
    assert re.fullmatch(r"/media/[\w-]{50}\.jpg", shown.path)
    answer = await browser.get(shown.path)
    assert (answer.status_code, answer.content) == (200, DATA)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-length"] == str(SIZE)
    assert answer.headers["accept-ranges"] == "bytes"


async def test_head_says_the_same_without_the_bytes(browser: httpx.AsyncClient, shown: Shown) -> None:
    full, head = await browser.get(shown.path), await browser.head(shown.path)
    assert head.status_code == 200 and head.content == b""
    assert dict(head.headers) == dict(full.headers)


async def test_it_can_never_run_as_a_page(browser: httpx.AsyncClient, shown: Shown) -> None:
    headers = (await browser.get(shown.path)).headers
    assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-disposition"] == 'attachment; filename="media.jpg"'
    assert headers["x-frame-options"] == "DENY" and "set-cookie" not in headers


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=5-9", 5, 10),
        ("bytes=5-", 5, SIZE),
        ("bytes=-7", SIZE - 7, SIZE),
        (f"bytes=5-{SIZE + 99}", 5, SIZE),
        ("bytes=0-", 0, SIZE),  # the whole, and yet what was asked for is a part
        (f"bytes=0-{SIZE - 1}", 0, SIZE),
        (f"bytes=-{SIZE + 5}", 0, SIZE),
    ],
)
async def test_a_part_of_it(
    browser: httpx.AsyncClient, shown: Shown, asked: str, start: int, end: int
) -> None:
    answer = await browser.get(shown.path, headers={"range": asked})
    assert (answer.status_code, answer.content) == (206, DATA[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert answer.headers["content-length"] == str(end - start)


@pytest.mark.parametrize(
    "asked",
    ["bytes=9-5", "bytes=-", "lines=0-5", "bytes=0-1,4-5", "bytes=a-b", ""],
)
async def test_what_is_no_part_is_the_whole(browser: httpx.AsyncClient, shown: Shown, asked: str) -> None:
    answer = await browser.get(shown.path, headers={"range": asked})
    assert (answer.status_code, answer.content) == (200, DATA)


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 9}", "bytes=-0"])
async def test_a_part_behind_the_end(browser: httpx.AsyncClient, shown: Shown, asked: str) -> None:
    answer = await browser.get(shown.path, headers={"range": asked})
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{SIZE}"


async def test_a_part_of_another_version_is_the_whole(browser: httpx.AsyncClient, shown: Shown) -> None:
    etag = (await browser.head(shown.path)).headers["etag"]
    same = await browser.get(shown.path, headers={"range": "bytes=0-4", "if-range": etag})
    other = await browser.get(shown.path, headers={"range": "bytes=0-4", "if-range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)


async def test_an_address_ends(town: Town, browser: httpx.AsyncClient, shown: Shown) -> None:
    town.house.clock.set_offset((media_use.ADDRESS_LIFE - timedelta(minutes=1)).total_seconds())
    assert (await browser.get(shown.path)).status_code == 200
    town.house.clock.set_offset(media_use.ADDRESS_LIFE.total_seconds() + 1)
    for answer in (await browser.get(shown.path), await browser.head(shown.path)):
        assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.parametrize(
    "signed", ["x", "A" * 50, "A" * 50 + ".jpg", "%00", "..%2f..%2fetc%2fpasswd", "é" * 50, "a" * 5000]
)
async def test_a_made_up_address_finds_nothing(browser: httpx.AsyncClient, signed: str) -> None:
    assert (await browser.get(f"/media/{signed}")).status_code == 404


async def test_a_file_that_was_removed(town: Town, browser: httpx.AsyncClient, shown: Shown) -> None:
    await town.house.shelf.store.drop([str(shown.media.stored)])
    assert (await browser.get(shown.path)).status_code == 404
    town.house.clock.set_offset(2 * 86_400.0)
    assert await media_use.tidy(town.house) == 1
    fresh = urlsplit(media_use.address(town.house, str(shown.media.stored), "image/jpeg")).path
    assert (await browser.head(fresh)).status_code == 404


async def test_the_log_keeps_no_address(browser: httpx.AsyncClient, shown: Shown) -> None:
    with capture_logs() as logs:
        await browser.get(shown.path)
    assert logs and shown.path not in str(logs) and shown.path.partition("/media/")[2][:20] not in str(logs)


async def test_nothing_else_is_offered_there(browser: httpx.AsyncClient, shown: Shown) -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert (await browser.request(method, shown.path)).status_code == 405


@pytest.fixture
async def origin(tmp_path: Path) -> AsyncIterator[tuple[Town, str]]:
    async with fresh_database(tmp_path) as database, PlatformHttp() as http:
        town = make_town(database, tmp_path, http)
        await town.settle_in()
        listener = socket.create_server(("127.0.0.1", 0))
        async with serving(town.web, listener):
            yield town, f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("platform", ["x", "instagram"])
async def test_a_stored_picture_is_published(twins: Twins, tmp_path: Path, platform: str) -> None:
    """X is given the bytes from the store; Instagram fetches them at the signed address."""
    listener = socket.create_server(("127.0.0.1", 0))
    public = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with fresh_database(tmp_path) as database, house_at(twins, database, tmp_path) as plain:
        connection = await linked(plain, twins, platform)
        house = replace(plain, public_url=public, media=HouseMedia(plain.shelf.store))
        web = build_web(house, rewriter=Rewriter(), slack_routes=[], checks={}, registry=CollectorRegistry())
        async with serving(web, listener):
            source, now = tmp_path / "source", house.clock.now()
            source.write_bytes(DATA)
            media = await media_use.keep(house, connection.workspace_id, source, PICTURE)
            content = Content(text="Fresh bread", media=(media,))
            draft = Draft("key", connection.client_id, (connection.id,), content, now)
            async with house.db.write() as session:
                await queue(session, house, Actor(connection.workspace_id, "U1", "C1"), draft, now)
            for _ in range(4):
                while await sweep.publish_due(house):
                    pass
                twins.advance(seconds=60)
        (post,) = twins.world.ledger.posts("Fresh bread", platform=platform)
        assert len(post.detail["media"]) == 1
        async with database.read() as session:
            (delivery,) = (await session.scalars(select(Delivery))).all()
        assert (delivery.state, delivery.reason) == ("published", None)


async def test_a_platforms_fetcher_is_content(origin: tuple[Town, str], tmp_path: Path) -> None:
    town, address = origin
    film = b"\x00\x00\x00\x18ftypisom" + bytes(3_000_000)
    shown = await stored(town, tmp_path, film, Looks(MediaKind.VIDEO, "video/mp4"))
    fetched = await HttpFetcher()(address + shown.path)
    assert (fetched.content_type, fetched.data) == ("video/mp4", film)
