"""What the world sees of the platforms: a post at its address, the face of an account.

No platform's page looks like this one, and no client may rely on it: it is there to be looked at.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from sandbox.platforms.core import html
from sandbox.platforms.model import Post
from sandbox.world import PlatformWorld

FACE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 44 44"><rect width="44" height="44" '
    'fill="#f2d9a0"/>'
    '<circle cx="22" cy="17" r="8" fill="#7a4a00"/><path d="M6 44a16 16 0 0 1 32 0" fill="#7a4a00"/></svg>'
)


SITES = frozenset(
    ["x.com"]
    + [
        f"www.{name}.com"
        for name in ("facebook", "instagram", "threads", "tiktok", "youtube", "linkedin", "pinterest")
    ]
)
"""Where posts can be looked at."""


class PublicRoute(Route):
    """`/HOST/PATH` of something that anybody may see; every other address is left to the twins."""

    def __init__(self, world: PlatformWorld) -> None:
        super().__init__("/{address:path}", self._show, methods=["GET"])
        self._world = world

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Only what is public, and only to be read."""
        match, child = super().matches(scope)
        if match is Match.FULL and self._found(Request({**scope, **child})) is not None:
            return match, child
        return Match.NONE, {}

    def _found(self, request: Request) -> Post | str | None:
        address = str(request.path_params["address"])
        host, _, path = address.partition("/")
        if host == "graph.facebook.com" and path.endswith("/picture") and path.count("/") == 1:
            return FACE
        if host not in SITES:
            return None
        query = f"?{request.url.query}" if request.url.query else ""
        wanted = f"https://{address.rstrip('/')}{query}"
        posts = self._world.posts.values()
        return next((one for one in posts if one.permalink.rstrip("/") == wanted and not one.deleted), None)

    async def _show(self, request: Request) -> Response:
        found = self._found(request)
        if not isinstance(found, Post):
            return Response(FACE, media_type="image/svg+xml")
        account = self._world.accounts[found.platform, found.account]
        pictures = [one for one in found.media if urlsplit(one).scheme in ("http", "https")]
        return html("post.html", post=found, account=account, pictures=pictures)


def create_public_routes(world: PlatformWorld) -> list[BaseRoute]:
    """One route, before the twins' own: a host's unknown paths are theirs to refuse."""
    return [PublicRoute(world)]


__all__ = ["create_public_routes"]
