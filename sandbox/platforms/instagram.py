"""The twin of Instagram with Instagram Login: consent, tokens, who-am-I (meta facts §3.1 to §3.3, §3.5).

`world.modes` switches what the facts leave open: `instagram.exchange` and `instagram.me` are `flat` or
`wrapped`; `instagram.old_token` is `valid` or `dead` (what becomes of a token once it was refreshed). The
real platform takes https redirects only; this one takes whatever its app registered.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.platforms import instagram_media, meta_notices
from sandbox.platforms.consent import Ask, ConsentStyle, address_with, consent_routes
from sandbox.platforms.containers import Containers
from sandbox.platforms.core import Call, Refused, endpoint, form_of, host, html
from sandbox.platforms.fetch import Fetcher, HttpFetcher
from sandbox.platforms.instagram_manners import (
    BASIC,
    MANNERS,
    PERSONAL,
    account_fields,
    app_scoped,
    professional,
)
from sandbox.platforms.meta import (
    NO_PERMISSION,
    VERSIONS,
    GraphError,
    authorized,
    bad_parameter,
    check_secret,
    flat_error,
    graph_unknown,
    picked,
    token_error,
    usage,
)
from sandbox.platforms.model import Account, App, Code, Grant, Token
from sandbox.world import PlatformWorld

CODE_SECONDS = 3600.0
SHORT_SECONDS = 3600
LONG_SECONDS = 5_183_944
YOUNGEST = timedelta(hours=24)
DENIED = {
    "error": "access_denied",
    "error_reason": "user_denied",
    "error_description": "The user denied your request",
}
MISMATCH = (
    "Error validating verification code. Please make sure your redirect_uri is identical to the one you used "
    "in the OAuth dialog request"
)


def routes(world: PlatformWorld, fetcher: Fetcher | None = None) -> list[BaseRoute]:
    """Instagram's three hosts; `fetcher` gets the media that posts name."""
    world.watchers["instagram"] = meta_notices.watcher(world, "instagram", app_scoped)
    style = ConsentStyle(
        label="Instagram",
        read=_read_ask,
        code_ttl=CODE_SECONDS,
        untick=True,
        code_prefix="AQB",
        fragment="#_",
        denied=DENIED,
        refuse=_refuse,
    )
    exchange = endpoint(world, MANNERS, "/oauth/access_token", "POST", "token", _exchange)
    graph = [
        endpoint(world, MANNERS, "/access_token", "GET", "token", _lengthen),
        endpoint(world, MANNERS, "/refresh_access_token", "GET", "refresh", _refresh),
    ]
    containers = Containers(fetcher or HttpFetcher())
    for version in VERSIONS:
        graph.append(endpoint(world, MANNERS, f"/{version}/me", "GET", "probe", _me))
        graph += instagram_media.routes(world, f"/{version}", containers)
    return [
        host("www.instagram.com", _pages(world, style), _unknown_page),
        host("api.instagram.com", [*_pages(world, style), exchange], _unknown_page),
        host("graph.instagram.com", graph, graph_unknown),
    ]


def _pages(world: PlatformWorld, style: ConsentStyle) -> list[Route]:
    return consent_routes(world, MANNERS, "/oauth/authorize", style)


def _unknown_page(request: Request, known_path: bool) -> Response:
    status, text = (405, "Method Not Allowed") if known_path else (404, "Sorry, this page isn't available.")
    return html("problem.html", status, label="Instagram", reason=text)


def _read_ask(call: Call) -> Ask:
    query = call.request.query_params
    app = call.world.apps.get(("instagram", query.get("client_id", "")))
    if app is None:
        raise flat_error("Invalid platform app")
    address = query.get("redirect_uri", "")
    if address not in app.redirect_uris:
        raise flat_error("Invalid redirect_uri")
    if query.get("response_type") != "code":
        raise flat_error("Invalid response_type")
    scopes = tuple(dict.fromkeys(query.get("scope", "").replace(",", " ").split()))
    state = query.get("state", "")
    strange = [scope for scope in scopes if scope not in app.scopes]
    if strange or not scopes:
        fields = {"error_code": "100", "error_message": f"Invalid Scopes: {', '.join(strange)}"}
        back = address_with(address, {**fields, **({"state": state} if state else {})})
        raise Refused(RedirectResponse(back, status_code=302))
    return Ask(app=app, redirect_uri=address, state=state, scopes=scopes)


