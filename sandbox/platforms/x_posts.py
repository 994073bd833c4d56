"""X's posts: create, look up, list, delete (x facts §1.5)."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.platforms.core import Call, endpoint
from sandbox.platforms.model import Post
from sandbox.platforms.x_media import Uploads
from sandbox.platforms.x_oauth import authorized
from sandbox.platforms.x_problems import (
    MANNERS,
    NOT_PERMITTED,
    PROBLEMS,
    Limits,
    duplicate,
    forbidden,
    invalid,
    listed,
    only,
    snowflake,
)
from sandbox.platforms.x_text import LIMIT, Link, rewrite, short_link, weight
from sandbox.world import PlatformWorld

DUPLICATE_SECONDS = 86_400  # how long X remembers a text is not documented
PRICE, PRICE_WITH_LINK = 0.015, 0.20  # US dollars
FIELDS: Mapping[str, type | tuple[type, ...]] = {
    "text": str,
    "media": dict,
    "poll": dict,
    "reply": dict,
    "quote_tweet_id": str,
    "reply_settings": str,
    "community_id": str,
    "share_with_followers": bool,
    "made_with_ai": bool,
    "paid_partnership": bool,
    "nullcast": bool,
    "edit_options": dict,
    "card_uri": str,
    "geo": dict,
    "for_super_followers_only": bool,
    "direct_message_deep_link": str,
}
REPLY_SETTINGS = ("following", "mentionedUsers", "subscribers", "verified")
TWEET_FIELDS = frozenset(
    [
        "id",
        "text",
        "created_at",
        "author_id",
        "conversation_id",
        "entities",
        "attachments",
        "edit_history_tweet_ids",
        "lang",
        "public_metrics",
        "referenced_tweets",
        "reply_settings",
        "source",
        "note_tweet",
        "possibly_sensitive",
    ]
)
LOOKUP = ("tweet.fields", "expansions", "user.fields", "media.fields", "poll.fields", "place.fields")
LISTING = (
    *LOOKUP,
    "max_results",
    "pagination_token",
    "start_time",
    "end_time",
    "since_id",
    "until_id",
    "exclude",
)

Bound = Callable[[Call], Awaitable[Response]]


def routes(world: PlatformWorld, limits: Limits, uploads: Uploads) -> list[Route]:
    """The endpoints of posts."""

    async def create(call: Call) -> Response:
        return await _create(call, limits, uploads)

    def limited(handler: Callable[[Call, Limits], Awaitable[Response]]) -> Bound:
        async def run(call: Call) -> Response:
            return await handler(call, limits)

        return run

    return [
        endpoint(world, MANNERS, "/2/tweets", "POST", "publish", create),
        endpoint(world, MANNERS, "/2/tweets/{id}", "GET", "probe", limited(_lookup)),
        endpoint(world, MANNERS, "/2/tweets/{id}", "DELETE", "publish", limited(_delete)),
        endpoint(world, MANNERS, "/2/users/{id}/tweets", "GET", "probe", limited(_timeline)),
    ]


async def json_object(call: Call) -> dict[str, Any]:
    """The JSON object in the body. Raises Refused with X's validation error."""
    if call.request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise invalid("Request body must be JSON: set the Content-Type header to application/json.")
    try:
        body = json.loads(await call.request.body())
    except ValueError:
        raise invalid("Request body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise invalid("$: object expected")
    return body


def _check(body: dict[str, Any]) -> None:
    for name, value in body.items():
        if name not in FIELDS:
            raise invalid(
                f"$.{name}: is not defined in the schema and the schema does not allow additional properties"
            )
        if not isinstance(value, FIELDS[name]):
            raise invalid(f"$.{name}: wrong type")
    if body.get("reply_settings", "following") not in REPLY_SETTINGS:
        raise invalid(f"$.reply_settings: does not have a value in the enumeration {list(REPLY_SETTINGS)}")
    if not body.get("text", "").strip() and "media" not in body:
        raise invalid("Either 'text' or 'media' is required.")


async def _create(call: Call, limits: Limits, uploads: Uploads) -> Response:
    await authorized(call, "tweet.read", "tweet.write", "users.read", refusal=NOT_PERMITTED)
    limits.count(call, "create", 100)
    body = await json_object(call)
    _check(body)
    text = unicodedata.normalize("NFC", body.get("text", ""))
    if weight(text) > LIMIT:
        raise invalid("Your Tweet text is too long.", text=[text])
    media = uploads.attach(call, body["media"]) if "media" in body else ()
    if "reply" in body:
        _check_reply(call, body["reply"])
    if text.strip() and not media and _just_said(call, text):
        return duplicate()
    shown, links = rewrite(text, short_link)
    account, id = call.who(), snowflake(call)
    call.world.add_post(
        account,
        id,
        body.get("text", ""),
        shown=shown,
        media=media,
        permalink=f"https://x.com/{account.handle}/status/{id}",
        extra={"links": links},
        cost_usd=PRICE_WITH_LINK if links else PRICE,
    )
    return JSONResponse({"data": {"id": id, "text": shown, "edit_history_post_ids": [id]}}, 201)


def _check_reply(call: Call, reply: dict[str, Any]) -> None:
    target = reply.get("in_reply_to_tweet_id")
    if not isinstance(target, str) or not set(reply) <= {"in_reply_to_tweet_id", "exclude_reply_user_ids"}:
        raise invalid("$.reply: in_reply_to_tweet_id is required")
    post = call.world.posts.get(("x", target))
    if post is None or post.deleted or post.account != call.account:
        raise forbidden(NOT_PERMITTED)


def _just_said(call: Call, text: str) -> bool:
    now = call.world.now()
    return any(
        0 <= (now - post.at).total_seconds() < DUPLICATE_SECONDS
        and unicodedata.normalize("NFC", post.text) == text
        for post in call.world.posts_of("x", call.account)
    )


async def _lookup(call: Call, limits: Limits) -> Response:
    await authorized(call, "tweet.read", "users.read")
    limits.count(call, "lookup", 900)
    only(call, *LOOKUP)
    fields = listed(call, "tweet.fields", TWEET_FIELDS)
    post = call.world.posts.get(("x", _numeric(call)))
    if post is None or post.deleted:
        return JSONResponse({"errors": [_missing(call, "tweet")]})
    return JSONResponse({"data": _shown(post, fields)})


async def _delete(call: Call, limits: Limits) -> Response:
    await authorized(call, "tweet.read", "tweet.write", "users.read", refusal=NOT_PERMITTED)
    limits.count(call, "delete", 50)
    post = call.world.posts.get(("x", _numeric(call)))
    if post is not None and post.account != call.account:
        raise forbidden("You are not authorized to delete this Tweet.")
    if post is None or post.deleted:
        return JSONResponse({"data": {"deleted": False}})
    call.world.delete_post("x", post.id, by="app")
    return JSONResponse({"data": {"deleted": True}})


async def _timeline(call: Call, limits: Limits) -> Response:
    await authorized(call, "tweet.read", "users.read")
    limits.count(call, "timeline", 900)
    only(call, *LISTING)
    fields = listed(call, "tweet.fields", TWEET_FIELDS)
    id = _numeric(call)
    if ("x", id) not in call.world.accounts:
        return JSONResponse({"errors": [_missing(call, "user")]})
    posts = list(filter(_window(call), call.world.posts_of("x", id)))
    start = _number(call, "pagination_token", 0, 0, 100_000)
    size = _number(call, "max_results", 10, 5, 100)
    page = posts[start : start + size]
    meta: dict[str, Any] = {"result_count": len(page)}
    if page:
        meta.update(newest_id=page[0].id, oldest_id=page[-1].id)
    if len(posts) > start + size:
        meta["next_token"] = str(start + size)
    data = {"data": [_shown(post, fields) for post in page]} if page else {}
    return JSONResponse({**data, "meta": meta})


def _window(call: Call) -> Callable[[Post], bool]:
    """The test that the query's times and ids make of a post. Raises Refused."""
    start, end = _instant(call, "start_time"), _instant(call, "end_time")
    since = _number(call, "since_id", 0, 0, 1 << 63)
    until = _number(call, "until_id", 1 << 63, 0, 1 << 63)

    def within(post: Post) -> bool:
        at = post.at.replace(microsecond=0)
        return since < int(post.id) < until and (not start or at >= start) and (not end or at < end)

    return within


def _instant(call: Call, name: str) -> datetime | None:
    value = call.request.query_params.get(name)
    if value is None:
        return None
    try:
        return datetime.strptime(value.replace(".000Z", "Z"), "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        raise invalid(f"Invalid '{name}':'{value}'. Use YYYY-MM-DDTHH:mm:ssZ.", **{name: [value]}) from None


def _number(call: Call, name: str, default: int, least: int, most: int) -> int:
    value = call.request.query_params.get(name, str(default))
    if not value.isdecimal() or not least <= int(value) <= most:
        message = f"The `{name}` query parameter value [{value}] is not between {least} and {most}"
        raise invalid(message, **{name: [value]})
    return int(value)


def _numeric(call: Call) -> str:
    id = str(call.request.path_params["id"])
    if not id.isdecimal() or len(id) > 19:
        raise invalid(f"The `id` query parameter value [{id}] is not valid", id=[id])
    return id


def _missing(call: Call, what: str) -> dict[str, str]:
    id = str(call.request.path_params["id"])
    return {
        "value": id,
        "detail": f"Could not find {what} with id: [{id}].",
        "title": "Not Found Error",
        "resource_type": what,
        "parameter": "id",
        "resource_id": id,
        "type": f"{PROBLEMS}resource-not-found",
    }


def _shown(post: Post, fields: frozenset[str]) -> dict[str, Any]:
    links: list[Link] = list(post.extra["links"])
    urls = [{"start": k.start, "end": k.end, "url": k.url, "expanded_url": k.expanded} for k in links]
    everything = {
        "id": post.id,
        "text": post.shown,
        "edit_history_tweet_ids": [post.id],
        "created_at": post.at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "author_id": post.account,
        "conversation_id": post.id,
        "attachments": {"media_keys": [f"3_{id}" for id in post.media]} if post.media else None,
        "entities": {"urls": urls} if urls else None,
    }
    wanted = fields | {"id", "text", "edit_history_tweet_ids"}
    return {key: value for key, value in everything.items() if key in wanted and value is not None}
