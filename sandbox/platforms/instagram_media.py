"""Instagram's publishing: containers, their polls, publish, lists, quota (meta facts §3.6).

The public functions are the grammar that both ways in share: each gets a call that is already known to be
about its Instagram account. `routes` are those of Instagram's own login.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.platforms.containers import (
    VIDEO_POLLS,
    Container,
    Containers,
    listed_ids,
    new_id,
    posted_in_a_day,
)
from sandbox.platforms.core import Call, endpoint
from sandbox.platforms.faults import Fault
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
from sandbox.platforms.meta import authorized, bad_parameter, next_page, no_object, parameters, picked, usage
from sandbox.platforms.model import Post
from sandbox.world import PlatformWorld

PRODUCTS = {"IMAGE": "FEED", "VIDEO": "FEED", "REELS": "REELS", "STORIES": "STORY", "CAROUSEL": "FEED"}


Handler = Callable[[Call, Mapping[str, str], Containers], Awaitable[Response]]


def routes(world: PlatformWorld, prefix: str, containers: Containers) -> list[Route]:
    """The publishing endpoints under one version's prefix."""

    def route(path: str, method: str, group: str, handler: Handler, *needed: str) -> Route:
        async def run(call: Call) -> Response:
            given = await parameters(call.request)
            await _enter(call, given, BASIC, *needed)
            return await handler(call, given, containers)

        async def by_id(request: Request) -> str:
            return "prepare" if containers.holds(str(request.path_params["id"])) else "probe"

        return endpoint(world, MANNERS, prefix + path, method, group or by_id, run)

    return [
        route("/{ig}/media", "POST", "prepare", create, PUBLISH),
        route("/{ig}/media", "GET", "probe", list_posts),
        route("/{ig}/media_publish", "POST", "publish", publish, PUBLISH),
        route("/{ig}/content_publishing_limit", "GET", "probe", show_limit),
        route("/{id}", "GET", "", show),
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


async def create(call: Call, given: Mapping[str, str], containers: Containers) -> Response:
    """Make a container."""
    kind, child = given.get("media_type", "IMAGE"), given.get("is_carousel_item", "") in ("true", "1")
    if kind not in PRODUCTS or (kind == "VIDEO" and not child) or (child and kind not in ("IMAGE", "VIDEO")):
        raise UNKNOWN_TYPE.refused()
    caption = "" if child else given.get("caption", "")
    check_caption(caption)
    if kind == "CAROUSEL":
        container = _carousel(call, containers, given, caption)
    else:
        container = await _single(call, containers, given, kind, caption, child)
    return JSONResponse({"id": containers.begin(call, container).id})


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
        id=new_id(call),
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
    names = listed_ids(given.get("children", ""))
    if not 2 <= len(names) <= 10:
        raise CAROUSEL.refused()
    children = [containers.find(call, name) for name in names]
    found = [child for child in children if child is not None and child.child]
    if len(found) != len(names) or any(child.state in ("EXPIRED", "ERROR") for child in found):
        raise NOT_FOUND.refused()
    if any(child.state != "FINISHED" for child in found):
        raise NOT_READY.refused()
    return Container(
        id=new_id(call),
        account=call.account,
        kind="CAROUSEL",
        media=tuple(address for child in found for address in child.media),
        caption=caption,
        made_at=call.world.now(),
        polls=0,
    )


async def publish(call: Call, given: Mapping[str, str], containers: Containers) -> Response:
    """Make a finished container a post."""
    if not given.get("creation_id"):
        raise bad_parameter("The parameter creation_id is required")
    container = containers.find(call, given["creation_id"])
    if container is None or container.child or container.state in ("PUBLISHED", "EXPIRED", "ERROR"):
        raise NOT_FOUND.refused()
    if container.state != "FINISHED":
        raise NOT_READY.refused()
    if posted_in_a_day(call) >= QUOTA:
        raise CAP.refused()
    id, code = new_id(call), secrets.token_urlsafe(8)
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


async def show(call: Call, given: Mapping[str, str], containers: Containers) -> Response:
    """Show a container (which counts as a poll), a post, or the account."""
    id = str(call.request.path_params["id"])
    if container := containers.find(call, id):
        return JSONResponse(
            picked(call, _container_fields(containers.poll(call, container, _broken)), ["id"])
        )
    post = call.world.posts.get(("instagram", id))
    if post is not None and not post.deleted and post.account == call.account:
        return JSONResponse(picked(call, _post_fields(call, post), ["id"]))
    if id in (call.account, app_scoped(call.who())):
        return JSONResponse(picked(call, account_fields(call), ["id"]))
    raise no_object(id)


def _broken(fault: Fault) -> str:
    return failed(int(fault.value or 2207082))


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


async def list_posts(call: Call, given: Mapping[str, str], containers: Containers) -> Response:
    """The account's posts, newest first, in pages."""
    limit, after = given.get("limit", "25"), given.get("after", "0")
    if not limit.isdecimal() or not 1 <= int(limit) <= 100 or not after.isdecimal():
        raise bad_parameter("The parameters limit and after must be valid")
    posts, start = call.world.posts_of("instagram", call.account), int(after)
    page = posts[start : start + int(limit)]
    body: dict[str, Any] = {"data": [picked(call, _post_fields(call, post), ["id"]) for post in page]}
    if page:
        cursors = {"before": str(start), "after": str(start + len(page))}
        body["paging"] = {"cursors": cursors}
        if len(posts) > start + len(page):
            body["paging"]["next"] = next_page(call, cursors["after"])
    return JSONResponse(body)


async def show_limit(call: Call, given: Mapping[str, str], containers: Containers) -> Response:
    """The daily quota."""
    fields = {
        "config": {"quota_total": QUOTA, "quota_duration": 86_400},
        "quota_usage": posted_in_a_day(call),
    }
    return JSONResponse({"data": [picked(call, fields, ["quota_usage"])]})
