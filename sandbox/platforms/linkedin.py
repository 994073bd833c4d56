"""The twin of LinkedIn: its hosts, who-am-I, and a member's organisations (LinkedIn facts §4).

Members are logins. Organisations are accounts with `login` = False. A member's `extra` may hold `roles`
(organisation id to role), `subs` (client id to the member's id there, where it is not the account's own)
and `email`.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from sandbox.platforms import linkedin_media, linkedin_oauth, linkedin_posts
from sandbox.platforms.core import Call, endpoint, host
from sandbox.platforms.linkedin_authors import roles_of, sub_of
from sandbox.platforms.linkedin_manners import (
    MANNERS,
    Quotas,
    authorized,
    check_version,
    denied,
    refused,
    unknown,
)
from sandbox.platforms.model import Account
from sandbox.world import PlatformWorld

ADMIN_SCOPES = ("rw_organization_admin", "r_organization_admin")


def routes(world: PlatformWorld) -> list[BaseRoute]:
    """`www.linkedin.com` with consent, tokens and upload addresses; `api.linkedin.com` with all else."""
    quotas, assets = Quotas(), linkedin_media.Assets()

    async def userinfo(call: Call) -> Response:
        return await _userinfo(call, quotas)

    async def me(call: Call) -> Response:
        return await _me(call, quotas)

    async def acls(call: Call) -> Response:
        check_version(call)
        return await _acls(call, quotas, "organization")

    async def old_acls(call: Call) -> Response:
        return await _acls(call, quotas, "organizationalTarget")

    async def organization(call: Call) -> Response:
        return await _organization(call, quotas)

    api = [
        endpoint(world, MANNERS, "/v2/userinfo", "GET", "probe", userinfo),
        endpoint(world, MANNERS, "/v2/me", "GET", "probe", me),
        endpoint(world, MANNERS, "/rest/organizationAcls", "GET", "probe", acls),
        endpoint(world, MANNERS, "/v2/organizationalEntityAcls", "GET", "probe", old_acls),
        endpoint(world, MANNERS, "/rest/organizations/{id}", "GET", "probe", organization),
        *linkedin_posts.routes(world, quotas, assets),
        *linkedin_media.routes(world, quotas, assets),
    ]
    www = [
        *linkedin_oauth.authorize_routes(world),
        *linkedin_oauth.token_routes(world),
        *linkedin_media.upload_routes(world, assets),
    ]
    return [host("www.linkedin.com", www, unknown), host("api.linkedin.com", api, unknown)]


async def _userinfo(call: Call, quotas: Quotas) -> Response:
    grant = await authorized(call, "openid", what="userinfo.GET.NO_VERSION")
    quotas.count(call, grant)
    account, scopes = call.who(), call.scopes(grant)
    body: dict[str, Any] = {"sub": sub_of(account, grant.client_id)}
    if "profile" in scopes:
        given, _, family = account.name.partition(" ")
        body.update(name=account.name, given_name=given, family_name=family, picture=account.picture)
        body["locale"] = {"country": "US", "language": "en"}
    if "email" in scopes:
        body.update(email=account.extra.get("email", f"{account.handle}@example.com"), email_verified=True)
    return JSONResponse(body)


async def _me(call: Call, quotas: Quotas) -> Response:
    grant = await authorized(call, "r_basicprofile", what="me.GET.NO_VERSION")
    quotas.count(call, grant)
    account = call.who()
    given, _, family = account.name.partition(" ")
    body = {
        "id": sub_of(account, grant.client_id),
        "localizedFirstName": given,
        "localizedLastName": family,
        "vanityName": account.handle,
    }
    return JSONResponse(body)


async def _acls(call: Call, quotas: Quotas, target: str) -> Response:
    grant = await authorized(call, *ADMIN_SCOPES, what="organizationAcls.FINDER-roleAssignee")
    quotas.count(call, grant)
    query = call.request.query_params
    if query.get("q") != "roleAssignee":
        raise refused(400, "ILLEGAL_ARGUMENT", "The finder q=roleAssignee is required")
    person = f"urn:li:person:{sub_of(call.who(), grant.client_id)}"
    elements = [
        {
            target: f"urn:li:organization:{id}",
            "role": role,
            "roleAssignee": person,
            "state": "APPROVED",
        }
        for id, role in roles_of(call).items()
        if query.get("role", role) == role and query.get("state", "APPROVED") == "APPROVED"
    ]
    start, count = _number(query.get("start"), 0), _number(query.get("count"), 10)
    paging = {"start": start, "count": count, "total": len(elements), "links": []}
    return JSONResponse({"elements": elements[start : start + count], "paging": paging})


def _number(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isdecimal() else default


async def _organization(call: Call, quotas: Quotas) -> Response:
    check_version(call)
    grant = await authorized(call, *ADMIN_SCOPES, what="organizations.GET")
    quotas.count(call, grant)
    id = str(call.request.path_params["id"])
    organization: Account | None = call.world.accounts.get(("linkedin", id))
    if organization is None or organization.login:
        raise refused(404, "RESOURCE_NOT_FOUND", "Organization not found", 0)
    if id not in roles_of(call):
        raise denied("organizations.GET")
    body = {"id": int(id), "localizedName": organization.name, "vanityName": organization.handle}
    return JSONResponse(body)
