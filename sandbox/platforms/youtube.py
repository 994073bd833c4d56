"""The twin of YouTube behind Google's login: its hosts, and who-am-I (YouTube facts §3).

An account is a channel, and each is a login of its own on the consent page, as Google's chooser has it.
Its `extra` may hold `google` (the person that the channel belongs to; revoking reaches all of them),
`channel` = False (a login without a channel), `admin_blocks` (a Workspace that does not trust the app) and
`phone_verified` = False (no custom thumbnails).
"""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from sandbox.platforms import youtube_oauth, youtube_upload, youtube_videos
from sandbox.platforms.core import Call, endpoint, host
from sandbox.platforms.youtube_manners import (
    MANNERS,
    READ,
    Quotas,
    authorized,
    has_channel,
    parts_of,
    refused,
    unknown,
)
from sandbox.world import PlatformWorld

CHANNEL_PARTS = dict.fromkeys(("id", "snippet", "statistics", "status"))


def routes(world: PlatformWorld) -> list[BaseRoute]:
    """Consent, tokens, and the Data API with its uploads."""
    quotas = Quotas()
    world.watchers["youtube"] = youtube_oauth.person_watcher(world)

    async def channels(call: Call) -> Response:
        return await _channels(call, quotas)

    api = [
        endpoint(world, MANNERS, "/youtube/v3/channels", "GET", "probe", channels),
        *youtube_videos.routes(world, quotas),
        *youtube_upload.routes(world, quotas),
    ]
    return [
        host("accounts.google.com", youtube_oauth.authorize_routes(world), unknown),
        host("oauth2.googleapis.com", youtube_oauth.token_routes(world), unknown),
        host("www.googleapis.com", api, unknown),
    ]


async def _channels(call: Call, quotas: Quotas) -> Response:
    grant = await authorized(call, READ)
    parts = parts_of(call, CHANNEL_PARTS)
    quotas.count(call, grant, "general", 1)
    query = call.request.query_params
    if query.get("mine") != "true" and query.get("id") != call.account:
        raise refused(400, "missingRequiredParameter", "No filter selected.", "youtube.parameter")
    found = has_channel(call)
    body: dict[str, Any] = {
        "kind": "youtube#channelListResponse",
        "pageInfo": {"totalResults": int(found), "resultsPerPage": 5},
    }
    if found:
        body["items"] = [_channel(call, parts)]
    return JSONResponse(body)


def _channel(call: Call, parts: list[str]) -> dict[str, Any]:
    account = call.who()
    videos = len(call.world.posts_of("youtube", account.id))
    everything = {
        "snippet": {
            "title": account.name,
            "customUrl": f"@{account.handle}",
            "thumbnails": {"default": {"url": account.picture}},
        },
        "statistics": {"subscriberCount": "12", "videoCount": str(videos), "viewCount": "9"},
        "status": {"privacyStatus": "public", "isLinked": True},
    }
    shown = {part: everything[part] for part in parts if part in everything}
    return {"kind": "youtube#channel", "id": account.id, **shown}
