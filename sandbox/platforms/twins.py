"""All twins together. A new platform's twin is one line in `create_platform_routes`."""

from __future__ import annotations

from starlette.routing import BaseRoute

from sandbox.platforms import facebook, instagram, linkedin, pinterest, threads, tiktok, x, youtube
from sandbox.platforms.fetch import Fetcher
from sandbox.world import PlatformWorld


def create_platform_routes(world: PlatformWorld, *, fetcher: Fetcher | None = None) -> list[BaseRoute]:
    """Routes `/HOST/...` for every platform; `fetcher` gets media by address (default: loopback only)."""
    return [
        *x.routes(world),
        *instagram.routes(world, fetcher),
        *facebook.routes(world, fetcher),
        *threads.routes(world, fetcher),
        *tiktok.routes(world, fetcher),
        *youtube.routes(world),
        *linkedin.routes(world),
        *pinterest.routes(world, fetcher),
    ]
