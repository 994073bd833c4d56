"""The demo page in a real browser: what only its script can do."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.async_api import async_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.page import create_page_routes
from sandbox.slack import Person, SlackWorld
from sandbox.slack.blocks import with_ids
from sandbox.slack.testing import serving
from sandbox.slack.views import make_view

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


CONFIRM = {
    "title": plain("Drop it?"),
    "text": plain("Gone then."),
    "confirm": plain("Drop"),
    "deny": plain("Keep"),
}
DROP = {"type": "button", "action_id": "drop", "text": plain("Drop"), "confirm": CONFIRM}
MODAL: dict[str, Any] = {
    "type": "modal",
    "title": plain("New post"),
    "submit": plain("Schedule"),
    "blocks": [
        {
            "type": "input",
            "block_id": "what",
            "label": plain("Text"),
            "element": {"type": "plain_text_input", "action_id": "words", "multiline": True},
        },
        {
            "type": "input",
            "block_id": "file",
            "label": plain("Picture"),
            "optional": True,
            "element": {"type": "file_input", "action_id": "f"},
        },
    ],
}


async def test_live_updates_confirm_dialogs_and_modals(tmp_path: Path) -> None:
    world = SlackWorld()
    team = world.add_team("agency", "Agency")
    install = world.install(team.id)
    ada = Person(world, world.add_user(team.id, "ada").id)
    general = world.add_channel(team.id, "general", ada.user.id, install.bot_user_id)
    world.post(general, install.bot_user_id, "x", blocks=with_ids([{"type": "actions", "elements": [DROP]}]))
    heard: list[dict[str, Any]] = []

    async def bot(request: Request) -> Response:
        payload = json.loads(parse_qs((await request.body()).decode())["payload"][0])
        heard.append(payload)
        if payload["type"] == "block_actions":
            body = {**MODAL, "blocks": with_ids(MODAL["blocks"])}
            world.modals[ada.user.id] = [make_view(world, body, ada.user.id, team.id, None)]
        return PlainTextResponse("")

    routes = [*create_page_routes(world), Route("/slack/events", bot, methods=["POST"])]
    async with serving(Starlette(routes=routes)) as url, async_playwright() as playwright:
        world.bot_url = url
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *QUIET])
        page = await browser.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        await page.goto(url)

        await page.fill("[data-testid=composer]", "half a thought")
        ada.say(general.id, "said elsewhere")
        await page.wait_for_selector("text=said elsewhere")
        assert await page.input_value("[data-testid=composer]") == "half a thought"

        await page.click("[data-testid=drop]")
        await page.click("[data-testid=confirm-no]")
        assert heard == []
        await page.click("[data-testid=drop]")
        await page.click("[data-testid=confirm-yes]")

        await page.wait_for_selector("[data-testid=modal]")
        await page.click("[data-testid=modal-submit]")
        await page.wait_for_selector("[data-testid=field-error]")
        await page.fill("[data-testid=words]", "hello")
        ada.say(general.id, "said meanwhile")
        await page.wait_for_selector("text=said meanwhile")
        cake = tmp_path / "cake.jpg"
        cake.write_bytes(b"\xff\xd8")
        await page.set_input_files("[data-testid=modal] input[type=file]", cake)
        await page.click("[data-testid=modal-submit]")
        await page.wait_for_selector("[data-testid=modal]", state="detached")
        await browser.close()
    values = heard[-1]["view"]["state"]["values"]
    assert values["what"]["words"]["value"] == "hello"
    assert values["file"]["f"]["files"][0]["name"] == "cake.jpg"
    assert faults == []
