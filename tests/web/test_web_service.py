"""Probes, metrics, headers and limits."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from bot.domain.inviting import Wanted
from bot.http import PlatformHttp
from bot.outbound import Rewriter
from bot.web.guard import form_targets
from bot.web.pages import picture
from tests.web.web_fakes import PUBLIC, Town, fresh_database, make_town, press, serving, text_of, to_platform

LOCAL, FAR = ("127.0.0.1", 1), ("203.0.113.7", 1)


def from_peer(town: Town, peer: tuple[str, int]) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(town.web, client=peer), base_url=PUBLIC)


async def test_every_answer_carries_the_headers(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("lumen"))
    answers = [
        await browser.get(where) for where in (path, "/connect/x", "/nowhere", "/healthz", "/consent/x")
    ]
    answers += [await browser.post("/healthz"), await press(browser, await browser.get(path))]
    answers += [await browser.get("/oauth/lumen/callback"), await browser.head(path)]
    for answer in answers:
        headers = answer.headers
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy and "script-src" not in policy


async def test_the_form_may_only_lead_to_the_platform(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("lumen"))
    policy = (await browser.get(path)).headers["content-security-policy"]
    assert "form-action 'self' https://lumen.example https://*.lumen.example;" in policy
    assert "mirror" not in policy
    assert form_targets("http://127.0.0.1:4000/www.x.example/a") == "http://127.0.0.1:4000"


def test_pictures_are_https_or_none() -> None:
    sandbox = Rewriter("http://127.0.0.1:4000")
    assert picture(Rewriter(), "https://pics.example/a.png") == "https://pics.example/a.png"
    assert picture(sandbox, "https://pics.example/a.png") == "http://127.0.0.1:4000/pics.example/a.png"
    for bad in (None, "", "http://pics.example/a.png", "javascript:x", "data:text/html,x", "https://"):
        assert picture(sandbox, bad) is None


async def test_pages_for_nothing_and_for_wrong_methods(browser: httpx.AsyncClient) -> None:
    nowhere = await browser.get("/nowhere")
    assert nowhere.status_code == 404 and "nothing here" in text_of(nowhere)
    assert (await browser.get("/healthz/")).status_code == 404
    wrong = await browser.delete("/connect/x")
    assert wrong.status_code == 405 and wrong.headers["allow"] and "<h1>" in wrong.text


async def test_large_bodies_are_refused(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("lumen"))
    page, large = await browser.get(path), "x" * 70_000
    assert (await press(browser, page, more=large)).status_code == 413

    async def drip() -> AsyncIterator[bytes]:
        for _ in range(70):
            yield b"x" * 1000

    headers = {"Origin": PUBLIC, "Content-Type": "application/x-www-form-urlencoded"}
    assert (await browser.post(path, content=drip(), headers=headers)).status_code == 413
    assert (await browser.post("/slack/events", content=large)).text == "70000"
    assert (await browser.post("/slack/events", content="x" * 1_100_000)).status_code == 413


async def test_healthz_and_robots(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/healthz")).json() == {"alive": True}
    robots = (await browser.get("/robots.txt")).text
    assert "User-agent: facebookexternalhit\nAllow: /media/\nDisallow: /\n" in robots
    assert "User-agent: *\nDisallow: /\n" in robots


async def test_the_style_sheet_may_be_kept(town: Town, browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/static/style.css")
    assert answer.headers["content-type"].startswith("text/css")
    assert answer.headers["cache-control"] == "public, max-age=86400"


async def test_readyz_names_what_is_not_well(tmp_path: Path) -> None:
    async def well() -> bool:
        return True

    async def ill() -> bool:
        raise OSError("inner words")

    async with fresh_database(tmp_path) as database, PlatformHttp() as http:
        town = make_town(database, tmp_path, http, checks={"database": well})
        async with town.browser() as browser:
            assert (await browser.get("/readyz")).json() == {"ready": True, "checks": {"database": True}}
        town = make_town(database, tmp_path, http, checks={"database": well, "keys": ill})
        async with town.browser() as browser:
            answer = await browser.get("/readyz")
    assert answer.status_code == 503 and "inner words" not in answer.text
    assert answer.json() == {"ready": False, "checks": {"database": True, "keys": False}}


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        (LOCAL, {}, 200),
        (("::1", 1), {}, 200),
        (("::ffff:127.0.0.1", 1), {}, 200),
        (LOCAL, {"X-Forwarded-For": "127.0.0.1"}, 401),
        (LOCAL, {"Forwarded": "for=127.0.0.1"}, 401),
        (FAR, {}, 401),
        (("socket", 1), {}, 401),
        (FAR, {"Authorization": "Bearer metrics-bearer"}, 200),
        (FAR, {"Authorization": "Bearer wrong"}, 401),
        (FAR, {"Authorization": "Basic metrics-bearer"}, 401),
        (LOCAL, {"X-Forwarded-For": "1.2.3.4", "Authorization": "Bearer metrics-bearer"}, 200),
    ],
)
async def test_metrics_are_for_this_machine_or_the_bearer(
    town: Town, peer: tuple[str, int], headers: dict[str, str], status: int
) -> None:
    async with from_peer(town, peer) as client:
        answer = await client.get("/metrics", headers=headers)
    assert answer.status_code == status
    assert ("lamplighter_links_total 1.0" in answer.text) == (status == 200)


async def test_the_log_knows_routes_not_links(town: Town, browser: httpx.AsyncClient) -> None:
    [path] = await town.invite(Wanted("lumen"))
    with capture_logs() as lines:
        state = await to_platform(browser, path)
        await browser.get(f"/oauth/lumen/callback?state={state}&code=very-secret-code")
        await browser.get("/nowhere/secret-path")
    requests = [line for line in lines if line["event"] == "request"]
    assert [(line["method"], line["route"], line["status"]) for line in requests] == [
        ("GET", "/connect/{token}", 200),
        ("POST", "/connect/{token}", 303),
        ("GET", "/oauth/{platform}/callback", 303),
        ("GET", "-", 404),
    ]
    for secret in (path.rpartition("/")[2], state, "very-secret-code", "secret-path"):
        assert secret not in str(lines)


async def test_a_walk_over_a_real_socket_with_rewriting_on(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        public = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with (
            fresh_database(tmp_path) as database,
            PlatformHttp() as http,
            httpx.AsyncClient(base_url=public) as browser,
        ):
            town = make_town(
                database, tmp_path, http, public_url=public, rewriter=Rewriter("http://127.0.0.1:9")
            )
            await town.settle_in()
            [path] = await town.invite(Wanted("lumen"))
            async with serving(town.web, listener):
                page = await browser.get(path)
                assert "form-action 'self' http://127.0.0.1:9;" in page.headers["content-security-policy"]
                sent = await press(browser, page, origin=public)
                there = httpx.URL(sent.headers["location"])
                assert (there.host, there.port, there.path) == (
                    "127.0.0.1",
                    9,
                    "/www.lumen.example/authorize",
                )
                query = {"state": there.params["state"], "code": "code-1"}
                result = await browser.get("/oauth/lumen/callback", params=query, follow_redirects=True)
    assert "@acme is connected" in text_of(result)
    assert "http://127.0.0.1:9/pics.example/a1.png" in result.text
    assert "lamplighter_walk" in browser.cookies
