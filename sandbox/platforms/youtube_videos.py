"""YouTube's videos once all bytes are there: processing, lists, thumbnails, deletion (YouTube facts §3.5)."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.platforms.clients import content_type
from sandbox.platforms.core import Call, endpoint
from sandbox.platforms.images import kind_of
from sandbox.platforms.model import Post
from sandbox.platforms.youtube_manners import (
    MANNERS,
    READ,
    UPLOAD,
    Quotas,
    authorized,
    need_channel,
    parts_of,
    refused,
)
from sandbox.world import PlatformWorld

POLLS = 1  # how often a video is seen in processing
SLOW_POLLS = 5
BIGGEST_THUMBNAIL = 2 * 1024 * 1024
VIDEO_PARTS = dict.fromkeys(("id", "snippet", "status", "processingDetails"))
REJECTIONS = frozenset(
    [
        "claim",
        "copyright",
        "duplicate",
        "inappropriate",
        "length",
        "termsOfUse",
        "trademark",
        "uploaderAccountClosed",
        "uploaderAccountSuspended",
    ]
)


@dataclass
class Processing:
    """What still happens to a video: `polls` before it is over, and the reason it fails, if it does."""

    polls: int
    fail: str = ""


def routes(world: PlatformWorld, quotas: Quotas) -> list[Route]:
    """The endpoints of finished videos."""

    def route(
        path: str, method: str, group: str, handler: Callable[[Call, Quotas], Awaitable[Response]]
    ) -> Route:
        async def run(call: Call) -> Response:
            return await handler(call, quotas)

        return endpoint(world, MANNERS, path, method, group, run)

    return [
        route("/youtube/v3/videos", "GET", "probe", _list),
        route("/youtube/v3/videos", "DELETE", "publish", _delete),
        route("/upload/youtube/v3/thumbnails/set", "POST", "prepare", _thumbnail),
    ]


def create_video(
    call: Call, client_id: str, snippet: Mapping[str, Any], status: Mapping[str, Any], head: bytes
) -> str:
    """Make a video of an upload whose last byte came; returns its id."""
    app = call.world.apps["youtube", client_id]
    forced = not app.reviewed or call.fault("unreviewed") is not None
    slow, broken = call.fault("container_slow"), call.fault("container_error")
    playable = kind_of(head) == "video/mp4" or head.startswith(b"\x1a\x45\xdf\xa3")
    fail = (broken.text or "codec") if broken else ("" if playable else "invalidFile")
    id, wanted = secrets.token_urlsafe(8), str(status.get("privacyStatus", "public"))
    privacy = "private" if forced else wanted
    call.world.add_post(
        call.who(),
        id,
        str(snippet["title"]),
        shown=str(snippet["title"]),
        media=(id,),
        permalink=f"https://www.youtube.com/watch?v={id}",
        extra={
            "snippet": snippet,
            "status": {**status, "privacyStatus": privacy},
            "processing": Processing(POLLS + (int(slow.value or SLOW_POLLS) if slow else 0), fail),
        },
        privacy=privacy,
        asked_privacy=wanted,
        description=str(snippet.get("description", "")),
    )
    return id


def video_resource(call: Call, id: str, parts: list[str]) -> dict[str, Any]:
    """The video as the API shows it, with these parts."""
    post = call.world.posts["youtube", id]
    everything: dict[str, Any] = {
        "snippet": _snippet(call, post),
        "status": _status(post),
        "processingDetails": _details(post),
    }
    shown = {part: everything[part] for part in parts if part in everything}
    return {"kind": "youtube#video", "etag": f"e{id}", "id": id, **shown}


def _snippet(call: Call, post: Post) -> dict[str, Any]:
    account, snippet = call.world.accounts["youtube", post.account], post.extra["snippet"]
    return {
        "publishedAt": post.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "channelId": account.id,
        "title": snippet["title"],
        "description": snippet.get("description", ""),
        "channelTitle": account.name,
        "tags": snippet.get("tags", []),
        "categoryId": snippet.get("categoryId", "22"),
    }


def _status(post: Post) -> dict[str, Any]:
    work: Processing = post.extra["processing"]
    shown: dict[str, Any] = {"uploadStatus": "uploaded", **post.extra["status"]}
    if work.polls > 0:
        return shown
    if work.fail in REJECTIONS:
        return {**shown, "uploadStatus": "rejected", "rejectionReason": work.fail}
    if work.fail:
        return {**shown, "uploadStatus": "failed", "failureReason": work.fail}
    return {**shown, "uploadStatus": "processed"}


def _details(post: Post) -> dict[str, Any]:
    work: Processing = post.extra["processing"]
    if work.polls > 0:
        return {"processingStatus": "processing"}
    return {"processingStatus": "failed" if work.fail else "succeeded"}


async def _list(call: Call, quotas: Quotas) -> Response:
    grant = await authorized(call, READ)
    parts = parts_of(call, VIDEO_PARTS)
    quotas.count(call, grant, "general", 1)
    ids = [id for id in call.request.query_params.get("id", "").split(",") if id]
    if not ids:
        raise refused(400, "missingRequiredParameter", "No filter selected.", "youtube.parameter")
    items = []
    for id in ids[:50]:
        post = call.world.posts.get(("youtube", id))
        if post is None or post.deleted:
            continue
        own = post.account == call.account
        if not own and post.extra["status"]["privacyStatus"] == "private":
            continue
        if not own and "processingDetails" in parts:
            raise refused(
                403, "forbidden", "The part processingDetails is for the owner only.", "youtube.video"
            )
        items.append(video_resource(call, id, parts))
        work: Processing = post.extra["processing"]
        work.polls = max(0, work.polls - 1)
    page = {"totalResults": len(items), "resultsPerPage": len(items)}
    return JSONResponse({"kind": "youtube#videoListResponse", "items": items, "pageInfo": page})


def _own_video(call: Call, id: str) -> Post:
    post = call.world.posts.get(("youtube", id))
    if post is None or post.deleted:
        raise refused(
            404, "videoNotFound", "The video that you are looking for cannot be found.", "youtube.video"
        )
    if post.account != call.account:
        raise refused(
            403, "forbidden", "The video does not belong to the authenticated user.", "youtube.video"
        )
    return post


async def _delete(call: Call, quotas: Quotas) -> Response:
    grant = await authorized(call)
    quotas.count(call, grant, "general", 50)
    post = _own_video(call, call.request.query_params.get("id", ""))
    call.world.delete_post("youtube", post.id, by="app")
    return Response(status_code=204)


async def _thumbnail(call: Call, quotas: Quotas) -> Response:
    grant = await authorized(call, UPLOAD)
    need_channel(call)
    quotas.count(call, grant, "general", 50)
    _own_video(call, call.request.query_params.get("videoId", ""))
    if not call.who().extra.get("phone_verified", True):
        message = "The authenticated user doesn't have permissions to upload and set custom video thumbnails."
        raise refused(403, "forbidden", message, "youtube.thumbnail")
    data = await call.request.body()
    if call.request.query_params.get("uploadType") != "media" or not data:
        message = "The request does not include the image content."
        raise refused(400, "mediaBodyRequired", message, "youtube.thumbnail")
    declared = content_type(call.request)
    if kind_of(data) not in ("image/jpeg", "image/png") or declared != kind_of(data):
        raise refused(
            400, "imageFormatUnsupported", "The image format is not supported.", "youtube.thumbnail"
        )
    if len(data) > BIGGEST_THUMBNAIL:
        raise refused(400, "imageTooTall", "The image is too large.", "youtube.thumbnail")
    return JSONResponse({"kind": "youtube#thumbnailSetResponse", "items": [{"default": {"url": ""}}]})
