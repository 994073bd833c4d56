"""What machines ask for: health, readiness, metrics, robots, the style sheet."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.web.pages import STYLE
from storage.crypto import digest

log = structlog.get_logger(__name__)

Check = Callable[[], Awaitable[bool]]
"""Whether one thing is well. An error or no answer within `CHECK_SECONDS` counts as no."""

CHECK_SECONDS = 5.0
STYLE_SECONDS = 86_400
PROCESS_HEADER = "X-Lamplighter-Process"
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")

ROBOTS = """\
User-agent: facebookexternalhit
Allow: /media/
Disallow: /

User-agent: *
Disallow: /
"""


@dataclass(frozen=True, slots=True)
class Vitals:
    """What is asked about this process: checks by name, metrics, and who may read them."""

    checks: Mapping[str, Check]
    registry: CollectorRegistry
    metrics_token: SecretStr | None = None


async def healthz(request: Request) -> Response:
    """GET /healthz: the process lives. `X-Lamplighter-Process` says which one answers (see `doctor`)."""
    mark = getattr(request.app.state, "process", None)
    return JSONResponse({"alive": True}, headers={PROCESS_HEADER: mark} if mark else None)


def process_mark(owner: str) -> str:
    """What a process shows of its name on leases: enough to tell it from others, not the name itself."""
    return digest(f"process {owner}")[:16]


async def readyz(vitals: Vitals, request: Request) -> Response:
    """GET /readyz: it can serve; 503 with the names of what is not well."""
    names = list(vitals.checks)
    well = await asyncio.gather(*(_is_well(name, vitals.checks[name]) for name in names))
    ready = all(well)
    status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    return JSONResponse({"ready": ready, "checks": dict(zip(names, well, strict=True))}, status)


async def _is_well(name: str, check: Check) -> bool:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except Exception as error:
        log.warning("check_failed", check=name, problem=type(error).__name__)
        return False


async def metrics(vitals: Vitals, request: Request) -> Response:
    """GET /metrics: for this machine, or with the bearer."""
    if not _may_read(vitals, request):
        return PlainTextResponse("", HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": "Bearer"})
    return Response(generate_latest(vitals.registry), media_type=CONTENT_TYPE_LATEST)


def _may_read(vitals: Vitals, request: Request) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if vitals.metrics_token is not None and scheme.lower() == "bearer":
        expected = vitals.metrics_token.get_secret_value()
        return hmac.compare_digest(given.strip().encode(), expected.encode())
    return _is_local(request)


def _is_local(request: Request) -> bool:
    """Whether this machine asks. What a proxy passed on comes from anywhere."""
    if request.client is None or any(name in request.headers for name in FORWARDED):
        return False
    try:
        peer = ipaddress.ip_address(request.client.host)
    except ValueError:
        return False
    mapped = getattr(peer, "ipv4_mapped", None)
    return (mapped or peer).is_loopback


async def robots(request: Request) -> Response:
    """GET /robots.txt: platforms may fetch media, nobody indexes anything."""
    return PlainTextResponse(ROBOTS)


async def style(request: Request) -> Response:
    """GET /static/style.css, whose address carries its version."""
    headers = {"Cache-Control": f"public, max-age={STYLE_SECONDS}"}
    return Response(STYLE, media_type="text/css", headers=headers)
