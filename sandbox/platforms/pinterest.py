"""The twin of Pinterest: its hosts, who-am-I, and boards (Pinterest facts §5).

An account's `extra` may hold `account_type` and `boards`, a list of objects with `id` (digits), `name` and
`privacy` (PUBLIC, PROTECTED, SECRET), each perhaps with `sections`, a list of ids.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from sandbox.platforms import pinterest_media, pinterest_oauth, pinterest_pins
from sandbox.platforms.core import Call, endpoint, host
from sandbox.platforms.fetch import Fetcher, HttpFetcher
from sandbox.platforms.pinterest_boards import board_named, boards_of, page_of
from sandbox.platforms.pinterest_manners import MANNERS, SANDBOX_HOST, authorized, invalid, refused, unknown
from sandbox.world import PlatformWorld

PRIVACIES = ("ALL", "PROTECTED", "PUBLIC", "SECRET", "PUBLIC_AND_SECRET")


def routes(world: PlatformWorld, fetcher: Fetcher | None = None) -> list[BaseRoute]:
    """Consent, both APIs, and the host that takes videos; `fetcher` gets images by address."""
    media = pinterest_media.MediaShelf()
    api = [
        *pinterest_oauth.token_routes(world),
        endpoint(world, MANNERS, "/v5/user_account", "GET", "probe", _me),
        endpoint(world, MANNERS, "/v5/boards", "GET", "probe", _boards),
        endpoint(world, MANNERS, "/v5/boards/{board}", "GET", "probe", _board),
        *pinterest_pins.routes(world, media, fetcher or HttpFetcher()),
        *pinterest_media.routes(world, media),
    ]
    return [
        host("www.pinterest.com", pinterest_oauth.authorize_routes(world), unknown),
        host("api.pinterest.com", api, unknown),
        host(SANDBOX_HOST, api, unknown),
        host(pinterest_media.HOST, pinterest_media.upload_routes(world, media), pinterest_media.unknown),
    ]


async def _me(call: Call) -> Response:
    await authorized(call, "user_accounts:read")
    account = call.who()
    body = {
        "id": account.id,
        "username": account.handle,
        "account_type": account.extra.get("account_type", "BUSINESS"),
        "profile_image": account.picture,
        "business_name": account.name,
        "website_url": "",
        "follower_count": 0,
        "following_count": 0,
        "board_count": len(boards_of(account)),
        "pin_count": len(call.world.posts_of("pinterest", account.id)),
        "monthly_views": 0,
        "about": "",
    }
    return JSONResponse(body)


def _shown(call: Call, board: dict[str, Any]) -> dict[str, Any]:
    owner = {"username": call.who().handle}
    return {
        "id": board["id"],
        "name": board["name"],
        "description": "",
        "privacy": board.get("privacy", "PUBLIC"),
        "owner": owner,
    }


async def _boards(call: Call) -> Response:
    grant = await authorized(call, "boards:read")
    wanted = call.request.query_params.get("privacy", "ALL")
    if wanted not in PRIVACIES:
        raise invalid(f"'{wanted}' is not one of {list(PRIVACIES)}")
    secret = "boards:read_secret" in call.scopes(grant)
    boards = [
        board
        for board in boards_of(call.who())
        if (secret or board.get("privacy") != "SECRET") and wanted in ("ALL", board.get("privacy", "PUBLIC"))
    ]
    return JSONResponse(page_of(call, [_shown(call, board) for board in boards]))


async def _board(call: Call) -> Response:
    await authorized(call, "boards:read")
    board = board_named(call, str(call.request.path_params["board"]))
    if board.get("privacy") == "SECRET":
        raise refused(404, 40, "Board not found.")
    return JSONResponse(_shown(call, board))
