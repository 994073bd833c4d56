"""Promise 5 in a real browser: the walk of a person, and what a stranger's page can make of it."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from playwright.async_api import BrowserContext, Page, async_playwright
from sqlalchemy import func, select
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from bot.running import listening
from sandbox.agency import Morning, links_in
from sandbox.demo import running
from sandbox.slack.testing import QuietServer
from sandbox.visitor import Page as Shown
from sandbox.visitor import Visitor
from storage.models import Connection, Consent
from storage.models.base import Base
from tests.e2e.office import Office

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]

pytestmark = [
    pytest.mark.timeout(90),
    pytest.mark.xdist_group("chromium"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: install it, or name it in CHROMIUM"),
]


@asynccontextmanager
async def window() -> AsyncIterator[BrowserContext]:
    """A fresh browser without cookies."""
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield await browser.new_context(viewport={"width": 1280, "height": 900})
        finally:
            await browser.close()


@asynccontextmanager
async def open_office(folder: Path) -> AsyncIterator[Office]:
    async with running(0, folder, history=False) as demo:
        office = Office(demo)
        await Morning(demo.sandbox, demo.agency, demo.advanced).set_up(office.maria)
        yield office


@asynccontextmanager
async def strange_page(html: str, host: str) -> AsyncIterator[str]:
    """Another site with one page; `localhost` is another site than 127.0.0.1, another port is not."""
    listener = listening("127.0.0.1", 0)
    app = Starlette(routes=[Route("/", lambda _: HTMLResponse(html))])
    server = QuietServer(uvicorn.Config(app, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://{host}:{listener.getsockname()[1]}/"
    finally:
        server.should_exit = True
        await serving
        listener.close()


async def count(office: Office, model: type[Base]) -> int:
    async with office.demo.app.house.db.read() as session:
        return int(await session.scalar(select(func.count()).select_from(model)) or 0)


async def shot(tab: Page, folder: Path, name: str) -> None:
    await tab.screenshot(path=folder / f"{name}.png", full_page=True)


def submitting(page: Shown) -> str:
    """A page that sends a copy of this page's form as soon as it is loaded."""
    form = page.forms[0]
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in form.fields
    )
    script = "<script>document.forms[0].submit()</script>"
    return f'<form method="post" action="{escape(form.action)}">{fields}</form>{script}'


async def invited(office: Office) -> str:
    """`/connect x bakery`; the link, once it stands in the channel."""
    maria, channel = office.maria, office.channel.id
    await maria.command("/connect", "x bakery", channel)
    await office.demo.sandbox.slack.until(lambda: bool(links_in(maria, channel)), 20)
    return links_in(maria, channel)[0]


async def test_the_walk_from_the_link_to_the_result(tmp_path: Path) -> None:
    async with open_office(tmp_path) as office, window() as browser:
        link = await invited(office)
        tab = await browser.new_page()
        await walk(tab, link, tmp_path)
        await office.demo.settled()
        assert await count(office, Connection) == 1
        assert "code=" not in tab.url and "state=" not in tab.url
        assert "@bakery" in office.roots()[-1].text


async def walk(tab: Page, link: str, shots: Path) -> None:
    """The link's page, its button, the platform's consent, the result."""
    await tab.goto(link)
    await shot(tab, shots, "1-invitation")
    await tab.get_by_role("button", name="Continue to X").click()
    await tab.wait_for_selector("[data-testid=approve]")
    await shot(tab, shots, "2-consent")
    await tab.click("[data-testid=as-bakery]")
    await tab.get_by_role("heading", name="is connected").wait_for()
    await shot(tab, shots, "3-result")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_strangers_page_that_submits_the_invitation_links_nothing(tmp_path: Path, host: str) -> None:
    """The stranger has the link, and the form as he was given it; the visitor has the page's cookie."""
    async with open_office(tmp_path) as office, window() as browser:
        link = await invited(office)
        async with Visitor() as stranger:
            html = submitting(await stranger.open(link))
        tab = await browser.new_page()
        await tab.goto(link)  # so that there is a cookie to misuse
        async with strange_page(html, host) as trap:
            async with tab.expect_navigation(url=f"**{urlsplit(link).path}"):
                await tab.goto(trap)
            await tab.get_by_role("heading").first.wait_for()
        await shot(tab, tmp_path, f"4-stranger-{host}")
        assert await count(office, Consent) == 0 and await count(office, Connection) == 0
        assert await tab.get_by_role("button", name="Continue to X").count() == 0
        await walk(tab, link, tmp_path)  # the visitor's own walk is none the worse for it
        assert await count(office, Connection) == 1


