"""LinkedIn's posts: create and delete (LinkedIn facts §4.5, §4.6).

`world.modes["linkedin.duplicate_seconds"]` is how long a text is remembered (600).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from starlette.responses import Response
from starlette.routing import Route

from sandbox.platforms.core import Call, Refused, endpoint
from sandbox.platforms.linkedin_authors import author_account
from sandbox.platforms.linkedin_manners import (
    MANNERS,
    Quotas,
    authorized,
    bad_field,
    check_version,
    json_object,
    new_urn,
    problem,
    refused,
)
from sandbox.platforms.linkedin_media import Assets
from sandbox.platforms.linkedin_text import LONGEST, rendered
from sandbox.platforms.model import Account
from sandbox.world import PlatformWorld

DUPLICATE_SECONDS = "600"
WRITE = ("w_member_social", "w_organization_social")
FIELDS: Mapping[str, type] = {
    "author": str,
    "commentary": str,
    "visibility": str,
    "distribution": dict,
    "lifecycleState": str,
    "isReshareDisabledByAuthor": bool,
    "content": dict,
    "reshareContext": dict,
}
NEEDED = ("author", "commentary", "visibility", "distribution", "lifecycleState")
VISIBILITIES = ("PUBLIC", "CONNECTIONS", "LOGGED_IN")
CONTENTS = ("media", "multiImage", "article", "poll")


def routes(world: PlatformWorld, quotas: Quotas, assets: Assets) -> list[Route]:
    """The endpoints of posts."""

    async def create(call: Call) -> Response:
        return await _create(call, quotas, assets)

    async def delete(call: Call) -> Response:
        return await _delete(call, quotas)

    return [
        endpoint(world, MANNERS, "/rest/posts", "POST", "publish", create),
        endpoint(world, MANNERS, "/rest/posts/{urn}", "DELETE", "publish", delete),
    ]


async def _create(call: Call, quotas: Quotas, assets: Assets) -> Response:
    check_version(call)
    grant = await authorized(call, *WRITE, what="partnerApiPosts.CREATE")
    quotas.count(call, grant)
    body = await json_object(call)
    _check(body)
    author = await author_account(call, grant, body["author"], "/author", "partnerApiPosts.CREATE")
    media = _content(call, assets, body["author"], body.get("content"))
    _refuse_twin(call, author, body)
    moving = any(urn.startswith("urn:li:video:") for urn in media) or "poll" in body.get("content", {})
    urn = new_urn(call, "ugcPost" if moving else "share")
    shown = rendered(body["commentary"])
    call.world.add_post(
        author,
        urn,
        body["commentary"],
        shown=shown,
        media=media,
        permalink=f"https://www.linkedin.com/feed/update/{urn}/",
        extra={"content": body.get("content", {}), "by": call.account, "key": _key(body)},
        shown_as=shown,
        visibility=body["visibility"],
    )
    if call.fault("late_success"):
        return problem(504, "GATEWAY_TIMEOUT", "Gateway timeout", 0)
    return Response(status_code=201, headers={"x-restli-id": urn})


def _check(body: dict[str, Any]) -> None:
    for name, value in body.items():
        if name not in FIELDS:
            raise refused(400, "ILLEGAL_ARGUMENT", f"Unpermitted fields present in REQUEST_BODY: /{name}")
        if not isinstance(value, FIELDS[name]):
            raise bad_field("INVALID_VALUE_FOR_FIELD", f"/{name}", f"/{name} has a wrong type")
    for name in NEEDED:
        if name not in body:
            raise bad_field("MISSING_FIELD", f"/{name}", f"/{name} is required")
    if len(body["commentary"]) > LONGEST:
        raise bad_field("FIELD_LENGTH_TOO_LONG", "/commentary", "commentary is longer than 3000 characters")
    if not body["commentary"].strip() and not body.get("content") and not body.get("reshareContext"):
        raise bad_field("INVALID_VALUE_BLANK_FIELD", "/commentary", "commentary is blank")
    if body["visibility"] not in VISIBILITIES:
        raise bad_field("INVALID_VALUE_FOR_FIELD", "/visibility", "unknown visibility")
    if body["lifecycleState"] != "PUBLISHED":
        raise bad_field("INVALID_VALUE_FOR_FIELD", "/lifecycleState", "only PUBLISHED posts can be created")
    if body["distribution"].get("feedDistribution") not in ("MAIN_FEED", "NONE"):
        raise bad_field("MISSING_FIELD", "/distribution/feedDistribution", "feedDistribution is required")


def _content(call: Call, assets: Assets, author: str, content: dict[str, Any] | None) -> tuple[str, ...]:
    """The URNs of the post's media, if it may have them. Raises Refused."""
    if content is None:
        return ()
    if len(content) != 1 or not set(content) <= set(CONTENTS):
        raise bad_field("INVALID_VALUE_FOR_FIELD", "/content", f"content is one of {list(CONTENTS)}")
    ((kind, value),) = content.items()
    if not isinstance(value, dict):
        raise bad_field("INVALID_VALUE_FOR_FIELD", f"/content/{kind}", "object expected")
    if kind == "poll":
        _check_poll(value)
        return ()
    return tuple(assets.ready(call, author, urn, kinds, where) for urn, kinds, where in _named(kind, value))


