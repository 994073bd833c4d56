"""The walk in a real browser: what Origin it sends, and where it lets a form lead."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.async_api import Page, async_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.domain.inviting import Wanted
from bot.http import PlatformHttp
from bot.outbound import Rewriter
from storage.models import Connection, Consent
from tests.web.web_fakes import Town, fresh_database, make_town, serving

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]


@dataclass
class Stage:
    """A town, a browser tab, and another site that plays the platform and the thief."""

    town: Town
    tab: Page
    elsewhere: str


async def consent_at_once(request: Request) -> Response:
    """A platform that sends the browser on twice before it is back."""
    query = request.query_params
    if "again" not in query:
        return RedirectResponse(f"{request.url.path}?{urlencode({**query, 'again': '1'})}", 302)
    back = urlencode({"code": "code-1", "state": query["state"]})
    return RedirectResponse(f"{query['redirect_uri']}?{back}", 302)


async def thief(request: Request) -> Response:
    """Frames the page it is given, and posts a form to it."""
    victim = request.query_params["victim"]
    fields = '<input name="form_token" value="x"><button>Win</button>'
    form = f'<form method="post" action="{victim}">{fields}</form>'
    return HTMLResponse(f'{form}<iframe src="{victim}"></iframe>')


@asynccontextmanager
async def on_stage(folder: Path) -> AsyncIterator[Stage]:
    routes = [Route("/www.lumen.example/authorize", consent_at_once), Route("/thief", thief)]
    async with AsyncExitStack() as stack:
        ours, theirs = (stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2))
        public, elsewhere = (f"http://127.0.0.1:{one.getsockname()[1]}" for one in (ours, theirs))
        database = await stack.enter_async_context(fresh_database(folder))
        http = await stack.enter_async_context(PlatformHttp())
        town = make_town(database, folder, http, public_url=public, rewriter=Rewriter(elsewhere))
        await town.settle_in()
        await stack.enter_async_context(serving(town.web, ours))
        await stack.enter_async_context(serving(Starlette(routes=routes), theirs))
        driver = await stack.enter_async_context(async_playwright())
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        stack.push_async_callback(browser.close)
        yield Stage(town, await browser.new_page(), elsewhere)


async def test_a_person_walks_from_the_link_to_the_account(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        [path] = await stage.town.invite(Wanted("lumen"))
        complaints: list[str] = []
        stage.tab.on("console", lambda message: complaints.append(message.text))
        await stage.tab.goto(stage.town.house.public_url + path)
        await stage.tab.get_by_role("button", name="Continue to Lumen").click()
        await stage.tab.get_by_role("heading", name="@acme is connected").wait_for()
        assert stage.tab.url.startswith(f"{stage.town.house.public_url}/consent/")
        assert not [said for said in complaints if "Content Security Policy" in said]
        assert len(await stage.town.rows(Connection)) == 1


async def test_another_site_can_neither_frame_nor_press(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        [path] = await stage.town.invite(Wanted("lumen"))
        victim = stage.town.house.public_url + path
        await stage.tab.goto(victim)  # the cookie is there
        async with stage.tab.expect_console_message(lambda said: "frame-ancestors" in said.text):
            await stage.tab.goto(f"{stage.elsewhere}/thief?{urlencode({'victim': victim})}")
        await stage.tab.get_by_role("button", name="Win").click()
        await stage.tab.get_by_role("heading", name="not pressed on our page").wait_for()
        assert await stage.town.rows(Consent) == []
