"""The way in from outside: what exists, faults, what users do on the platforms' own pages, the ledger.

All under `/_control`, JSON in and out. Secrets never leave this way. `render_faults_panel` gives the same
as HTML forms for the demo page; they post to `/_control/forms/...` and go back to where they came from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.platforms.core import templates
from sandbox.platforms.faults import GROUPS, KINDS
from sandbox.platforms.model import Account
from sandbox.world import PlatformWorld

Action = Callable[[PlatformWorld, Account, Mapping[str, Any]], None]


def create_control_routes(world: PlatformWorld) -> list[BaseRoute]:
    """The control API of a world."""
    control = Control(world)
    return [
        Route("/_control/accounts", control.accounts, methods=["GET"]),
        Route("/_control/faults", control.faults, methods=["GET"]),
        Route("/_control/faults", control.set_fault, methods=["POST"]),
        Route("/_control/faults", control.clear_faults, methods=["DELETE"]),
        Route("/_control/actions", control.act, methods=["POST"]),
        Route("/_control/modes", control.set_mode, methods=["POST"]),
        Route("/_control/ledger", control.ledger, methods=["GET"]),
        Route("/_control/posts", control.posts, methods=["GET"]),
        Route("/_control/forms/faults", control.form_set, methods=["POST"]),
        Route("/_control/forms/clear", control.form_clear, methods=["POST"]),
    ]


class Control:
    """The endpoints, over one world."""

    def __init__(self, world: PlatformWorld) -> None:
        self._world = world

    async def accounts(self, request: Request) -> Response:
        """Every account, with the faults that stand for it."""
        return JSONResponse({"accounts": [_account(self._world, a) for a in self._world.accounts.values()]})

    async def faults(self, request: Request) -> Response:
        """Every standing fault, and the kinds and groups that there are."""
        standing = [fault.as_json() for fault in self._world.faults.standing]
        return JSONResponse({"faults": standing, "kinds": KINDS, "groups": GROUPS})

    async def set_fault(self, request: Request) -> Response:
        """Put a fault up: `kind`, `platform`, and `account`, `group`, `count`, `value`, `text` as wanted."""
        body = await _body(request)
        try:
            fault = self._world.set_fault(
                str(body.get("kind")),
                str(body.get("platform")),
                str(body.get("account") or ""),
                group=str(body.get("group") or "any"),
                count=None if body.get("count") is None else int(body["count"]),
                value=None if body.get("value") is None else float(body["value"]),
                text=str(body.get("text") or ""),
            )
        except KeyError:
            return _refuse("There is no such account.", 404)
        except (TypeError, ValueError) as error:
            return _refuse(str(error))
        return JSONResponse(fault.as_json(), 201)

    async def clear_faults(self, request: Request) -> Response:
        """Take faults down, by `platform`, `account`, `kind`, `id`; without any of them, all."""
        query = request.query_params
        number = query.get("id")
        if number is not None and not number.isdecimal():
            return _refuse("An id is a number.")
        cleared = self._world.faults.clear(
            platform=query.get("platform", ""),
            account=query.get("account"),
            kind=query.get("kind", ""),
            id=None if number is None else int(number),
        )
        return JSONResponse({"cleared": cleared})

    async def act(self, request: Request) -> Response:
        """Let a user do something on the platform's own pages: `action`, `platform`, `account`, and more."""
        body = await _body(request)
        account = self._world.accounts.get((str(body.get("platform")), str(body.get("account"))))
        action = ACTIONS.get(str(body.get("action")))
        if account is None or action is None:
            return _refuse("There is no such account or action.", 404)
        try:
            action(self._world, account, body)
        except KeyError as missing:
            return _refuse(f"Missing or unknown: {missing}", 404)
        self._world.ledger.write("user_action", account.platform, account.id, action=str(body["action"]))
        return JSONResponse({"ok": True})

    async def set_mode(self, request: Request) -> Response:
        """Switch what the facts leave open, such as `instagram.me` to `wrapped`."""
        body = await _body(request)
        self._world.modes.update({str(name): str(value) for name, value in body.items()})
        return JSONResponse({"modes": self._world.modes})

    async def ledger(self, request: Request) -> Response:
        """Entries, filtered by `event`, `platform`, `account`; `after` is the last one already read."""
        query = request.query_params
        after = query.get("after", "0")
        entries = self._world.ledger.find(
            query.get("event", ""),
            platform=query.get("platform", ""),
            account=query.get("account", ""),
            after=int(after) if after.isdecimal() else 0,
        )
        return JSONResponse({"entries": [entry.as_json() for entry in entries]})

    async def posts(self, request: Request) -> Response:
        """The live posts, newest first, filtered by `platform` and `account`."""
        platform, account = request.query_params.get("platform"), request.query_params.get("account")
        found = [
            {
                "id": p.id,
                "platform": p.platform,
                "account": p.account,
                "text": p.text,
                "media": list(p.media),
                "at": p.at.isoformat(),
                "permalink": p.permalink,
            }
            for p in reversed(self._world.posts.values())
            if not p.deleted and platform in (None, p.platform) and account in (None, p.account)
        ]
        return JSONResponse({"posts": found})

    async def form_set(self, request: Request) -> Response:
        """The panel's switch: put one fault up for one account."""
        form = await request.form()
        count = str(form.get("count", ""))
        try:
            self._world.set_fault(
                str(form.get("kind", "")),
                str(form.get("platform", "")),
                str(form.get("account", "")),
                count=int(count) if count else None,
            )
        except (KeyError, ValueError):
            return _refuse("There is no such account or fault.")
        return _back(request)

    async def form_clear(self, request: Request) -> Response:
        """The panel's way back: take one fault down."""
        form = await request.form()
        number = str(form.get("id", ""))
        if not number.isdecimal():
            return _refuse("There is no such fault.")
        self._world.faults.clear(id=int(number))
        return _back(request)


