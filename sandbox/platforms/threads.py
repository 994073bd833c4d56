"""The twin of Threads: consent, tokens, who-am-I (meta facts §4.1 to §4.4).

`world.modes` switches what the facts leave open: `threads.user_id` is `number` or `string` (in the code
exchange), `threads.old_token` is `valid` or `dead` (once it was refreshed). The real platform takes https
redirects only; this one takes whatever its app registered.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.platforms import meta_notices, threads_posts
from sandbox.platforms.consent import Ask, ConsentStyle, address_with, consent_routes
from sandbox.platforms.containers import Containers
from sandbox.platforms.core import Call, Refused, endpoint, host, html
from sandbox.platforms.fetch import Fetcher, HttpFetcher
from sandbox.platforms.meta import (
    NO_PERMISSION,
    GraphError,
    authorized,
    bad_parameter,
    check_secret,
    graph_unknown,
    parameters,
    picked,
    token_error,
    usage,
)
from sandbox.platforms.model import App, Code, Grant
from sandbox.platforms.threads_manners import BASIC, MANNERS, profile_fields
from sandbox.world import PlatformWorld

LOGIN_HOSTS = ("www.threads.com", "threads.com", "www.threads.net", "threads.net")
GRAPH_HOSTS = ("graph.threads.net", "graph.threads.com")
CODE_SECONDS = 3600.0
SHORT_SECONDS = 3600
LONG_SECONDS = 5_183_944
YOUNGEST = timedelta(hours=24)
DATA_ACCESS = timedelta(days=90)
DENIED = {
    "error": "access_denied",
    "error_reason": "user_denied",
    "error_description": "The user denied your request",
}
NO_APP = GraphError(101, "Error validating application. Cannot get application info due to a system error.")
MISMATCH = (
    "Error validating verification code. Please make sure your redirect_uri is identical to the one you used "
    "in the OAuth dialog request"
)


def routes(world: PlatformWorld, fetcher: Fetcher | None = None) -> list[BaseRoute]:
    """Threads' login and API hosts; `fetcher` gets the media that posts name."""
    world.watchers["threads"] = meta_notices.watcher(world, "threads", lambda account: account.id)
    style = ConsentStyle(
        label="Threads",
        read=_read_ask,
        code_ttl=CODE_SECONDS,
        untick=True,
        code_prefix="AQB",
        fragment="#_",
        denied=DENIED,
    )
    pages = consent_routes(world, MANNERS, "/oauth/authorize", style)
    containers = Containers(fetcher or HttpFetcher())
    graph = [
        *_token_routes(world, ""),
        *_token_routes(world, "/v1.0"),
        endpoint(world, MANNERS, "/v1.0/debug_token", "GET", "probe", _debug),
        endpoint(world, MANNERS, "/v1.0/me", "GET", "probe", _me),
        *threads_posts.routes(world, containers),
    ]
    return [
        *(host(name, pages, _unknown_page) for name in LOGIN_HOSTS),
        *(host(name, graph, graph_unknown) for name in GRAPH_HOSTS),
    ]


def _token_routes(world: PlatformWorld, prefix: str) -> list[Route]:
    return [
        endpoint(world, MANNERS, f"{prefix}/oauth/access_token", "POST", "token", _exchange),
        endpoint(world, MANNERS, f"{prefix}/oauth/access_token", "GET", "token", _exchange),
        endpoint(world, MANNERS, f"{prefix}/access_token", "GET", "token", _lengthen),
        endpoint(world, MANNERS, f"{prefix}/refresh_access_token", "GET", "refresh", _refresh),
    ]


def _unknown_page(request: Request, known_path: bool) -> Response:
    status, text = (405, "Method Not Allowed") if known_path else (404, "Sorry, this page isn't available.")
    return html("problem.html", status, label="Threads", reason=text)


def _page(reason: str) -> Refused:
    return Refused(html("problem.html", 400, label="Threads", reason=reason))


def _read_ask(call: Call) -> Ask:
    query = call.request.query_params
    app = call.world.apps.get(("threads", query.get("client_id", "")))
    if app is None:
        raise _page("No app ID was sent with the request. Error code: 4476002")
    address = query.get("redirect_uri", "")
    if address not in app.redirect_uris:
        raise _page("Blocked redirect: the redirect URI is not whitelisted in the app's settings.")
    if query.get("response_type") != "code":
        raise _page("Invalid response_type")
    scopes = tuple(dict.fromkeys(query.get("scope", "").replace(",", " ").split()))
    if BASIC not in scopes:
        raise _page("threads_basic is required for all calls.")
    state = query.get("state", "")
    if strange := [scope for scope in scopes if scope not in app.scopes]:
        fields = {"error_code": "100", "error_message": f"Invalid Scopes: {', '.join(strange)}"}
        back = address_with(address, {**fields, **({"state": state} if state else {})})
        raise Refused(RedirectResponse(back, status_code=302))
    return Ask(app=app, redirect_uri=address, state=state, scopes=scopes)


