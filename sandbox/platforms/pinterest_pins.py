"""Pinterest's pins: create, look up, list, delete (Pinterest facts §5.5, §5.6).

A pin of an app with trial access is refused outside the sandbox host; `world.modes["pinterest.trial"]` =
`hidden` takes it instead. Such pins are seen by nobody but their creator.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.platforms.core import Call, endpoint
from sandbox.platforms.fetch import Fetcher
from sandbox.platforms.model import Grant, Post
from sandbox.platforms.pinterest_boards import board_named, page_of
from sandbox.platforms.pinterest_manners import (
    MANNERS,
    SANDBOX_HOST,
    TRIAL,
    authorized,
    invalid,
    json_object,
    refused,
)
from sandbox.platforms.pinterest_media import MediaShelf
from sandbox.platforms.pinterest_sources import Sources
from sandbox.world import PlatformWorld

WRITE = ("boards:read", "boards:write", "pins:read", "pins:write")
LONGEST: Mapping[str, int] = {
    "title": 100,
    "description": 800,
    "link": 2048,
    "alt_text": 500,
    "note": 500,
    "dominant_color": 7,
}
FIELDS = ("board_id", "board_section_id", "media_source", *LONGEST)


def routes(world: PlatformWorld, media: MediaShelf, fetcher: Fetcher) -> list[Route]:
    """The endpoints of pins."""
    sources = Sources(media, fetcher)

    def route(
        path: str, method: str, group: str, handler: Callable[[Call, Sources], Awaitable[Response]]
    ) -> Route:
        async def run(call: Call) -> Response:
            return await handler(call, sources)

        return endpoint(world, MANNERS, path, method, group, run)

    return [
        route("/v5/pins", "POST", "publish", _create),
        route("/v5/pins/{id}", "GET", "probe", _show),
        route("/v5/pins/{id}", "DELETE", "publish", _delete),
        route("/v5/boards/{board}/pins", "GET", "probe", _list),
    ]


async def _create(call: Call, sources: Sources) -> Response:
    grant = await authorized(call, *WRITE)
    hidden = _trial(call, grant)
    body = await json_object(call, *FIELDS)
    _check(body)
    board = board_named(call, str(body["board_id"]))
    section = body.get("board_section_id")
    if section is not None and section not in board.get("sections", []):
        raise refused(404, 2031, "Board section not found.")
    media = await sources.checked(call, body.get("media_source"))
    id = str(800_000_000_000_000_000 + call.world.serial() * 7919)
    post = call.world.add_post(
        call.who(),
        id,
        str(body.get("description") or body.get("title") or ""),
        shown=str(body.get("description") or ""),
        media=media,
        permalink=f"https://www.pinterest.com/pin/{id}/",
        extra={"body": body, "board": board["id"], "hidden": hidden},
        title=body.get("title"),
        board=board["id"],
        hidden=hidden,
    )
    return JSONResponse(_shown(call, post), 201)


def _trial(call: Call, grant: Grant) -> bool:
    """Whether the pin will be hidden. Raises Refused where apps with trial access may not pin at all."""
    if f"/{SANDBOX_HOST}/" in call.request.url.path:
        return True
    app = call.world.apps["pinterest", grant.client_id]
    if app.reviewed and call.fault("unreviewed") is None:
        return False
    if call.world.modes.get("pinterest.trial") != "hidden":
        raise refused(403, 29, TRIAL)
    return True


def _check(body: dict[str, Any]) -> None:
    board = body.get("board_id")
    if not isinstance(board, str) or not board.isdecimal():
        raise invalid(f"'{board}' does not match '^\\\\d+$'")
    for name, most in LONGEST.items():
        value = body.get(name)
        if value is not None and not isinstance(value, str):
            raise invalid(f"{value!r} is not of type 'string' ({name})")
        if value is not None and len(value) > most:
            raise invalid(f"'{name}' is too long")
    link = body.get("link")
    if link and not link.startswith(("https://", "http://")):
        raise refused(400, 1, "Whoops! It looks like you entered an invalid URL. Please try again.")


def _shown(call: Call, post: Post) -> dict[str, Any]:
    body: dict[str, Any] = post.extra["body"]
    video = body["media_source"]["source_type"] == "video_id"
    owner = call.world.accounts["pinterest", post.account]
    return {
        "id": post.id,
        "created_at": post.at.strftime("%Y-%m-%dT%H:%M:%S"),
        "link": body.get("link"),
        "title": body.get("title"),
        "description": body.get("description"),
        "alt_text": body.get("alt_text"),
        "board_id": post.extra["board"],
        "board_section_id": body.get("board_section_id"),
        "board_owner": {"username": owner.handle},
        "media": {"media_type": "video" if video else "image"},
        "is_owner": post.account == call.account,
    }


def _found(call: Call) -> Post:
    post = call.world.posts.get(("pinterest", str(call.request.path_params["id"])))
    if post is None or post.deleted or (post.extra["hidden"] and post.account != call.account):
        raise refused(404, 50, "Pin not found.")
    return post


async def _show(call: Call, sources: Sources) -> Response:
    await authorized(call, "boards:read", "pins:read")
    return JSONResponse(_shown(call, _found(call)))


async def _delete(call: Call, sources: Sources) -> Response:
    await authorized(call, *WRITE)
    post = _found(call)
    if post.account != call.account:
        raise refused(403, 29, "You are not permitted to access that resource.")
    call.world.delete_post("pinterest", post.id, by="app")
    return Response(status_code=204)


async def _list(call: Call, sources: Sources) -> Response:
    await authorized(call, "boards:read", "pins:read")
    board = board_named(call, str(call.request.path_params["board"]))
    pins = [p for p in call.world.posts_of("pinterest", call.account) if p.extra["board"] == board["id"]]
    return JSONResponse(page_of(call, [_shown(call, pin) for pin in pins]))