def _named(kind: str, value: dict[str, Any]) -> list[tuple[object, tuple[str, ...], str]]:
    """The media that the content names, with what they may be and where they stand."""
    if kind == "media":
        return [(value.get("id"), ("image", "video", "document"), "/content/media/id")]
    if kind == "article":
        for name in ("source", "title"):
            if not isinstance(value.get(name), str) or not value[name].strip():
                raise bad_field("MISSING_FIELD", f"/content/article/{name}", f"{name} is required")
        thumbnail = value.get("thumbnail")
        return [(thumbnail, ("image",), "/content/article/thumbnail")] if thumbnail else []
    images = value.get("images")
    if not isinstance(images, list) or not 2 <= len(images) <= 20:
        raise bad_field("INVALID_VALUE_FOR_FIELD", "/content/multiImage/images", "2 to 20 images expected")
    where = "/content/multiImage/images"
    return [(image.get("id") if isinstance(image, dict) else None, ("image",), where) for image in images]


def _check_poll(poll: dict[str, Any]) -> None:
    options, settings = poll.get("options"), poll.get("settings")
    if (
        not isinstance(poll.get("question"), str)
        or not isinstance(options, list)
        or not 2 <= len(options) <= 4
    ):
        raise bad_field("INVALID_VALUE_FOR_FIELD", "/content/poll", "a question and 2 to 4 options expected")
    if not isinstance(settings, dict) or not settings.get("duration"):
        raise bad_field("MISSING_FIELD", "/content/poll/settings/duration", "duration is required")


def _key(body: dict[str, Any]) -> str:
    """What makes two posts the same."""
    return json.dumps([body["commentary"], body.get("content"), body.get("reshareContext")], sort_keys=True)


def _refuse_twin(call: Call, author: Account, body: dict[str, Any]) -> None:
    seconds = float(call.world.modes.get("linkedin.duplicate_seconds", DUPLICATE_SECONDS))
    now, key = call.world.now(), _key(body)
    for post in call.world.posts_of("linkedin", author.id):
        if (now - post.at).total_seconds() >= seconds:
            return
        if post.extra["key"] == key:
            raise Refused(_duplicate(post.id))
    if call.fault("duplicate"):
        raise Refused(_duplicate(new_urn(call, "share")))


def _duplicate(twin: str) -> Response:
    text = f"Content is a duplicate of {twin}"
    where = {"inputPath": {"fieldPath": "/commentary"}}
    wrong = {"description": text, "code": "DUPLICATE_POST", "input": where}
    return problem(422, "UNPROCESSABLE_ENTITY", text, inputs=[wrong])


async def _delete(call: Call, quotas: Quotas) -> Response:
    check_version(call)
    grant = await authorized(call, *WRITE, what="partnerApiPosts.DELETE")
    quotas.count(call, grant)
    urn = unquote(str(call.request.path_params["urn"]))
    post = call.world.posts.get(("linkedin", urn))
    if post is None:
        raise refused(404, "RESOURCE_NOT_FOUND", "Could not find entity", 0)
    owner = call.world.accounts["linkedin", post.account]
    kind = "person" if owner.login else "organization"
    if owner.login and owner.id != call.account:
        raise refused(403, "ACCESS_DENIED", "Not enough permissions to access: partnerApiPosts.DELETE", 100)
    if not owner.login:
        await author_account(call, grant, f"urn:li:{kind}:{owner.id}", "/author", "partnerApiPosts.DELETE")
    if not post.deleted:
        call.world.delete_post("linkedin", urn, by="app")
    return Response(status_code=204)
