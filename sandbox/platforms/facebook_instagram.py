"""Instagram accounts that are linked to Pages, on graph.facebook.com (meta facts §3.4, §3.6).

The grammar is that of Instagram's own login; what differs is who may ask. Faults that stand for the
Instagram account are met here too. The mode `facebook.instagram_reads` is `both`, or `user` where reads of
containers and media with a Page's token are answered 100/33.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.responses import JSONResponse, Response

from sandbox.platforms import instagram_media
from sandbox.platforms.containers import UNSENT, VIDEO_POLLS, Container, Containers, new_id
from sandbox.platforms.core import Call, Dropped
from sandbox.platforms.facebook_access import (
    Caller,
    authorized,
    check_data_access,
    pages_of,
    tasks_on,
    ticked,
)
from sandbox.platforms.facebook_manners import IG_BASIC, IG_PUBLISH, NOT_ALLOWED
from sandbox.platforms.facebook_store import Store
from sandbox.platforms.images import kind_of
from sandbox.platforms.instagram_checks import check_caption, failed
from sandbox.platforms.instagram_manners import MANNERS, PERSONAL, UNKNOWN_TYPE, account_fields, professional
from sandbox.platforms.meta import no_object, parameters, picked, usage
from sandbox.platforms.model import Account

Body = Callable[[Call, dict[str, str], Containers], Awaitable[Response]]


async def as_instagram(call: Call, store: Store, ig: str, body: Body, *needed: str) -> Response:
    """Run a part of Instagram's grammar for the linked account `ig`, among that account's own faults."""
    given = await parameters(call.request)
    return await within(call, await authorized(call, given), store, ig, body, *needed)


async def within(call: Call, caller: Caller, store: Store, ig: str, body: Body, *needed: str) -> Response:
    """The same for a caller who is known already."""
    given = await parameters(call.request)
    _reach(call, caller, ig)
    caller.need(IG_BASIC, *needed)
    inner = Call(call.world, MANNERS, call.request, call.group, token=call.token, headers=call.headers)
    await inner.start()
    await inner.about(ig)
    usage(inner, "instagram", 1, 0)
    if not professional(inner.who()):
        raise PERSONAL.refused()
    response = await body(inner, given, store.containers)
    return Dropped() if response.status_code < 400 and inner.fault("lost_after") else response


def _reach(call: Call, caller: Caller, ig: str) -> None:
    """Refuse an account that is not linked to a Page of the caller's, or was not ticked."""
    verb = call.request.method.lower()
    pages = [call.who()] if caller.is_page else pages_of(call.world, call.account)
    linked = [p for p in pages if p.extra.get("instagram") == ig and p.id in ticked(caller.newest)]
    if not linked or ig not in ticked(caller.newest) or ("instagram", ig) not in call.world.accounts:
        raise no_object(ig, verb)
    whose = ("", *(page.id for page in linked))
    if call.world.faults.take({"account_unlinked"}, "facebook", whose, call.group):
        raise no_object(ig, verb)
    if not caller.is_page:
        check_data_access(call, caller)
    if verb == "post" and not _may_post(linked, caller.grant.account):
        raise NOT_ALLOWED.refused()


def _may_post(pages: list[Account], person: str) -> bool:
    return any({"CREATE_CONTENT", "MANAGE"} & set(tasks_on(page, person)) for page in pages)


async def create(call: Call, store: Store) -> Response:
    """`POST /{ig}/media`."""
    return await as_instagram(call, store, str(call.request.path_params["id"]), _create, IG_PUBLISH)


async def _create(call: Call, given: dict[str, str], containers: Containers) -> Response:
    if given.get("upload_type") != "resumable":
        return await instagram_media.create(call, given, containers)
    kind = given.get("media_type", "")
    if kind not in ("REELS", "STORIES", "VIDEO"):
        raise UNKNOWN_TYPE.refused()
    check_caption(given.get("caption", ""))
    id = new_id(call)
    container = Container(
        id=id,
        account=call.account,
        kind=kind,
        media=(f"upload:{id}",),
        caption=given.get("caption", "") if kind == "REELS" else "",
        made_at=call.world.now(),
        polls=UNSENT,
        child=given.get("is_carousel_item") == "true",
    )
    containers.begin(call, container)
    version = call.request.path_params["version"]
    return JSONResponse({"id": id, "uri": f"https://rupload.facebook.com/ig-api-upload/{version}/{id}"})


def take_bytes(call: Call, containers: Containers, container: Container, head: bytes) -> None:
    """The whole file of a container has arrived; `head` tells what it is."""
    error = "" if kind_of(head) == "video/mp4" else failed(2207026)
    containers.keep(replace(container, polls=VIDEO_POLLS, error=error))


async def publish(call: Call, store: Store) -> Response:
    """`POST /{ig}/media_publish`."""
    ig = str(call.request.path_params["id"])
    return await as_instagram(call, store, ig, instagram_media.publish, IG_PUBLISH)


async def list_media(call: Call, store: Store) -> Response:
    """`GET /{ig}/media`."""
    ig = str(call.request.path_params["id"])
    return await as_instagram(call, store, ig, instagram_media.list_posts)


async def show_limit(call: Call, store: Store) -> Response:
    """`GET /{ig}/content_publishing_limit`."""
    ig = str(call.request.path_params["id"])
    return await as_instagram(call, store, ig, instagram_media.show_limit)


async def show(call: Call, caller: Caller, store: Store, ig: str) -> Response:
    """A container, a post or the account itself, by its id."""
    if call.request.path_params["id"] == ig:
        return await within(call, caller, store, ig, _account)
    if caller.is_page and call.world.modes.get("facebook.instagram_reads") == "user":
        raise no_object(str(call.request.path_params["id"]))
    return await within(call, caller, store, ig, instagram_media.show)


async def _account(call: Call, given: dict[str, str], containers: Containers) -> Response:
    fields = {**account_fields(call), "id": call.account}
    for name in ("user_id", "account_type"):
        fields.pop(name)
    return JSONResponse(picked(call, fields, ["id"]))


def owner_of(call: Call, store: Store, id: str) -> str:
    """The Instagram account that an id is, or belongs to; "" when it is none of Instagram's."""
    if ("instagram", id) in call.world.accounts:
        return id
    if owner := store.containers.owner(id):
        return owner
    post = call.world.posts.get(("instagram", id))
    return post.account if post is not None and not post.deleted else ""