async def _exchange(call: Call) -> Response:
    given = await parameters(call.request)
    app = call.world.apps.get(("threads", given.get("client_id", "")))
    if app is None:
        call.world.see(given.get("client_secret", ""))
        raise NO_APP.refused()
    check_secret(call, app, given.get("client_secret", ""))
    if given.get("grant_type") == "client_credentials" and call.request.method == "GET":
        value = f"TH|{app.client_id}|{secrets.token_urlsafe(24)}"
        call.world.see(value)
        return JSONResponse({"access_token": value, "token_type": "bearer"})
    if given.get("grant_type") != "authorization_code":
        raise bad_parameter("The parameter grant_type must be authorization_code")
    code = await _code(call, app, given)
    call.world.spend_code(code)
    grant = call.world.new_grant("threads", app.client_id, code.account, code.scopes)
    token = call.world.issue(grant, "short", seconds=SHORT_SECONDS, prefix="THAA")
    number = call.world.modes.get("threads.user_id", "number") == "number"
    return JSONResponse(
        {"access_token": token.value, "user_id": int(code.account) if number else code.account}
    )


async def _code(call: Call, app: App, given: Mapping[str, str]) -> Code:
    for name in ("redirect_uri", "code"):
        if not given.get(name):
            raise bad_parameter(f"The parameter {name} is required")
    code, state = call.world.present_code("threads", given["code"])
    if code is not None:
        await call.about(code.account)
    if state == "spent":
        raise GraphError(100, "This authorization code has been used.").refused()
    if code is None or state != "fresh" or code.client_id != app.client_id:
        raise GraphError(100, "Matching code was not found or was already used.").refused()
    if code.redirect_uri != given["redirect_uri"]:
        raise GraphError(100, MISMATCH).refused()
    return code


async def _lengthen(call: Call) -> Response:
    query = call.request.query_params
    if query.get("grant_type") != "th_exchange_token":
        raise bad_parameter("The parameter grant_type must be th_exchange_token")
    presented = await call.present(query.get("access_token", ""))
    call.world.see(query.get("client_secret", ""))
    if presented.state != "fresh" or presented.grant is None or presented.token is None:
        raise token_error(call, presented).refused()
    if presented.token.kind != "short":
        raise GraphError(190, "Invalid OAuth access token.").refused()
    app = call.world.apps["threads", presented.grant.client_id]
    check_secret(call, app, query.get("client_secret", ""))
    return _long(call, presented.grant)


async def _refresh(call: Call) -> Response:
    query = call.request.query_params
    if query.get("grant_type") != "th_refresh_token":
        raise bad_parameter("The parameter grant_type must be th_refresh_token")
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
    if call.world.modes.get("threads.old_token") == "dead":
        call.world.spend(token)
    return _long(call, grant)


def _long(call: Call, grant: Grant) -> Response:
    token = call.world.issue(grant, "long", seconds=LONG_SECONDS, prefix="THAA")
    body = {"access_token": token.value, "token_type": "bearer", "expires_in": LONG_SECONDS}
    return JSONResponse(body)


async def _me(call: Call) -> Response:
    await authorized(call, dict(call.request.query_params), BASIC)
    usage(call, "threads", 1, 0)
    return JSONResponse(picked(call, profile_fields(call), ["id"], "THApiException"))


async def _debug(call: Call) -> Response:
    """Only a tester's own token of the same app may ask."""
    query = call.request.query_params
    asker = await authorized(call, dict(query), BASIC)
    if not call.who().extra.get("tester", False):
        raise GraphError(10, NO_PERMISSION).refused()
    found = call.world.present(
        "threads", query.get("input_token", ""), endpoint=call.request.url.path, group="probe"
    )
    if found.token is None or found.grant is None or found.grant.client_id != asker.client_id:
        raise bad_parameter("The parameter input_token must be a valid access token")
    token, grant = found.token, found.grant
    data = {
        "type": "USER",
        "application": call.world.apps["threads", grant.client_id].name,
        "data_access_expires_at": int((grant.at + DATA_ACCESS).timestamp()),
        "expires_at": int(token.expires_at.timestamp()) if token.expires_at else 0,
        "is_valid": found.state == "fresh",
        "issued_at": int(token.issued_at.timestamp()),
        "scopes": sorted(call.scopes(grant)),
        "user_id": grant.account,
    }
    return JSONResponse({"data": data})
