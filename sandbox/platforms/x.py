"""The twin of X: its two hosts, and who-am-I (x facts §1)."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from sandbox.platforms import x_media, x_oauth, x_posts
from sandbox.platforms.core import Call, endpoint, host
from sandbox.platforms.x_problems import MANNERS, Limits, listed, only, unknown
from sandbox.world import PlatformWorld

USER_FIELDS = frozenset(
    [
        "id",
        "name",
        "username",
        "created_at",
        "description",
        "location",
        "pinned_tweet_id",
        "profile_image_url",
        "protected",
        "public_metrics",
        "subscription_type",
        "url",
        "verified",
        "verified_type",
    ]
)


def routes(world: PlatformWorld) -> list[BaseRoute]:
    """`x.com` with the consent page, `api.x.com` with all else."""
    limits, uploads = Limits(), x_media.Uploads()

    async def me(call: Call) -> Response:
        return await _me(call, limits)

    api = [
        *x_oauth.token_routes(world),
        endpoint(world, MANNERS, "/2/users/me", "GET", "probe", me),
        *x_posts.routes(world, limits, uploads),
        *x_media.routes(world, limits, uploads),
    ]
    return [
        host("x.com", x_oauth.authorize_routes(world), unknown),
        host("api.x.com", api, unknown),
    ]


async def _me(call: Call, limits: Limits) -> Response:
    await x_oauth.authorized(call, "tweet.read", "users.read")
    limits.count(call, "me", 75)
    only(call, "user.fields", "expansions", "tweet.fields")
    wanted = listed(call, "user.fields", USER_FIELDS)
    account = call.who()
    everything = {
        "id": account.id,
        "name": account.name,
        "username": account.handle,
        "profile_image_url": account.picture,
        "verified": bool(account.extra.get("verified", False)),
        "verified_type": account.extra.get("verified_type", "none"),
        "protected": False,
        "description": account.extra.get("description", ""),
    }
    shown = wanted | {"id", "name", "username"}
    return JSONResponse({"data": {key: value for key, value in everything.items() if key in shown}})
