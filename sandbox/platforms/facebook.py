"""The twin of Facebook Pages, and of Instagram accounts linked to them (meta facts §2, §3.4).

Hosts: the dialog on `www.facebook.com`, the Graph API on `graph.facebook.com` (videos on
`graph-video.facebook.com` too), bytes on `rupload.facebook.com`. The mode `facebook.old_version` = `served`
answers versions that are retired as if they were not. The other modes stand in the modules that read them.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.platforms import facebook_instagram as instagram
from sandbox.platforms import facebook_people as people
from sandbox.platforms import facebook_posts as posts
from sandbox.platforms import facebook_upload as upload
from sandbox.platforms import facebook_videos as videos
from sandbox.platforms import meta_notices
from sandbox.platforms.consent import consent_routes
from sandbox.platforms.containers import Containers
from sandbox.platforms.core import Call, Manners, endpoint, host, html
from sandbox.platforms.facebook_access import authorized, page_for
from sandbox.platforms.facebook_fields import shown
from sandbox.platforms.facebook_login import dialog_style, exchange, exchange_group
from sandbox.platforms.facebook_manners import DEBUG, MANNERS, READ
from sandbox.platforms.facebook_store import Store
from sandbox.platforms.fetch import Fetcher, HttpFetcher
from sandbox.platforms.meta import VERSIONS, GraphError, graph_unknown, no_object, parameters
from sandbox.world import PlatformWorld

Group = str | Callable[[Request], Awaitable[str]]
Handler = Callable[[Call, Store], Awaitable[Response]]


def routes(world: PlatformWorld, fetcher: Fetcher | None = None) -> list[BaseRoute]:
    """Facebook's hosts; `fetcher` gets the media that posts name."""
    world.watchers["facebook"] = meta_notices.watcher(world, "facebook", lambda person: person.id)
    fetcher = fetcher or HttpFetcher()
    store = Store(fetcher, Containers(fetcher))
    dialog = consent_routes(world, MANNERS, "/{version}/dialog/oauth", dialog_style(_check_version))
    video = [_route(world, store, "/{id}/videos", "POST", videos.video_group, videos.create_video)]
    graph = [*_account_routes(world, store), *_publishing_routes(world, store), *video]
    graph += _instagram_routes(world, store)
    # Nodes by id come last: their pattern takes every path of one segment.
    graph += [
        _route(world, store, "/{id}", "GET", _node_group(store), _node),
        _route(world, store, "/{id}", "DELETE", "publish", posts.delete),
    ]
    bytes_in = [
        endpoint(world, MANNERS, f"/{name}/{{version}}/{{id}}", "POST", "prepare", _held(store, handler))
        for name, handler in (("video-upload", upload.take_video), ("ig-api-upload", upload.take_container))
    ]
    return [
        host("www.facebook.com", dialog, _unknown_page),
        host("graph.facebook.com", graph, graph_unknown),
        host("graph-video.facebook.com", video, graph_unknown),
        host("rupload.facebook.com", bytes_in, upload.unknown),
    ]


def _account_routes(world: PlatformWorld, store: Store) -> list[Route]:
    def plain(
        path: str,
        method: str,
        handler: Callable[[Call], Awaitable[Response]],
        group: Group = "probe",
        manners: Manners = MANNERS,
    ) -> Route:
        async def run(call: Call, store: Store) -> Response:
            return await handler(call)

        return _route(world, store, path, method, group, run, manners)

    token = exchange_group(world)
    return [
        plain("/oauth/access_token", "GET", exchange, token),
        plain("/oauth/access_token", "POST", exchange, token),
        plain("/debug_token", "GET", people.debug, manners=DEBUG),
        plain("/me/accounts", "GET", people.list_pages),
        plain("/me/businesses", "GET", people.list_businesses),
        plain("/{id}/owned_pages", "GET", people.list_owned),
        plain("/{id}/client_pages", "GET", people.list_owned),
        plain("/{id}/permissions", "GET", people.list_permissions),
        plain("/{id}/permissions", "DELETE", people.revoke, "token"),
        plain("/{id}/permissions/{permission}", "DELETE", people.revoke, "token"),
        plain("/{id}/subscribed_apps", "POST", people.subscribe, "token"),
        plain("/{id}/subscribed_apps", "DELETE", people.subscribe, "token"),
    ]


