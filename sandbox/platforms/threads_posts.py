"""Threads' publishing: containers, publish, lists, quotas, deletion (meta facts §4.5).

Modes for what the facts leave open: `threads.me_publish` is `refused` or `served` (publishing under `me`),
`threads.permalink_host` the host of permalinks.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
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
from sandbox.platforms.core import Call, Refused, endpoint
from sandbox.platforms.faults import Fault
from sandbox.platforms.meta import authorized, bad_parameter, next_page, no_object, parameters, picked, usage
from sandbox.platforms.model import Post
from sandbox.platforms.threads_checks import check_words, fetched
from sandbox.platforms.threads_manners import (
    BASIC,
    CAP,
    DELETE,
    DELETES_A_DAY,
    MANNERS,
    NOT_FOUND,
    POSTS_A_DAY,
    PUBLISH,
    REPLIES_A_DAY,
    REPLY,
    REPLY_REFUSED,
    profile_fields,
)
from sandbox.world import PlatformWorld

SHOWN = {"TEXT": "TEXT_POST", "IMAGE": "IMAGE", "VIDEO": "VIDEO", "CAROUSEL": "CAROUSEL_ALBUM"}
DAY = 86_400
KEPT = ("reply_to_id", "reply_control", "link_attachment", "topic_tag", "alt_text", "quote_post_id")
THREADS_ERROR = "THApiException"

Handler = Callable[[Call, Mapping[str, str], Containers], Awaitable[Response]]


def routes(world: PlatformWorld, containers: Containers) -> list[Route]:
    """The publishing endpoints under `/v1.0`."""

    def route(path: str, method: str, group: str, handler: Handler, *needed: str) -> Route:
        async def run(call: Call) -> Response:
            given = await parameters(call.request)
            await _enter(call, given, BASIC, *needed)
            return await handler(call, given, containers)

        async def by_request(request: Request) -> str:
            if request.method == "POST":
                return await _group_of_create(request)
            return "prepare" if containers.holds(str(request.path_params["id"])) else "probe"

        return endpoint(world, MANNERS, f"/v1.0{path}", method, group or by_request, run)

    return [
        route("/{user}/threads", "POST", "", _create, PUBLISH),
        route("/{user}/threads", "GET", "probe", _list),
        route("/{user}/threads_publish", "POST", "publish", _publish, PUBLISH),
        route("/{user}/threads_publishing_limit", "GET", "probe", _limit),
        route("/{id}", "GET", "", _show),
        route("/{id}", "DELETE", "publish", _delete, DELETE),
    ]


async def _group_of_create(request: Request) -> str:
    try:
        given = await parameters(request)
    except Refused:
        return "prepare"
    return "publish" if given.get("auto_publish_text") == "true" else "prepare"


async def _enter(call: Call, given: Mapping[str, str], *needed: str) -> None:
    await authorized(call, given, *needed)
    usage(call, "threads", 1, 0)
    user = str(call.request.path_params.get("user", "me"))
    if user not in ("me", call.account):
        raise no_object(user, call.request.method.lower())


async def _create(call: Call, given: Mapping[str, str], containers: Containers) -> Response:
    kind, child = given.get("media_type", ""), given.get("is_carousel_item", "") in ("true", "1")
    if kind not in SHOWN or (child and kind not in ("IMAGE", "VIDEO")):
        raise bad_parameter("Param media_type must be one of {TEXT, IMAGE, VIDEO, CAROUSEL}", THREADS_ERROR)
    check_words(call, given, kind)
    _check_reply(call, given)
    media, error = await _media(call, given, containers, kind)
    container = containers.begin(
        call,
        Container(
            id=new_id(call),
            account=call.account,
            kind=kind,
            media=media,
            caption="" if child else given.get("text", ""),
            made_at=call.world.now(),
            polls=VIDEO_POLLS if kind == "VIDEO" else 0,
            child=child,
            error=error,
            extra={name: given[name] for name in KEPT if given.get(name)},
        ),
    )
    if kind == "TEXT" and given.get("auto_publish_text") == "true":
        return _post(call, containers, container)
    return JSONResponse({"id": container.id})


def _check_reply(call: Call, given: Mapping[str, str]) -> None:
    for name in ("reply_to_id", "quote_post_id"):
        if not given.get(name):
            continue
        other = call.world.posts.get(("threads", given[name]))
        if other is None or other.deleted:
            raise no_object(given[name], "post")
        if name == "quote_post_id":
            continue
        if call.token is None or REPLY not in call.scopes(call.world.grants[call.token.grant]):
            raise REPLY_REFUSED.refused()
        if other.account != call.account and other.extra.get("reply_control", "everyone") != "everyone":
            raise REPLY_REFUSED.refused()


async def _media(
    call: Call, given: Mapping[str, str], containers: Containers, kind: str
) -> tuple[tuple[str, ...], str]:
    """The files of a post, and what is wrong with them."""
    if kind == "TEXT":
        return (), ""
    if kind == "CAROUSEL":
        return _carousel(call, given, containers), ""
    name = f"{kind.lower()}_url"
    if not given.get(name):
        raise bad_parameter(f"The parameter {name} is required", THREADS_ERROR)
    return (given[name],), await fetched(call, containers.fetcher, given[name], kind)


def _carousel(call: Call, given: Mapping[str, str], containers: Containers) -> tuple[str, ...]:
    names = listed_ids(given.get("children", ""))
    if not 2 <= len(names) <= 20:
        raise bad_parameter("Param children must have 2 to 20 items", THREADS_ERROR)
    children = [containers.find(call, name) for name in names]
    ready = [child for child in children if child is not None and child.child and child.state == "FINISHED"]
    if len(ready) != len(names):
        raise NOT_FOUND.refused()
    return tuple(address for child in ready for address in child.media)


async def _publish(call: Call, given: Mapping[str, str], containers: Containers) -> Response:
    if call.request.path_params["user"] == "me" and call.world.modes.get("threads.me_publish") != "served":
        raise no_object("me", "post")
    if not given.get("creation_id"):
        raise bad_parameter("The parameter creation_id is required", THREADS_ERROR)
    container = containers.find(call, given["creation_id"])
    if container is None or container.child or container.state != "FINISHED":
        raise NOT_FOUND.refused()
    return _post(call, containers, container)


def _post(call: Call, containers: Containers, container: Container) -> Response:
    reply = "reply_to_id" in container.extra
    if posted_in_a_day(call, reply=reply) >= (REPLIES_A_DAY if reply else POSTS_A_DAY):
        raise CAP.refused()
    id, code, account = new_id(call), secrets.token_urlsafe(8), call.who()
    site = call.world.modes.get("threads.permalink_host", "www.threads.com")
    containers.keep(replace(container, state="PUBLISHED"))
    call.world.ledger.write("container_published", "threads", call.account, id=container.id, post=id)
    call.world.add_post(
        account,
        id,
        container.caption,
        shown=container.caption,
        media=container.media,
        permalink=f"https://{site}/@{account.handle}/post/{code}",
        extra={**container.extra, "kind": container.kind, "shortcode": code, "reply": reply},
    )
    return JSONResponse({"id": id})


async def _show(call: Call, given: Mapping[str, str], containers: Containers) -> Response:
    id = str(call.request.path_params["id"])
    if container := containers.find(call, id):
        fields = _container_fields(containers.poll(call, container, _broken))
        return JSONResponse(picked(call, fields, ["id", "status"], THREADS_ERROR))
    post = call.world.posts.get(("threads", id))
    if post is not None and not post.deleted and post.account == call.account:
        return JSONResponse(picked(call, _post_fields(call, post), ["id"], THREADS_ERROR))
    if id == call.account:
        return JSONResponse(picked(call, profile_fields(call), ["id"], THREADS_ERROR))
    raise no_object(id)


def _broken(fault: Fault) -> str:
    return fault.text or "UNKNOWN"


def _container_fields(container: Container) -> dict[str, Any]:
    error = container.error if container.state == "ERROR" else None
    return {"id": container.id, "status": container.state, "error_message": error}


def _post_fields(call: Call, post: Post) -> dict[str, Any]:
    return {
        "id": post.id,
        "text": post.shown or None,
        "permalink": post.permalink,
        "shortcode": post.extra["shortcode"],
        "media_product_type": "THREADS",
        "media_type": SHOWN[str(post.extra["kind"])],
        "media_url": post.media[0] if post.media else None,
        "timestamp": post.at.strftime("%Y-%m-%dT%H:%M:%S+0000"),
        "username": call.who().handle,
        "owner": {"id": post.account},
        "is_quote_post": "quote_post_id" in post.extra,
        "alt_text": post.extra.get("alt_text"),
        "topic_tag": post.extra.get("topic_tag"),
        "link_attachment_url": post.extra.get("link_attachment"),
    }


async def _list(call: Call, given: Mapping[str, str], containers: Containers) -> Response:
    limit, after = given.get("limit", "25"), given.get("after", "0")
    if not limit.isdecimal() or not 1 <= int(limit) <= 100 or not after.isdecimal():
        raise bad_parameter("The parameters limit and after must be valid", THREADS_ERROR)
    own = [post for post in call.world.posts_of("threads", call.account) if not post.extra["reply"]]
    start = int(after)
    page = own[start : start + int(limit)]
    body: dict[str, Any] = {
        "data": [picked(call, _post_fields(call, post), ["id"], THREADS_ERROR) for post in page]
    }
    if page:
        body["paging"] = {"cursors": {"before": str(start), "after": str(start + len(page))}}
        if len(own) > start + len(page):
            body["paging"]["next"] = next_page(call, str(start + len(page)))
    return JSONResponse(body)


def _deleted_in_a_day(call: Call) -> int:
    since = call.world.now() - timedelta(seconds=DAY)
    entries = call.world.ledger.find("post_deleted", platform="threads", account=call.account, by="app")
    return sum(since < entry.at for entry in entries)


async def _limit(call: Call, given: Mapping[str, str], containers: Containers) -> Response:
    fields = {
        "quota_usage": posted_in_a_day(call, reply=False),
        "config": {"quota_total": POSTS_A_DAY, "quota_duration": DAY},
        "reply_quota_usage": posted_in_a_day(call, reply=True),
        "reply_config": {"quota_total": REPLIES_A_DAY, "quota_duration": DAY},
        "delete_quota_usage": _deleted_in_a_day(call),
        "delete_config": {"quota_total": DELETES_A_DAY, "quota_duration": DAY},
    }
    return JSONResponse({"data": [picked(call, fields, ["quota_usage"], THREADS_ERROR)]})


async def _delete(call: Call, given: Mapping[str, str], containers: Containers) -> Response:
    id = str(call.request.path_params["id"])
    post = call.world.posts.get(("threads", id))
    if post is None or post.deleted or post.account != call.account:
        raise no_object(id, "delete")
    if _deleted_in_a_day(call) >= DELETES_A_DAY:
        raise CAP.refused()
    call.world.delete_post("threads", id, by="app")
    return JSONResponse({"success": True, "deleted_id": id})
