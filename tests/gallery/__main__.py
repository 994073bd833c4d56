"""`make gallery`: every message, window, Home view and web page as a picture under `gallery/`."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from tests.gallery.case import Page, Payload
from tests.gallery.drawing import Stage, index, sheet, standalone
from tests.gallery.registry import CASES

OUT = Path("gallery")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
TALLEST = 4000
"""Pixels: what is longer goes on as it began."""
WIDTHS = {"phone": 390, "desktop": 900}
BATCH = 30
HANDS = 2

Files = dict[str, list[str]]


def file_name(name: str, width: str = "") -> str:
    """A case's name as a file's."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return f"{words}{f'--{width}' if width else ''}.png"


async def draw_messages(browser: Browser, payloads: dict[str, Payload], files: Files) -> None:
    """Several on one page, each cut out of it."""
    page = await browser.new_page(viewport={"width": 760, "height": 1200})
    await page.set_content(sheet(Stage(), payloads))
    for number, name in enumerate(payloads):
        box = await page.locator(f"#f{number}").bounding_box()
        assert box is not None
        file = file_name(name)
        clip = {**box, "height": min(box["height"], TALLEST)}
        await page.screenshot(path=OUT / file, clip=clip, full_page=True)  # type: ignore[arg-type]
        files[name] = [file]
    await page.close()


async def draw_pages(browser: Browser, payloads: dict[str, Payload], files: Files) -> None:
    """Web pages one by one, as a phone shows them and as a desk does."""
    for width, pixels in WIDTHS.items():
        page = await browser.new_page(viewport={"width": pixels, "height": 400})
        for name, payload in payloads.items():
            assert isinstance(payload, Page)
            await page.set_content(standalone(payload))
            tall = await page.evaluate("document.documentElement.scrollHeight")
            clip = {"x": 0, "y": 0, "width": pixels, "height": min(tall, TALLEST)}
            file = file_name(name, width)
            await page.screenshot(path=OUT / file, clip=clip, full_page=True)  # type: ignore[arg-type]
            files.setdefault(name, []).append(file)
        await page.close()


async def draw(wanted: str) -> Files:
    """Everything whose name begins with `wanted`. Clears the folder first, unless that is only a part."""
    if not wanted:
        shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(exist_ok=True)
    made = {case.name: case.make() for case in CASES if case.name.startswith(wanted)}
    topics: dict[str, dict[str, Payload]] = {}
    for name, payload in made.items():
        topics.setdefault(name.partition("/")[0], {})[name] = payload
    files: Files = {}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        free = asyncio.Semaphore(HANDS)

        async def one(batch: dict[str, Payload]) -> None:
            async with free:
                pages = any(isinstance(payload, Page) for payload in batch.values())
                await (draw_pages if pages else draw_messages)(browser, batch, files)

        batches = [
            dict(list(of.items())[at : at + BATCH])
            for of in topics.values()
            for at in range(0, len(of), BATCH)
        ]
        await asyncio.gather(*(one(batch) for batch in batches))
        await browser.close()
    (OUT / "index.html").write_text(index(topics, files), "utf-8")
    return files


def main() -> None:
    """`python -m tests.gallery [TOPIC]`"""
    if CHROMIUM is None:
        sys.exit("The gallery needs Chromium (on Debian: apt install chromium), or CHROMIUM=/path/to/it.")
    files = asyncio.run(draw(sys.argv[1] if len(sys.argv) > 1 else ""))
    print(f"{sum(map(len, files.values()))} pictures of {len(files)} cases: {OUT / 'index.html'}")


main()