async def test_a_strangers_own_callback_in_a_visitors_browser_links_nothing(tmp_path: Path) -> None:
    """He consents with his account, keeps the callback back, and leads somebody else there."""
    async with open_office(tmp_path) as office, window() as browser:
        link = await invited(office)
        callback = await kept_back(link)
        tab = await browser.new_page()
        await tab.goto(link)
        html = f'<meta http-equiv="refresh" content="0;url={escape(callback)}">'
        async with strange_page(html, "localhost") as trap:
            await tab.goto(trap)
            await tab.wait_for_url(f"{office.demo.app.house.public_url}/**")
            await tab.get_by_role("heading").first.wait_for()
        await shot(tab, tmp_path, "5-callback")
        assert await count(office, Connection) == 0
        await walk(tab, link, tmp_path)
        assert await count(office, Connection) == 1


async def kept_back(link: str) -> str:
    """The address of the callback of a stranger's own walk, which his browser did not follow."""
    async with httpx.AsyncClient(trust_env=False) as http:
        page = await http.get(link)
        form = Shown(link, page.status_code, page.text).forms[0]
        origin = f"{urlsplit(link).scheme}://{urlsplit(link).netloc}"
        sent = await http.post(form.action, data=dict(form.fields), headers={"origin": origin})
        consented = await http.post(sent.headers["location"], data={"as": "102"})
    callback = str(consented.headers["location"])
    assert "code=" in callback
    return callback


async def test_the_demos_page_works_with_command_button_and_modal(tmp_path: Path) -> None:
    async with open_office(tmp_path) as office, window() as browser:
        tab = await browser.new_page()
        faults: list[str] = []
        tab.on("pageerror", lambda error: faults.append(str(error)))
        await tab.goto(f"{office.demo.sandbox.base}/")
        await tab.click("[data-testid=modal-close]")  # set-up has ended with a word of its own
        await tab.click("[data-testid=channel-bakery]")
        await typed(tab, "/connect x bakery")
        button = tab.locator("[data-testid=message] button[data-url*='/connect/']").last
        await button.wait_for()
        await shot(tab, tmp_path, "6-invited")
        async with browser.expect_page() as opened:
            await button.click()
        visitor = await opened.value
        await walk(visitor, visitor.url, tmp_path)
        await tab.bring_to_front()
        await tab.get_by_text("@bakery").first.wait_for()

        await typed(tab, "/post")
        await tab.fill("[data-testid='composer.text']", "Typed in a browser")
        await shot(tab, tmp_path, "7-composer")
        await tab.click("[data-testid=modal-submit]")
        await tab.locator("[data-testid=modal]", has_text="Queued").wait_for()
        await shot(tab, tmp_path, "8-queued")
        await office.demo.settled()
        assert len(office.published("Typed in a browser", "x")) == 1
        assert faults == []


async def typed(tab: Page, text: str) -> None:
    await tab.fill("[data-testid=composer]", text)
    await tab.click("[data-testid=send]")


async def test_the_demo_leaves_everything_in_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make demo` throws its folder away: what it keeps elsewhere would stay on the person's disk."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    async with running(0, tmp_path, history=False):
        assert (tmp_path / "demo.db").exists()
    assert not list(elsewhere.iterdir())
