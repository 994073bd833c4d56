"""The twin of TikTok: its hosts, and who-am-I (TikTok facts §2).

An account's id is its open_id. Its `extra` may hold `private` (a private account), `options` (the privacy
levels that it offers, instead of the usual ones), `comment_disabled`, `duet_disabled`, `stitch_disabled`
and `max_seconds`. An app's `extra` may hold `verified_urls`, the prefixes that media may be pulled from.
"""

from __future__ import annotations

import hashlib

from starlette.responses import Response
from starlette.routing import BaseRoute

from sandbox.platforms import tiktok_notices, tiktok_oauth, tiktok_posts, tiktok_upload
from sandbox.platforms.core import Call, endpoint, host
from sandbox.platforms.fetch import Fetcher, HttpFetcher
from sandbox.platforms.model import Account
from sandbox.platforms.notices import Courier
from sandbox.platforms.tiktok_manners import (
    MANNERS,
    NOT_AUTHORIZED,
    Limits,
    authorized,
    invalid,
    ok,
    refused,
    unknown,
)
from sandbox.world import PlatformWorld

BASIC = ("open_id", "union_id", "avatar_url", "avatar_url_100", "avatar_large_url", "display_name")
PROFILE = ("bio_description", "profile_deep_link", "is_verified", "username")
STATS = ("follower_count", "following_count", "likes_count", "video_count")
SCOPE_OF = {
    **dict.fromkeys(BASIC, "user.info.basic"),
    **dict.fromkeys(PROFILE, "user.info.profile"),
    **dict.fromkeys(STATS, "user.info.stats"),
}


def routes(world: PlatformWorld, fetcher: Fetcher | None = None) -> list[BaseRoute]:
    """The consent page, the API, and the host that takes files; `fetcher` gets media by address."""
    limits, publishes = Limits(), tiktok_upload.Publishes()
    world.watchers["tiktok"] = tiktok_notices.watcher(world, Courier(world))

    async def me(call: Call) -> Response:
        return await _me(call, limits)

    api = [
        *tiktok_oauth.token_routes(world),
        endpoint(world, MANNERS, "/v2/user/info/", "GET", "probe", me),
        *tiktok_posts.routes(world, limits, publishes, fetcher or HttpFetcher()),
    ]
    return [
        host("www.tiktok.com", tiktok_oauth.authorize_routes(world), unknown),
        host("open.tiktokapis.com", api, unknown),
        host(tiktok_upload.HOST, tiktok_upload.routes(world, publishes), unknown),
    ]


async def _me(call: Call, limits: Limits) -> Response:
    grant = await authorized(call)
    limits.count(call, "info", 600)
    fields = [name.strip() for name in call.request.query_params.get("fields", "").split(",") if name]
    if not fields:
        raise invalid(call, "Fields is required")
    granted = call.scopes(grant)
    for name in fields:
        if name not in SCOPE_OF:
            raise invalid(call, f"Field {name} is not supported")
        if SCOPE_OF[name] not in granted:
            raise refused(call, 401, "scope_not_authorized", NOT_AUTHORIZED)
    everything = _profile(call.who())
    return ok(call, user={name: everything[name] for name in fields})


def _profile(account: Account) -> dict[str, object]:
    picture = account.picture
    return {
        "open_id": account.id,
        "union_id": hashlib.sha256(b"union" + account.id.encode()).hexdigest()[:36],
        "avatar_url": picture,
        "avatar_url_100": picture,
        "avatar_large_url": picture,
        "display_name": account.name,
        "bio_description": "",
        "profile_deep_link": f"https://vm.tiktok.com/{account.handle}/",
        "is_verified": False,
        "username": account.handle,
        "follower_count": 0,
        "following_count": 0,
        "likes_count": 0,
        "video_count": 0,
    }