def _refuse(account: Account) -> str:
    if professional(account):
        return ""
    return "To connect this app, switch to a professional account in the Instagram app first."


async def _exchange(call: Call) -> Response:
    form = await form_of(call.request)
    call.world.see(form.get("client_secret", ""))
    for name in ("client_id", "client_secret", "grant_type", "redirect_uri", "code"):
        if not form.get(name):
            raise flat_error(f"Missing required field {name}")
    app = call.world.apps.get(("instagram", form["client_id"]))
    if app is None:
        raise flat_error("Invalid platform app")
    if form["grant_type"] != "authorization_code":
        raise flat_error("Invalid grant_type")
    if not secrets.compare_digest(form["client_secret"].encode(), app.secret.encode()):
        raise flat_error("Error validating client secret.")
    code = await _code(call, app, form)
    call.world.spend_code(code)
    grant = call.world.new_grant("instagram", app.client_id, code.account, code.scopes)
    token = call.world.issue(grant, "short", seconds=SHORT_SECONDS, prefix="IGAA")
    return JSONResponse(_exchanged(call, grant, token))


async def _code(call: Call, app: App, form: dict[str, str]) -> Code:
    code, state = call.world.present_code("instagram", form["code"])
    if code is not None:
        await call.about(code.account)
    if state == "spent":
        raise flat_error("This authorization code has been used")
    if code is None or state != "fresh" or code.client_id != app.client_id:
        raise flat_error("Matching code was not found or was already used")
    if code.redirect_uri != form["redirect_uri"]:
        raise flat_error(MISMATCH)
    return code


def _exchanged(call: Call, grant: Grant, token: Token) -> dict[str, Any]:
    permissions = sorted(grant.scopes)
    if call.world.modes.get("instagram.exchange") == "wrapped":
        entry = {"access_token": token.value, "user_id": grant.account, "permissions": ",".join(permissions)}
        return {"data": [entry]}
    return {"access_token": token.value, "user_id": int(grant.account), "permissions": permissions}


async def _lengthen(call: Call) -> Response:
    query = call.request.query_params
    if query.get("grant_type") != "ig_exchange_token":
        raise bad_parameter("The parameter grant_type must be ig_exchange_token")
    presented = await call.present(query.get("access_token", ""))
    call.world.see(query.get("client_secret", ""))
    if presented.state != "fresh" or presented.grant is None or presented.token is None:
        raise token_error(call, presented).refused()
    if presented.token.kind != "short":
        raise GraphError(190, "Invalid OAuth access token.").refused()
    app = call.world.apps["instagram", presented.grant.client_id]
    if query.get("client_id", app.client_id) != app.client_id:
        raise GraphError(101, "Error validating application. Invalid application ID.").refused()
    check_secret(call, app, query.get("client_secret", ""))
    return _long(call, presented.grant)


async def _refresh(call: Call) -> Response:
    query = call.request.query_params
    if query.get("grant_type") != "ig_refresh_token":
        raise bad_parameter("The parameter grant_type must be ig_refresh_token")
    presented = await call.present(query.get("access_token", ""))
    token, grant = presented.token, presented.grant
    if presented.state != "fresh" or token is None or grant is None:
        raise token_error(call, presented).refused()
    if call.fault("refresh_dead", serial=grant.serial):
        raise GraphError(190, "Error validating access token: Session is invalid.", 467).refused()
    if token.kind != "long":
        raise GraphError(190, "Invalid OAuth access token.").refused()
    if BASIC not in call.scopes(grant):
        raise GraphError(10, NO_PERMISSION).refused()
    if call.world.now() - token.issued_at < YOUNGEST:
        raise bad_parameter("The access token must be at least 24 hours old to be refreshed")
    if call.world.modes.get("instagram.old_token") == "dead":
        call.world.spend(token)
    return _long(call, grant)


def _long(call: Call, grant: Grant) -> Response:
    token = call.world.issue(grant, "long", seconds=LONG_SECONDS, prefix="IGAA")
    body = {"access_token": token.value, "token_type": "bearer", "expires_in": LONG_SECONDS}
    return JSONResponse(body)


async def _me(call: Call) -> Response:
    await authorized(call, dict(call.request.query_params), BASIC)
    usage(call, "instagram", 1, 0)
    if not professional(call.who()):
        raise PERSONAL.refused()
    shown = picked(call, account_fields(call), ["id"])
    return JSONResponse({"data": [shown]} if call.world.modes.get("instagram.me") == "wrapped" else shown)