def _publishing_routes(world: PlatformWorld, store: Store) -> list[Route]:
    return [
        _route(world, store, "/{id}/feed", "POST", "publish", posts.create_post),
        *(_route(world, store, f"/{{id}}/{name}", "GET", "probe", posts.list_posts) for name in LISTS),
        _route(world, store, "/{id}/photos", "POST", posts.photo_group, posts.create_photo),
        _route(world, store, "/{id}/comments", "POST", "publish", posts.create_comment),
        _route(world, store, "/{id}/video_reels", "POST", videos.video_group, videos.create_reel),
        _route(world, store, "/{id}/photo_stories", "POST", "publish", videos.create_photo_story),
        _route(world, store, "/{id}/video_stories", "POST", videos.video_group, videos.create_video_story),
    ]


def _instagram_routes(world: PlatformWorld, store: Store) -> list[Route]:
    return [
        _route(world, store, "/{id}/media", "POST", "prepare", instagram.create),
        _route(world, store, "/{id}/media", "GET", "probe", instagram.list_media),
        _route(world, store, "/{id}/media_publish", "POST", "publish", instagram.publish),
        _route(world, store, "/{id}/content_publishing_limit", "GET", "probe", instagram.show_limit),
    ]


LISTS = ("feed", "posts", "published_posts")


def _route(
    world: PlatformWorld,
    store: Store,
    path: str,
    method: str,
    group: Group,
    handler: Handler,
    manners: Manners = MANNERS,
) -> Route:
    async def run(call: Call) -> Response:
        _check_version(call)
        return await handler(call, store)

    return endpoint(world, manners, "/{version}" + path, method, group, run)


def _held(store: Store, handler: Handler) -> Callable[[Call], Awaitable[Response]]:
    async def run(call: Call) -> Response:
        return await handler(call, store)

    return run


def _check_version(call: Call) -> None:
    version = str(call.request.path_params["version"])
    served = call.world.modes.get("facebook.old_version") == "served" and re.fullmatch(r"v\d+\.\d", version)
    if version not in VERSIONS and not served:
        raise GraphError(2500, f"Unknown path components: /{version}").refused()


def _unknown_page(request: Request, known_path: bool) -> Response:
    status, text = (405, "Method Not Allowed") if known_path else (404, "This page isn't available.")
    return html("problem.html", status, label="Facebook", reason=text)


def _node_group(store: Store) -> Callable[[Request], Awaitable[str]]:
    async def group(request: Request) -> str:
        id = str(request.path_params["id"])
        return "prepare" if store.containers.holds(id) or id in store.videos else "probe"

    return group


async def _node(call: Call, store: Store) -> Response:
    """`GET /{id}`: a person, a Page, a post, a photo, a video, or one of Instagram's."""
    given = await parameters(call.request)
    caller = await authorized(call, given)
    id, asked = str(call.request.path_params["id"]), given.get("fields", "")
    if ig := instagram.owner_of(call, store, id):
        return await instagram.show(call, caller, store, ig)
    if video := store.videos.get(id):
        page_for(call, caller, video.page)
        caller.need(READ)
        return JSONResponse(shown(videos.video_fields(call, store, video), asked, ("id",)))
    if photo := store.photos.get(id):
        page_for(call, caller, photo.page)
        link = f"https://www.facebook.com/photo/?fbid={photo.id}"
        return JSONResponse(
            shown({"id": photo.id, "link": link, "page_story_id": photo.post or None}, asked, ())
        )
    if ("facebook", id) in call.world.posts:
        post = posts.own_post(call, caller, id)
        caller.need(READ)
        if post.extra["kind"] == "story":
            raise no_object(id)
        page = call.world.accounts["facebook", post.account]
        return JSONResponse(
            shown(posts.post_fields(call, page, post), asked, ("created_time", "message", "id"))
        )
    return JSONResponse(people.node_fields(call, caller, id, asked))
