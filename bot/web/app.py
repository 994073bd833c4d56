"""The web application: our pages and probes, Slack's routes beside them, and what surrounds them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus

from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from bot.domain.house import House
from bot.outbound import Rewriter
from bot.web.door import Door
from bot.web.guard import Guard
from bot.web.install import Office, install_routes
from bot.web.middleware import BodyCap, LastResort, RequestLog, SecurityHeaders
from bot.web.pages import Pages
from bot.web.routes import web_routes
from bot.web.service import Check, Vitals

SLACK_PREFIX = "/slack/"
SLACK_BODY_MAX = 1024 * 1024  # bytes: a modal with all that Slack allows in it stays well below


def build_web(
    house: House,
    *,
    rewriter: Rewriter,
    slack_routes: Sequence[BaseRoute],
    checks: Mapping[str, Check],
    registry: CollectorRegistry,
    metrics_token: SecretStr | None = None,
    office: Office | None = None,
) -> Starlette:
    """Everything that listens. `checks` are what `/readyz` asks, by name (see bot.web.service). `office` is
    there where many workspaces install the bot themselves."""
    pages = Pages(rewriter)
    vitals = Vitals(checks, registry, metrics_token)
    routes = web_routes(house, rewriter=rewriter, pages=pages, vitals=vitals)
    if office is not None:
        routes += install_routes(Door(house, rewriter, pages, Guard(house.public_url)), office)
    app = Starlette(
        routes=[*slack_routes, *routes],
        middleware=[
            Middleware(RequestLog),
            Middleware(SecurityHeaders),
            Middleware(LastResort, page=_page(pages, HTTPStatus.INTERNAL_SERVER_ERROR)),
            Middleware(
                BodyCap,
                page=_page(pages, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
                larger={SLACK_PREFIX: SLACK_BODY_MAX},
            ),
        ],
        exception_handlers={HTTPException: _http_error(pages)},
    )
    app.router.redirect_slashes = False  # it would believe the Host header
    return app


def _page(pages: Pages, status: HTTPStatus) -> Callable[[Request], Response]:
    def page(_: Request) -> Response:
        return pages.by_status(status)

    return page


def _http_error(pages: Pages) -> Callable[[Request, Exception], Response]:
    def page(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        answer = pages.by_status(error.status_code)
        answer.headers.update(error.headers or {})
        return answer

    return page
