"""Around every answer: one log line, the security headers, an end to errors, a cap on bodies."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.web.guard import content_policy

log = structlog.get_logger(__name__)

BODY_MAX = 64 * 1024

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": content_policy(),
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
"""What every answer carries unless its page says otherwise."""


class RequestLog:
    """One line a request: method, the route's template, status, seconds. No path, no query, no token."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.monotonic(), 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            route = getattr(scope.get("route"), "path", "-")
            seconds = round(time.monotonic() - started, 3)
            log.info("request", method=scope["method"], route=route, status=status, seconds=seconds)


class SecurityHeaders:
    """Adds what is missing of `SECURITY_HEADERS`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, add)


class LastResort:
    """An error that nobody expected: logged in full, answered with a page that says nothing of it."""

    def __init__(self, app: ASGIApp, *, page: Callable[[Request], Response]) -> None:
        self.app = app
        self.page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def watch(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception:
            log.exception("request_failed", route=getattr(scope.get("route"), "path", "-"))
            if begun:  # half an answer is out: the server must cut the line
                raise
            await self.page(Request(scope, receive))(scope, receive, send)


class BodyCap:
    """Refuses bodies over a size in bytes; `larger` gives path prefixes a cap of their own."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        page: Callable[[Request], Response],
        cap: int = BODY_MAX,
        larger: Mapping[str, int] | None = None,
    ) -> None:
        self.app = app
        self.page = page
        self.cap = cap
        self.larger = larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        cap = next((size for prefix, size in self.larger.items() if path.startswith(prefix)), self.cap)
        if _announced(scope) > cap:
            await self.page(Request(scope, receive))(scope, receive, send)
            return
        await self.app(scope, _counted(receive, cap), send)


def _announced(scope: Scope) -> int:
    """The body's announced size; absent or unreadable counts as none, for the bytes are counted too."""
    text = Headers(scope=scope).get("content-length", "")
    return int(text) if text.isdecimal() and len(text) < 20 else 0


def _counted(receive: Receive, cap: int) -> Receive:
    """`receive`, until more than `cap` bytes came: then a 413 is raised into whoever reads."""
    seen = 0

    async def count() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > cap:
            raise HTTPException(413)
        return message

    return count
