"""The page's addresses."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
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


def _same(address: str) -> str:
    return address


def create_page_routes(
    world: SlackWorld, panels: Sequence[Panel] = (), rewrite_link: Rewrite = _same
) -> list[BaseRoute]:
    """`/` and what it needs under `/page/`.

    `rewrite_link` turns the addresses in messages into ones that this browser can open (a platform's twin
    instead of the platform).
    """
    loader = jinja2.FileSystemLoader(HERE / "templates")
    pages = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )

    def boxes() -> list[tuple[Panel, Markup]]:
        return [(panel, panel.render()) for panel in panels]

    async def show(request: Request) -> Response:
        window = open_window(world, dict(request.query_params), rewrite_link)
        html = pages.get_template("page.html").render(
            w=window, panels=boxes(), version=_version(world, boxes)
        )
        return HTMLResponse(html, headers={"Cache-Control": "no-store"})

    async def version(_request: Request) -> Response:
        return PlainTextResponse(_version(world, boxes), headers={"Cache-Control": "no-store"})

    async def options(request: Request) -> Response:
        return await suggest(world, request)

    async def file(request: Request) -> Response:
        stored = world.files.get(request.path_params["file_id"])
        if stored is None:
            return Response("There is no such file.", 404)
        inline = stored.mimetype in {"image/jpeg", "image/png", "image/gif", "video/mp4"}
        headers = {"X-Content-Type-Options": "nosniff"} | (
            {} if inline else {"Content-Disposition": "attachment"}
        )
        return Response(stored.content, media_type=stored.mimetype, headers=headers)

    return [
        Route("/", show),
        Route("/page/version", version),
        Route("/page/options", options),
        Route("/page/file/{file_id}", file),
        Route("/page/act/{act}", ActionEndpoint(world).__call__, methods=["POST"]),
        Mount("/page/static", StaticFiles(directory=HERE / "static")),
    ]


def _version(world: SlackWorld, boxes: Callable[[], list[tuple[Panel, Markup]]]) -> str:
    """Changes whenever something on the page may have."""
    inside = "".join(html for _, html in boxes())
    return f"{world.version}-{zlib.crc32(inside.encode())}"
