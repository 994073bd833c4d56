"""Instagram's publishing: containers, their polls, publish, lists, quota (meta facts §3.6)."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.platforms.core import Call, endpoint
from sandbox.platforms.fetch import Fetcher
from sandbox.platforms.instagram_checks import check_caption, failed, fetched
from sandbox.platforms.instagram_manners import (
    BASIC,
    CAP,
    CAROUSEL,
    MANNERS,
    NOT_FOUND,
    NOT_READY,
    PERSONAL,
    PUBLISH,
    QUOTA,
    UNKNOWN_TYPE,
    account_fields,
    app_scoped,
    professional,
)
from sandbox.platforms.meta import authorized, bad_parameter, no_object, parameters, picked, usage
from sandbox.platforms.model import Post
from sandbox.world import PlatformWorld

LIFE = timedelta(hours=24)
VIDEO_POLLS = 2  # how often a video is seen in progress
SLOW_POLLS = 5
PRODUCTS = {"IMAGE": "FEED", "VIDEO": "FEED", "REELS": "REELS", "STORIES": "STORY", "CAROUSEL": "FEED"}


@dataclass(frozen=True, kw_only=True)
class Container:
    """Media on its way. `error` is the text of a failure that shows once processing is over."""

    id: str
    account: str
    kind: str
    media: tuple[str, ...]
    caption: str
    made_at: datetime
    polls: int
    child: bool = False
    state: str = "IN_PROGRESS"
    error: str = ""


class Containers:
    """All containers of the twin, and the fetcher that gets what they name."""

    def __init__(self, fetcher: Fetcher) -> None:
        self.fetcher = fetcher
        self._held: dict[str, Container] = {}

    def keep(self, container: Container) -> Container:
        """Put a container, or its next state, in its place."""
        self._held[container.id] = container
        return container

    def find(self, call: Call, id: str) -> Container | None:
        """The caller's own container, with EXPIRED already told."""
        container = self._held.get(id)
        if container is None or container.account != call.account:
            return None
        late = call.world.now() - container.made_at >= LIFE
        if late and container.state in ("IN_PROGRESS", "FINISHED"):
            return self.keep(replace(container, state="EXPIRED"))
        return container

    def holds(self, id: str) -> bool:
        """Whether there is such a container, whoever owns it."""
        return id in self._held


def routes(world: PlatformWorld, prefix: str, containers: Containers) -> list[Route]:
    """The publishing endpoints under one version's prefix."""

    def route(
        path: str, method: str, group: str, handler: Callable[[Call, Containers], Awaitable[Response]]
    ) -> Route:
        async def run(call: Call) -> Response:
            return await handler(call, containers)

        async def by_id(request: Request) -> str:
            return "prepare" if containers.holds(str(request.path_params["id"])) else "probe"

        return endpoint(world, MANNERS, prefix + path, method, group or by_id, run)

    return [
        route("/{ig}/media", "POST", "prepare", _create),
        route("/{ig}/media", "GET", "probe", _list),
        route("/{ig}/media_publish", "POST", "publish", _publish),
        route("/{ig}/content_publishing_limit", "GET", "probe", _limit),
        route("/{id}", "GET", "", _show),
    ]


async def _enter(call: Call, given: Mapping[str, str], *needed: str) -> None:
    """Check token, scopes, account type, and that the address names the caller's own account."""
    await authorized(call, given, *needed)
    usage(call, "instagram", 1, 0)
    account = call.who()
    if not professional(account):
        raise PERSONAL.refused()
    ig = str(call.request.path_params.get("ig", "me"))
    if ig not in ("me", account.id, app_scoped(account)):
        raise no_object(ig, call.request.method.lower())


async def _create(call: Call, containers: Containers) -> Response:
    given = await parameters(call.request)
    await _enter(call, given, BASIC, PUBLISH)
    kind, child = given.get("media_type", "IMAGE"), given.get("is_carousel_item", "") in ("true", "1")
    if kind not in PRODUCTS or (kind == "VIDEO" and not child) or (child and kind not in ("IMAGE", "VIDEO")):
        raise UNKNOWN_TYPE.refused()
    caption = "" if child else given.get("caption", "")
    check_caption(caption)
    if kind == "CAROUSEL":
        container = _carousel(call, containers, given, caption)
    else:
        container = await _single(call, containers, given, kind, caption, child)
    if slow := call.fault("container_slow"):
        container = replace(container, polls=container.polls + int(slow.value or SLOW_POLLS))
    containers.keep(container)
    call.world.ledger.write("container_created", "instagram", call.account, id=container.id, kind=kind)
    return JSONResponse({"id": container.id})


async def _single(
    call: Call, containers: Containers, given: Mapping[str, str], kind: str, caption: str, child: bool
) -> Container:
    image, video = given.get("image_url", ""), given.get("video_url", "")
    moving = kind in ("REELS", "VIDEO") or (kind == "STORIES" and not image)
    address = video if moving else image
    if not address:
        raise bad_parameter(f"The parameter {'video_url' if moving else 'image_url'} is required")
    error = await fetched(call, containers.fetcher, address, moving)
    return Container(
        id=_new_id(call),
        account=call.account,
        kind=kind,
        media=(address,),
        caption="" if kind == "STORIES" else caption,
        made_at=call.world.now(),
        polls=VIDEO_POLLS if moving else 0,
        child=child,
        error=error,
    )


