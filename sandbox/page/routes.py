"""The page's addresses."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from sandbox.page.actions import ActionEndpoint, suggest
from sandbox.page.mrkdwn import Rewrite
from sandbox.page.panels import Panel
from sandbox.page.viewing import open_window
from sandbox.slack.state import SlackWorld

HERE = Path(__file__).parent
FRESH = {"Cache-Control": "no-store"}
SHOWN_INLINE = {"image/jpeg", "image/png", "image/gif", "video/mp4"}


def _same(address: str) -> str:
    return address


class Pages:
    """The page of one world with its panels, and the small answers its script asks for."""

    def __init__(self, world: SlackWorld, panels: Sequence[Panel], rewrite_link: Rewrite) -> None:
        self.world, self.panels, self.rewrite_link = world, panels, rewrite_link
        self.templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )

    def boxes(self) -> list[tuple[Panel, Markup]]:
        """The panels with their insides."""
        return [(panel, panel.render()) for panel in self.panels]

    def stamp(self, boxes: list[tuple[Panel, Markup]]) -> str:
        """Changes whenever something on the page may have."""
        inside = "".join(html for _, html in boxes)
        return f"{self.world.version}-{zlib.crc32(inside.encode())}"

    async def show(self, request: Request) -> Response:
        """`GET /`"""
        window = open_window(self.world, dict(request.query_params), self.rewrite_link)
        boxes = self.boxes()
        page = self.templates.get_template("page.html")
        html = page.render(w=window, panels=boxes, version=self.stamp(boxes))
        return HTMLResponse(html, headers=FRESH)

    async def version(self, _request: Request) -> Response:
        """`GET /page/version`"""
        return PlainTextResponse(self.stamp(self.boxes()), headers=FRESH)

    async def options(self, request: Request) -> Response:
        """`GET /page/options`"""
        return await suggest(self.world, request)

    async def file(self, request: Request) -> Response:
        """`GET /page/file/{file_id}`: pictures and films are shown, everything else is saved."""
        stored = self.world.files.get(request.path_params["file_id"])
        if stored is None:
            return Response("There is no such file.", 404)
        headers = {"X-Content-Type-Options": "nosniff"}
        if stored.mimetype not in SHOWN_INLINE:
            headers["Content-Disposition"] = "attachment"
        return Response(stored.content, media_type=stored.mimetype, headers=headers)


def create_page_routes(
    world: SlackWorld, panels: Sequence[Panel] = (), rewrite_link: Rewrite = _same
) -> list[BaseRoute]:
    """`/` and what it needs under `/page/`.

    `rewrite_link` turns the addresses in messages into ones that this browser can open (a platform's twin
    instead of the platform).
    """
    pages = Pages(world, panels, rewrite_link)
    return [
        Route("/", pages.show),
        Route("/page/version", pages.version),
        Route("/page/options", pages.options),
        Route("/page/file/{file_id}", pages.file),
        Route("/page/act/{act}", ActionEndpoint(world).__call__, methods=["POST"]),
        Mount("/page/static", StaticFiles(directory=HERE / "static")),
    ]
