"""Posts, photos and comments of Pages (meta facts §2.5).

Modes: `facebook.duplicates` = `allowed` takes the same text twice in a row; `facebook.delete` = `refused`
for apps that may not; `facebook.schedule_days` is how far ahead scheduling goes (30, or 75).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.platforms.core import Call, Refused
from sandbox.platforms.facebook_access import Caller, authorized, page_for, posting_page, tasks_on
from sandbox.platforms.facebook_fields import shown
from sandbox.platforms.facebook_manners import (
    BAD_FILE,
    BAD_LINK,
    BAD_PHOTO,
    DENIED,
    DUPLICATE,
    ENGAGE,
    LINK_SCRAPE,
    NOT_ALLOWED,
    OWN_LINK,
    POST,
    READ,
)
from sandbox.platforms.facebook_store import MOST_TEXT, Photo, Store, add_post, is_out, object_id
from sandbox.platforms.fetch import Unfetchable
from sandbox.platforms.images import kind_of
from sandbox.platforms.meta import bad_parameter, next_page, no_object, parameters
from sandbox.platforms.model import Account, Post

MOST_PHOTO_BYTES = 10 * 1024 * 1024
SOONEST = 600  # seconds ahead that scheduling starts
NO = ("false", "0")


async def photo_group(request: Request) -> str:
    """An unpublished photo is only prepared."""
    try:
        given = await parameters(request)
    except Refused:
        return "publish"
    return "prepare" if given.get("published") in NO else "publish"


async def create_post(call: Call, store: Store) -> Response:
    """`POST /{page}/feed`: text, a link, photos that were uploaded before."""
    given = await parameters(call.request)
    page = posting_page(call, await authorized(call, given))
    text, link = _checked_text(given.get("message", "")), given.get("link", "")
    _check_link(call, link)
    photos = _attached(page, store, given)
    if not (text or link or photos):
        raise bad_parameter("You must provide a message, a link or attached media")
    if not photos:
        _check_new(call, page, text, link)
    published, at = _visibility(call, given)
    media = tuple(photo.address for photo in photos)
    post = add_post(call, page, text, kind="feed", media=media, link=link, published=published, at=at)
    for photo in photos:
        store.photos[photo.id] = replace(photo, post=post.id)
    return JSONResponse(shown(post_fields(call, page, post), given.get("fields", ""), ("id",)))


def _checked_text(text: str) -> str:
    if len(text) > MOST_TEXT:
        raise bad_parameter(f"Param message must be at most {MOST_TEXT} characters")
    return text


def _check_link(call: Call, link: str) -> None:
    if not link:
        return
    parts = urlsplit(link)
    name = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not name or " " in link:
        raise BAD_LINK.refused()
    if name == "facebook.com" or name.endswith(".facebook.com"):
        raise OWN_LINK.refused()
    if call.fault("media_unfetchable"):
        raise LINK_SCRAPE.refused()


def _check_new(call: Call, page: Account, text: str, link: str) -> None:
    """Refuse what the Page posted last."""
    last = next(iter(call.world.posts_of("facebook", page.id)), None)
    if call.world.modes.get("facebook.duplicates") == "allowed" or last is None or last.media:
        return
    if (last.text, last.extra["link"]) == (text, link):
        raise DUPLICATE.refused()


def _visibility(call: Call, given: Mapping[str, str]) -> tuple[bool, float | None]:
    """Whether the post appears at once, and when it does otherwise."""
    published, at = given.get("published", "true") not in NO, given.get("scheduled_publish_time", "")
    if not at:
        return published, None
    days = int(call.world.modes.get("facebook.schedule_days", "30"))
    ahead = float(at) - call.world.now().timestamp() if at.isdecimal() else 0.0
    if published or not SOONEST <= ahead <= days * 86_400:
        raise bad_parameter("The specified scheduled publish time is invalid")
    return False, float(at)


def _attached(page: Account, store: Store, given: Mapping[str, str]) -> list[Photo]:
    """The unpublished photos of this Page that `attached_media` names, as a JSON list or by index."""
    texts = [value for name, value in sorted(given.items()) if name.startswith("attached_media[")]
    try:
        entries = [json.loads(text) for text in texts] or json.loads(given.get("attached_media", "[]"))
        ids = [str(entry["media_fbid"]) for entry in entries]
    except (ValueError, KeyError, TypeError):
        raise bad_parameter("Param attached_media must be a list of objects with media_fbid") from None
    photos = [store.photos.get(id) for id in ids]
    found = [photo for photo in photos if photo is not None and photo.page == page.id and not photo.post]
    if len(found) != len(ids):
        raise bad_parameter("Param attached_media names media that cannot be attached")
    return found


async def create_photo(call: Call, store: Store) -> Response:
    """`POST /{page}/photos`: a post of one photo, or a photo for a later post."""
    given = await parameters(call.request)
    page = posting_page(call, await authorized(call, given))
    published, at = _visibility(call, given)
    text = _checked_text(given.get("caption", "") or given.get("message", ""))
    photo = Photo(id=object_id(call), page=page.id, address=await _photo(call, store, given))
    if not published and at is None:
        store.photos[photo.id] = photo
        call.world.ledger.write("container_created", "facebook", page.id, id=photo.id, kind="photo")
        return JSONResponse({"id": photo.id})
    post = add_post(call, page, text, kind="photo", media=(photo.address,), published=published, at=at)
    store.photos[photo.id] = replace(photo, post=post.id)
    return JSONResponse({"id": photo.id, "post_id": post.id})


async def _photo(call: Call, store: Store, given: Mapping[str, str]) -> str:
    """Where the photo came from, once its bytes are known to be one."""
    address, source = given.get("url", ""), (await call.request.form()).get("source")
    if isinstance(source, UploadFile):
        data, address = await source.read(), f"upload:{source.filename or 'photo'}"
    elif address:
        if call.fault("media_unfetchable"):
            raise BAD_FILE.refused()
        try:
            data = (await store.fetcher(address)).data
        except Unfetchable:
            raise BAD_FILE.refused() from None
    else:
        raise bad_parameter("(#324) Requires upload file")
    if not kind_of(data).startswith("image/") or len(data) > MOST_PHOTO_BYTES:
        raise BAD_PHOTO.refused()
    return address


async def create_comment(call: Call, store: Store) -> Response:
    """`POST /{post}/comments`."""
    given = await parameters(call.request)
    caller = await authorized(call, given)
    post = own_post(call, caller, str(call.request.path_params["id"]))
    if not caller.is_page or ENGAGE not in caller.scopes:
        raise NOT_ALLOWED.refused()
    if not (given.get("message") or given.get("attachment_url")):
        raise bad_parameter("The parameter message is required")
    id = f"{post.id.partition('_')[2]}_{object_id(call)}"
    call.world.ledger.write("comment_created", "facebook", post.account, id=id, post=post.id)
    return JSONResponse({"id": id})


async def delete(call: Call, store: Store) -> Response:
    """`DELETE /{post}`, or a photo or video by its own id."""
    caller = await authorized(call, dict(call.request.query_params))
    id = str(call.request.path_params["id"])
    photo, video = store.photos.get(id), store.videos.get(id)
    post = own_post(call, caller, (photo.post if photo else video.post if video else "") or id, "delete")
    if not caller.is_page or POST not in caller.scopes:
        raise NOT_ALLOWED.refused()
    if call.world.modes.get("facebook.delete") == "refused":
        raise DENIED.refused()
    call.world.delete_post("facebook", post.id, by="app")
    return JSONResponse({"success": True})


def own_post(call: Call, caller: Caller, id: str, verb: str = "get") -> Post:
    """A post that the caller reaches. Raises Refused."""
    post = call.world.posts.get(("facebook", id))
    if post is None or post.deleted:
        raise no_object(id, verb)
    if caller.is_page and post.account != call.account:
        raise no_object(id, verb)
    if not caller.is_page and not tasks_on(call.world.accounts["facebook", post.account], call.account):
        raise no_object(id, verb)
    return post


def post_fields(call: Call, page: Account, post: Post) -> dict[str, Any]:
    """Every field of a post."""
    return {
        "id": post.id,
        "message": post.shown or None,
        "created_time": post.at.strftime("%Y-%m-%dT%H:%M:%S+0000"),
        "permalink_url": post.permalink,
        "is_published": is_out(call, post),
        "status_type": {"feed": "mobile_status_update", "photo": "added_photos"}.get(
            str(post.extra["kind"]), "added_video"
        ),
        "from": {"id": page.id, "name": page.name},
        "full_picture": post.media[0] if post.media else None,
    }


async def list_posts(call: Call, store: Store) -> Response:
    """`GET /{page}/feed`: what people see, newest first, in pages."""
    given = await parameters(call.request)
    caller = await authorized(call, given)
    page = page_for(call, caller, str(call.request.path_params["id"]))
    caller.need(READ)
    limit, after = given.get("limit", "25"), given.get("after", "0")
    if not limit.isdecimal() or not 1 <= int(limit) <= 100 or not after.isdecimal():
        raise bad_parameter("The parameters limit and after must be valid")
    hidden = {video.post for video in store.videos.values() if video.polls > 0}
    posts = [
        post
        for post in call.world.posts_of("facebook", page.id)
        if is_out(call, post) and post.extra["kind"] != "story" and post.id not in hidden
    ]
    start = int(after)
    part = posts[start : start + int(limit)]
    default = ("created_time", "message", "id")
    data = [shown(post_fields(call, page, post), given.get("fields", ""), default) for post in part]
    body: dict[str, Any] = {"data": data}
    if part:
        body["paging"] = {"cursors": {"before": str(start), "after": str(start + len(part))}}
        if len(posts) > start + len(part):
            body["paging"]["next"] = next_page(call, str(start + len(part)))
    return JSONResponse(body)