def _carousel(call: Call, containers: Containers, given: Mapping[str, str], caption: str) -> Container:
    names = [name for name in given.get("children", "").strip("[]").replace('"', "").split(",") if name]
    if not 2 <= len(names) <= 10:
        raise CAROUSEL.refused()
    children = [containers.find(call, name.strip()) for name in names]
    found = [child for child in children if child is not None and child.child]
    if len(found) != len(names) or any(child.state in ("EXPIRED", "ERROR") for child in found):
        raise NOT_FOUND.refused()
    if any(child.state != "FINISHED" for child in found):
        raise NOT_READY.refused()
    return Container(
        id=_new_id(call),
        account=call.account,
        kind="CAROUSEL",
        media=tuple(address for child in found for address in child.media),
        caption=caption,
        made_at=call.world.now(),
        polls=0,
    )


async def _publish(call: Call, containers: Containers) -> Response:
    given = await parameters(call.request)
    await _enter(call, given, BASIC, PUBLISH)
    if not given.get("creation_id"):
        raise bad_parameter("The parameter creation_id is required")
    container = containers.find(call, given["creation_id"])
    if container is None or container.child or container.state in ("PUBLISHED", "EXPIRED", "ERROR"):
        raise NOT_FOUND.refused()
    if container.state != "FINISHED":
        raise NOT_READY.refused()
    if _used(call) >= QUOTA:
        raise CAP.refused()
    id, code = _new_id(call), secrets.token_urlsafe(8)
    containers.keep(replace(container, state="PUBLISHED"))
    call.world.ledger.write("container_published", "instagram", call.account, id=container.id, post=id)
    call.world.add_post(
        call.who(),
        id,
        container.caption,
        shown=container.caption,
        media=container.media,
        permalink=f"https://www.instagram.com/{'reel' if container.kind == 'REELS' else 'p'}/{code}/",
        extra={"kind": container.kind, "shortcode": code},
    )
    return JSONResponse({"id": id})


async def _show(call: Call, containers: Containers) -> Response:
    await _enter(call, dict(call.request.query_params), BASIC)
    id = str(call.request.path_params["id"])
    if container := containers.find(call, id):
        return JSONResponse(picked(call, _container_fields(_polled(call, containers, container)), ["id"]))
    post = call.world.posts.get(("instagram", id))
    if post is not None and not post.deleted and post.account == call.account:
        return JSONResponse(picked(call, _post_fields(call, post), ["id"]))
    if id in (call.account, app_scoped(call.who())):
        return JSONResponse(picked(call, account_fields(call), ["id"]))
    raise no_object(id)


def _polled(call: Call, containers: Containers, container: Container) -> Container:
    """The container as this poll finds it: one step further."""
    if container.state != "IN_PROGRESS":
        return container
    if container.polls > 0:
        return containers.keep(replace(container, polls=container.polls - 1))
    if fault := call.fault("container_error"):
        return containers.keep(replace(container, state="ERROR", error=failed(int(fault.value or 2207082))))
    return containers.keep(replace(container, state="ERROR" if container.error else "FINISHED"))


def _container_fields(container: Container) -> dict[str, Any]:
    said = {
        "IN_PROGRESS": "In Progress: Media is still being processed.",
        "FINISHED": "Finished: Media has been uploaded and it is ready to be published.",
        "PUBLISHED": "Published: Media has been successfully published.",
        "EXPIRED": "Expired: The container was not published within 24 hours.",
        "ERROR": container.error,
    }
    return {"id": container.id, "status_code": container.state, "status": said[container.state]}


def _post_fields(call: Call, post: Post) -> dict[str, Any]:
    kind = str(post.extra["kind"])
    shown = {"CAROUSEL": "CAROUSEL_ALBUM", "REELS": "VIDEO", "STORIES": "IMAGE"}.get(kind, kind)
    return {
        "id": post.id,
        "caption": post.shown or None,
        "permalink": post.permalink,
        "shortcode": post.extra["shortcode"],
        "media_type": shown,
        "media_product_type": PRODUCTS[kind],
        "media_url": post.media[0],
        "timestamp": post.at.strftime("%Y-%m-%dT%H:%M:%S+0000"),
        "username": call.who().handle,
        "owner": {"id": post.account},
        "like_count": 0,
        "comments_count": 0,
    }


async def _list(call: Call, containers: Containers) -> Response:
    query = call.request.query_params
    await _enter(call, dict(query), BASIC)
    limit, after = query.get("limit", "25"), query.get("after", "0")
    if not limit.isdecimal() or not 1 <= int(limit) <= 100 or not after.isdecimal():
        raise bad_parameter("The parameters limit and after must be valid")
    posts, start = call.world.posts_of("instagram", call.account), int(after)
    page = posts[start : start + int(limit)]
    body: dict[str, Any] = {"data": [picked(call, _post_fields(call, post), ["id"]) for post in page]}
    if page:
        cursors = {"before": str(start), "after": str(start + len(page))}
        body["paging"] = {"cursors": cursors}
        if len(posts) > start + len(page):
            body["paging"]["next"] = _next(call, cursors["after"])
    return JSONResponse(body)


def _next(call: Call, after: str) -> str:
    path = call.request.url.path.partition("/graph.instagram.com/")[2]
    kept = {k: v for k, v in call.request.query_params.items() if k not in ("after", "access_token")}
    return f"https://graph.instagram.com/{path}?{urlencode({**kept, 'after': after})}"


def _used(call: Call) -> int:
    now = call.world.now()
    mine = call.world.all_posts_of("instagram", call.account)
    return sum(timedelta() <= now - post.at < LIFE for post in mine)


async def _limit(call: Call, containers: Containers) -> Response:
    await _enter(call, dict(call.request.query_params), BASIC)
    fields = {"config": {"quota_total": QUOTA, "quota_duration": 86_400}, "quota_usage": _used(call)}
    return JSONResponse({"data": [picked(call, fields, ["quota_usage"])]})


def _new_id(call: Call) -> str:
    return str(17_900_000_000_000_000 + call.world.serial() * 1009)
