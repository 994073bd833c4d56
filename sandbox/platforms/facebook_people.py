"""What Facebook says of people, their permissions, Pages and tokens (meta facts §2.3, §2.4, §2.7).

Modes: `facebook.unticked` is `listed` (without a token) or `hidden` in `/me/accounts`;
`facebook.revoke_answer` is `true` or `success`; `facebook.debug_role` = `unseen` keeps a lost role from
debug_token.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.responses import JSONResponse, Response

from sandbox.platforms.core import Call, bearer
from sandbox.platforms.facebook_access import (
    Caller,
    authorized,
    check_data_access,
    data_access_end,
    newest_consent,
    page_for,
    page_token,
    pages_of,
    tasks_on,
    ticked,
)
from sandbox.platforms.facebook_fields import fields_of, shown
from sandbox.platforms.facebook_login import app_of
from sandbox.platforms.facebook_manners import BAD_TOKEN, BUSINESS, DENIED, IG_BASIC, LIST, META
from sandbox.platforms.meta import GraphError, bad_parameter, next_page, no_object, parameters, token_error
from sandbox.platforms.model import Account, App, Grant, Presented

TYPES = {"page": "PAGE", "short": "USER", "long": "USER"}


def picture(account: Account) -> dict[str, Any]:
    """The picture as the Graph API wraps it."""
    address = account.picture or f"https://graph.facebook.com/{account.id}/picture"
    return {"data": {"url": address, "is_silhouette": not account.picture}}


def page_fields(call: Call, caller: Caller, page: Account, wanted: Mapping[str, str]) -> dict[str, Any]:
    """Every field of a Page; a token is made only when it is asked for."""
    token = None
    if "access_token" in wanted and not caller.is_page and page.id in ticked(caller.newest):
        token = page_token(call, caller, page)
    return {
        "id": page.id,
        "name": page.name,
        "username": page.handle,
        "link": f"https://www.facebook.com/{page.handle}",
        "category": page.extra.get("category", "Local business"),
        "tasks": tasks_on(page, caller.grant.account),
        "picture": picture(page),
        "fan_count": int(page.extra.get("fan_count", 250)),
        "followers_count": int(page.extra.get("fan_count", 250)),
        "instagram_business_account": _linked(call, caller, page),
        "access_token": token,
    }


def _linked(call: Call, caller: Caller, page: Account) -> dict[str, Any] | None:
    """The Instagram account of a Page, where there is one, it was ticked, and may be read."""
    found = call.world.accounts.get(("instagram", str(page.extra.get("instagram", ""))))
    if found is None or IG_BASIC not in caller.scopes or found.id not in ticked(caller.newest):
        return None
    if call.world.faults.take({"account_unlinked"}, "facebook", ("", page.id), call.group):
        return None
    return {
        "id": found.id,
        "username": found.handle,
        "name": found.name,
        "profile_picture_url": found.picture or None,
    }


async def list_pages(call: Call) -> Response:
    """`/me/accounts`: the Pages on which the person has a role, as far as the permissions show them."""
    given = await parameters(call.request)
    caller = await _person(call, given)
    caller.need(LIST)
    pages = [
        page
        for page in pages_of(call.world, call.account)
        if BUSINESS in caller.scopes or not page.extra.get("business")
    ]
    if call.world.modes.get("facebook.unticked") == "hidden":
        pages = [page for page in pages if page.id in ticked(caller.newest)]
    return _page_list(call, caller, pages)


async def list_businesses(call: Call) -> Response:
    """`/me/businesses`: the portfolios whose Pages the person works on."""
    caller = await _person(call, await parameters(call.request))
    caller.need(BUSINESS)
    names = {str(page.extra.get("business", "")) for page in pages_of(call.world, call.account)} - {""}
    return JSONResponse({"data": [{"id": name, "name": f"Business {name}"} for name in sorted(names)]})


async def list_owned(call: Call) -> Response:
    """`/{business}/owned_pages` and `/{business}/client_pages`."""
    caller = await _person(call, await parameters(call.request))
    caller.need(BUSINESS)
    business = call.request.path_params["id"]
    as_client = call.request.url.path.endswith("/client_pages")
    pages = [p for p in pages_of(call.world, call.account) if p.extra.get("business") == business]
    if not pages:
        raise no_object(str(business))
    return _page_list(call, caller, [p for p in pages if bool(p.extra.get("as_client")) == as_client])


async def _person(call: Call, given: Mapping[str, str]) -> Caller:
    caller = await authorized(call, given)
    if caller.is_page:
        raise bad_parameter("Tried accessing nonexisting field (accounts) on node type (Page)")
    check_data_access(call, caller)
    return caller


def _page_list(call: Call, caller: Caller, pages: list[Account]) -> Response:
    query = call.request.query_params
    limit, after = query.get("limit", "25"), query.get("after", "0")
    if not limit.isdecimal() or not 1 <= int(limit) <= 100 or not after.isdecimal():
        raise bad_parameter("The parameters limit and after must be valid")
    asked = query.get("fields", "")
    wanted = fields_of(asked) or dict.fromkeys(("access_token", "category", "name", "id", "tasks"), "")
    start, end = int(after), int(after) + int(limit)
    data = [shown(page_fields(call, caller, p, wanted), asked, wanted) for p in pages[start:end]]
    body: dict[str, Any] = {"data": data}
    if data:
        body["paging"] = {"cursors": {"before": str(start), "after": str(start + len(data))}}
        if len(pages) > end:
            body["paging"]["next"] = next_page(call, str(end))
    return JSONResponse(body)


def person_fields(person: Account) -> dict[str, Any]:
    """Every field of a person."""
    return {"id": person.id, "name": person.name, "picture": picture(person)}


def node_fields(call: Call, caller: Caller, id: str, asked: str) -> dict[str, Any]:
    """A person or a Page, as asked. Raises Refused for what the caller does not reach."""
    if not caller.is_page and id in ("me", call.account):
        return shown(person_fields(call.who()), asked, ("id", "name"))
    page = page_for(call, caller, id)
    return shown(page_fields(call, caller, page, fields_of(asked)), asked, ("id", "name"))


async def list_permissions(call: Call) -> Response:
    """What was granted and what was declined."""
    caller = await authorized(call, await parameters(call.request))
    if caller.is_page or call.request.path_params["id"] not in ("me", call.account):
        raise no_object(str(call.request.path_params["id"]))
    asked = {"public_profile", *caller.newest.extra.get("asked", ())}
    data = [
        {"permission": name, "status": "granted" if name in caller.scopes else "declined"}
        for name in sorted(asked)
    ]
    return JSONResponse({"data": data})


async def revoke(call: Call) -> Response:
    """Remove the app from a person, or one permission: with the person's token, or the app's."""
    given = await parameters(call.request)
    person, client_id = await _whose(call, given, str(call.request.path_params["id"]))
    permission = str(call.request.path_params.get("permission", ""))
    mine = [
        grant
        for grant in call.world.grants.values()
        if (grant.platform, grant.client_id, grant.account) == ("facebook", client_id, person)
        and not grant.ended
    ]
    if not mine:
        raise no_object(person, "delete")
    if permission:
        call.world.narrow_grant(newest_consent(call.world, mine[0]).id, permission)
    else:
        call.world.revoked("facebook", person, "app")
        for grant in mine:
            call.world.end_grant(grant.id, "app_removed")
    success = call.world.modes.get("facebook.revoke_answer") == "success"
    return JSONResponse({"success": True} if success else True)


async def _whose(call: Call, given: Mapping[str, str], id: str) -> tuple[str, str]:
    """The person and the app, from either kind of token."""
    value = bearer(call.request) or given.get("access_token", "")
    if "|" in value:
        app = app_of(call, value)
        if app is None:
            raise BAD_TOKEN.refused()
        if ("facebook", id) not in call.world.accounts:
            raise no_object(id, "delete")
        await call.about(id)
        return id, app.client_id
    caller = await authorized(call, given)
    if caller.is_page or id not in ("me", call.account):
        raise DENIED.refused()
    return call.account, caller.grant.client_id


async def subscribe(call: Call) -> Response:
    """`/{page}/subscribed_apps`: on and off."""
    caller = await authorized(call, await parameters(call.request))
    page_for(call, caller, str(call.request.path_params["id"]))
    if call.request.method == "POST":
        caller.need(META)
    return JSONResponse({"success": True})


async def debug(call: Call) -> Response:
    """`/debug_token`: what a token is, also when it is dead."""
    given = await parameters(call.request)
    app = app_of(call, bearer(call.request) or given.get("access_token", ""))
    if app is None:
        raise BAD_TOKEN.refused()
    value = given.get("input_token", "")
    if not value:
        raise bad_parameter("The parameter input_token is required")
    found = await call.present(value)
    if found.token is None or found.grant is None or found.grant.client_id != app.client_id:
        problem = {"code": 190, "message": "Invalid OAuth access token."}
        return JSONResponse({"data": {"error": problem, "is_valid": False, "scopes": []}})
    return JSONResponse({"data": _debugged(call, app, found)})


def _debugged(call: Call, app: App, found: Presented) -> dict[str, Any]:
    token, grant = found.token, found.grant
    assert token is not None and grant is not None
    newest = newest_consent(call.world, grant)
    scopes = sorted(call.scopes(newest) | {"public_profile"})
    data: dict[str, Any] = {
        "app_id": app.client_id,
        "type": TYPES[token.kind],
        "application": app.name,
        "data_access_expires_at": _unix(data_access_end(newest)),
        "expires_at": _unix(token.expires_at),
        "is_valid": True,
        "issued_at": _unix(token.issued_at),
        "scopes": scopes,
        "granular_scopes": [_granular(call, scope, newest) for scope in scopes],
        "user_id": grant.account,
    }
    if token.kind == "page":
        data["profile_id"] = token.account
    if problem := _debug_problem(call, found):
        data["is_valid"] = False
        data["error"] = {"code": problem.code, "message": problem.message}
        if problem.sub is not None:
            data["error"]["subcode"] = problem.sub
    return data


def _debug_problem(call: Call, found: Presented) -> GraphError | None:
    if found.state != "fresh":
        return token_error(call, found)
    if call.fault("checkpoint"):
        return GraphError(190, "Error validating access token: The user is enrolled in a checkpoint.", 459)
    token, grant = found.token, found.grant
    assert token is not None and grant is not None
    if call.world.modes.get("facebook.debug_role") == "unseen":
        return None
    if token.kind == "page" and (call.fault("role_lost") or not tasks_on(call.who(), grant.account)):
        return GraphError(
            190, "Error validating access token: The user does not have a role on the Page.", 492
        )
    return None


def _granular(call: Call, scope: str, newest: Grant) -> dict[str, Any]:
    """A scope with what it was ticked for; scopes that are about no asset name none."""
    platform = "instagram" if scope.startswith("instagram_") else "facebook"
    if not scope.startswith(("pages_", "instagram_")):
        return {"scope": scope}
    ids = [id for id in newest.extra.get("assets", ()) if (platform, id) in call.world.accounts]
    return {"scope": scope, "target_ids": ids}


def _unix(at: datetime | None) -> int:
    return int(at.timestamp()) if at else 0