def render_faults_panel(world: PlatformWorld) -> Markup:
    """The accounts by platform, each with its faults and a switch for one more, as HTML."""
    platforms: dict[str, list[dict[str, Any]]] = {}
    for account in world.accounts.values():
        platforms.setdefault(account.platform, []).append(_account(world, account))
    page = templates.get_template("faults.html").render(platforms=platforms, kinds=KINDS)
    return Markup(page)  # rendered with escaping on


def _account(world: PlatformWorld, account: Account) -> dict[str, Any]:
    standing = world.faults.standing
    return {
        "platform": account.platform,
        "id": account.id,
        "handle": account.handle,
        "name": account.name,
        "login": account.login,
        "faults": [
            {**fault.as_json(), "label": KINDS[fault.kind]}
            for fault in standing
            if fault.platform == account.platform and fault.account in ("", account.id)
        ],
    }


def _revoke(world: PlatformWorld, account: Account, body: Mapping[str, Any]) -> None:
    world.revoked(account.platform, account.id, "user")
    _end_all(world, account, "revoked")


def _change_password(world: PlatformWorld, account: Account, body: Mapping[str, Any]) -> None:
    _end_all(world, account, "password_changed")


def _end_all(world: PlatformWorld, account: Account, reason: str) -> None:
    for grant in list(world.grants.values()):
        if (grant.platform, grant.account) == (account.platform, account.id):
            world.end_grant(grant.id, reason)


def _rename(world: PlatformWorld, account: Account, body: Mapping[str, Any]) -> None:
    world.change_account(account.platform, account.id, handle=str(body["handle"]))


def _suspend(world: PlatformWorld, account: Account, body: Mapping[str, Any]) -> None:
    world.set_fault("suspended", account.platform, account.id)


def _restore(world: PlatformWorld, account: Account, body: Mapping[str, Any]) -> None:
    world.faults.clear(platform=account.platform, account=account.id, kind="suspended")


def _retype(world: PlatformWorld, account: Account, body: Mapping[str, Any]) -> None:
    extra = {**account.extra, "account_type": str(body["account_type"])}
    world.change_account(account.platform, account.id, extra=extra)


def _change(world: PlatformWorld, account: Account, body: Mapping[str, Any]) -> None:
    """Change what one platform alone knows of the account: boards, roles, privacy."""
    world.change_account(account.platform, account.id, extra={**account.extra, **dict(body["extra"])})


def _delete_post(world: PlatformWorld, account: Account, body: Mapping[str, Any]) -> None:
    world.delete_post(account.platform, str(body["post"]), by="user")


ACTIONS: dict[str, Action] = {
    "revoke": _revoke,
    "change_password": _change_password,
    "rename": _rename,
    "suspend": _suspend,
    "restore": _restore,
    "account_type": _retype,
    "change": _change,
    "delete_post": _delete_post,
}


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _refuse(message: str, status: int = 400) -> Response:
    return JSONResponse({"error": message}, status)


def _back(request: Request) -> Response:
    came_from = urlsplit(request.headers.get("referer", ""))
    return RedirectResponse("/" + came_from.path.lstrip("/"), status_code=303)
