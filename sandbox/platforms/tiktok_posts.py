"""TikTok's publishing: what a creator may choose, init calls, and their status (TikTok facts §2.5)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.platforms.core import Call, endpoint
from sandbox.platforms.fetch import Fetcher, Unfetchable
from sandbox.platforms.images import kind_of
from sandbox.platforms.model import App, Grant
from sandbox.platforms.tiktok_checks import (
    MOST_PHOTOS,
    check_address,
    check_chunks,
    check_info,
    privacy_options,
    typed,
)
from sandbox.platforms.tiktok_manners import (
    MANNERS,
    Limits,
    authorized,
    invalid,
    json_object,
    ok,
    refused,
    reviewed,
)
from sandbox.platforms.tiktok_upload import Publish, Publishes, accept, upload_address
from sandbox.world import PlatformWorld

PENDING_DRAFTS, DIRECT_POSTS = 5, 15  # per creator and 24 hours
BIGGEST_PHOTO = 20 * 1024 * 1024
SOURCE = {"source": str, "video_size": int, "chunk_size": int, "total_chunk_count": int, "video_url": str}
PHOTO_SOURCE = {"source": str, "photo_images": list, "photo_cover_index": int}
STEPS = {"VIDEO": "v_pub", "PHOTO": "p_pub", "INBOX": "v_inbox"}


@dataclass(frozen=True)
class Desk:
    """What the publishing endpoints share."""

    limits: Limits
    publishes: Publishes
    fetcher: Fetcher


def routes(world: PlatformWorld, limits: Limits, publishes: Publishes, fetcher: Fetcher) -> list[Route]:
    """The publishing endpoints."""
    desk, base = Desk(limits, publishes, fetcher), "/v2/post/publish"

    def route(
        path: str,
        group: str | Callable[[Request], Awaitable[str]],
        handler: Callable[[Call, Desk], Awaitable[Response]],
    ) -> Route:
        async def run(call: Call) -> Response:
            return await handler(call, desk)

        return endpoint(world, MANNERS, base + path, "POST", group, run)

    return [
        route("/creator_info/query/", "prepare", _creator),
        route("/video/init/", _init_group, _video),
        route("/inbox/video/init/", "prepare", _inbox),
        route("/content/init/", "publish", _photos),
        route("/status/fetch/", "probe", _status),
    ]


async def _init_group(request: Request) -> str:
    """Pulled media is published by the init call itself, a file by its last chunk."""
    try:
        body = json.loads(await request.body())
        return "publish" if body["source_info"]["source"] == "PULL_FROM_URL" else "prepare"
    except (ValueError, KeyError, TypeError):
        return "prepare"


async def _creator(call: Call, desk: Desk) -> Response:
    grant = await authorized(call, "video.publish")
    desk.limits.count(call, "creator", 20)
    await json_object(call)
    account = call.who()
    return ok(
        call,
        creator_avatar_url=account.picture,
        creator_username=account.handle,
        creator_nickname=account.name,
        privacy_level_options=privacy_options(call, reviewed(call, grant)),
        comment_disabled=bool(account.extra.get("comment_disabled", False)),
        duet_disabled=bool(account.extra.get("duet_disabled", False)),
        stitch_disabled=bool(account.extra.get("stitch_disabled", False)),
        max_video_post_duration_sec=int(account.extra.get("max_seconds", 600)),
    )


def _app(call: Call, grant: Grant) -> App:
    return call.world.apps["tiktok", grant.client_id]


def _room(call: Call, desk: Desk, drafts: bool) -> None:
    if drafts and desk.publishes.within_a_day(call, True) >= PENDING_DRAFTS:
        message = "The maximum of 5 pending shares within any 24-hour period is reached."
        raise refused(call, 403, "spam_risk_too_many_pending_share", message)
    if not drafts and desk.publishes.within_a_day(call, False) >= DIRECT_POSTS:
        message = "The daily post cap from the API is reached for the current user."
        raise refused(call, 403, "spam_risk_too_many_posts", message)


async def _video(call: Call, desk: Desk) -> Response:
    grant = await authorized(call, "video.publish")
    desk.limits.count(call, "init", 6)
    body = await json_object(call, "post_info", "source_info")
    text, privacy = check_info(call, grant, body.get("post_info"), photo=False)
    _room(call, desk, drafts=False)
    return await _begin_video(call, desk, grant, body, "VIDEO", text, privacy)


async def _inbox(call: Call, desk: Desk) -> Response:
    grant = await authorized(call, "video.upload")
    desk.limits.count(call, "inbox", 6)
    body = await json_object(call, "source_info")
    _room(call, desk, drafts=True)
    return await _begin_video(call, desk, grant, body, "INBOX", "", "")


async def _begin_video(
    call: Call, desk: Desk, grant: Grant, body: dict[str, Any], kind: str, text: str, privacy: str
) -> Response:
    source = typed(call, body.get("source_info"), SOURCE, "source_info")
    if source.get("source") == "PULL_FROM_URL":
        address = check_address(call, _app(call, grant), source.get("video_url"))
        publish = _new(call, kind, "url", text, privacy, (address,))
        publish = await _pull(call, desk, publish, "video_pull_failed")
        desk.publishes.keep(accept(call, publish))
        return ok(call, publish_id=publish.id)
    if source.get("source") != "FILE_UPLOAD":
        raise invalid(call, "source_info.source is invalid")
    size, chunk, chunks = check_chunks(call, source)
    address, secret = upload_address(call.world)
    publish = _new(call, kind, "file", text, privacy, ())
    desk.publishes.keep(replace(publish, secret=secret, size=size, chunk=chunk, chunks=chunks))
    return ok(call, publish_id=publish.id, upload_url=address)


async def _photos(call: Call, desk: Desk) -> Response:
    body = await json_object(call, "media_type", "post_mode", "post_info", "source_info")
    mode = body.get("post_mode")
    if body.get("media_type") != "PHOTO" or mode not in ("DIRECT_POST", "MEDIA_UPLOAD"):
        raise invalid(call, "media_type or post_mode is invalid")
    direct = mode == "DIRECT_POST"
    grant = await authorized(call, "video.publish" if direct else "video.upload")
    desk.limits.count(call, "content", 6)
    text, privacy = check_info(call, grant, body.get("post_info"), photo=True) if direct else ("", "")
    addresses = _photo_addresses(call, grant, body.get("source_info"))
    _room(call, desk, drafts=not direct)
    publish = _new(call, "PHOTO" if direct else "INBOX", "url", text, privacy, addresses)
    publish = await _pull(call, desk, publish, "photo_pull_failed")
    desk.publishes.keep(accept(call, publish))
    return ok(call, publish_id=publish.id)


def _photo_addresses(call: Call, grant: Grant, value: object) -> tuple[str, ...]:
    source = typed(call, value, PHOTO_SOURCE, "source_info")
    images, cover = source.get("photo_images", []), source.get("photo_cover_index", 0)
    if source.get("source") != "PULL_FROM_URL":
        raise invalid(call, "Photos can only be pulled from an address")
    if not 1 <= len(images) <= MOST_PHOTOS or not 0 <= cover < len(images):
        raise invalid(call, "photo_images or photo_cover_index is out of range")
    return tuple(check_address(call, _app(call, grant), address) for address in images)


def _new(call: Call, kind: str, way: str, text: str, privacy: str, media: tuple[str, ...]) -> Publish:
    prefix = STEPS[kind]
    serial = 7_400_000_000_000_000_000 + call.world.serial() * 7919
    id = f"{prefix}_{way}~v2-1.{serial}" if way == "file" else f"{prefix}_{way}~v2.{serial}"
    call.world.ledger.write("container_created", "tiktok", call.account, id=id, kind=kind)
    return Publish(
        id=id,
        account=call.account,
        kind=kind,
        text=text,
        privacy=privacy,
        media=media,
        made_at=call.world.now(),
    )


async def _pull(call: Call, desk: Desk, publish: Publish, reason: str) -> Publish:
    """Fetch what the post names; what cannot be had or used shows later, as the reason of a failure."""
    if call.fault("media_unfetchable"):
        return replace(publish, fail=reason)
    for address in publish.media:
        try:
            file = await desk.fetcher(address)
        except Unfetchable:
            return replace(publish, fail=reason)
        if reason == "photo_pull_failed":
            usable = kind_of(file.data) in ("image/jpeg", "image/webp") and len(file.data) <= BIGGEST_PHOTO
        else:
            usable = kind_of(file.data) == "video/mp4"
        if not usable:
            return replace(publish, fail="file_format_check_failed")
    return publish


async def _status(call: Call, desk: Desk) -> Response:
    await authorized(call)
    desk.limits.count(call, "status", 30)
    body = await json_object(call, "publish_id")
    publish = desk.publishes.find(str(body.get("publish_id", "")))
    if publish is None or publish.account != call.account:
        raise refused(call, 400, "invalid_publish_id", "The publish_id does not exist.")
    shown = _shown(call, publish)
    desk.publishes.keep(_stepped(publish))
    return ok(call, **shown)


def _stepped(publish: Publish) -> Publish:
    """The publish as the next poll will find it."""
    if not publish.accepted:
        return publish
    if publish.polls > 0:
        return replace(publish, polls=publish.polls - 1)
    return replace(publish, hidden=max(0, publish.hidden - 1))


def _shown(call: Call, publish: Publish) -> dict[str, Any]:
    counted = "downloaded_bytes" if publish.pulled else "uploaded_bytes"
    data: dict[str, Any] = {"status": "", "publicaly_available_post_id": [], counted: publish.received}
    if not publish.accepted or publish.polls > 0:
        data["status"] = "PROCESSING_DOWNLOAD" if publish.pulled else "PROCESSING_UPLOAD"
    elif publish.fail:
        data.update(status="FAILED", fail_reason=publish.fail)
    elif publish.kind == "INBOX":
        data["status"] = "SEND_TO_USER_INBOX"
    else:
        data["status"] = "PUBLISH_COMPLETE"
        post = call.world.posts["tiktok", publish.post]
        if publish.hidden == 0 and publish.privacy == "PUBLIC_TO_EVERYONE" and not post.deleted:
            data["publicaly_available_post_id"] = [int(publish.post)]
    return data
