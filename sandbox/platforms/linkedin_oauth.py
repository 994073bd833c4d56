"""LinkedIn's consent, tokens, introspection and revocation (LinkedIn facts §4.1 to §4.4, §4.7).

An app's `extra["mdp"]` gives it refresh tokens. `world.modes`: `linkedin.denial` = `user_cancelled_login`;
`linkedin.second_consent` = `keeps` lets older grants live when the scopes change; `linkedin.scope_separator`
= `space`; `linkedin.dead_refresh` = `invalid_grant`; `linkedin.revoke` = `absent`, as it is not documented.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.platforms.clients import is_form, live_grants, proven_app
from sandbox.platforms.consent import Ask, ConsentStyle, address_with, consent_routes
from sandbox.platforms.core import Call, Refused, endpoint, form_of, html
from sandbox.platforms.linkedin_manners import MANNERS, dead_refresh, oauth_problem, trace, unknown
from sandbox.platforms.model import Account, App, Grant, Presented
from sandbox.world import PlatformWorld

ACCESS_SECONDS = 5_183_999
REFRESH_SECONDS = 31_536_000
CODE_SECONDS = 1800.0
NOT_FOUND = "Unable to retrieve access token: authorization code not found"
MISMATCH = (
    "Unable to retrieve access token: appid/redirect uri/code verifier does not match authorization code. "
    "Or authorization code expired. Or external member binding exists"
)


def authorize_routes(world: PlatformWorld) -> list[Route]:
    """The consent page: all or nothing, and no page at all for who allowed the same before."""
    style = ConsentStyle(
        label="LinkedIn",
        read=_read_ask,
        code_ttl=CODE_SECONDS,
        code_prefix="AQT",
        deny=_denial,
        remembered=_remembered,
    )
    return consent_routes(world, MANNERS, "/oauth/v2/authorization", style)


def token_routes(world: PlatformWorld) -> list[Route]:
    """The token endpoint, introspection, revocation."""
    return [
        endpoint(world, MANNERS, "/oauth/v2/accessToken", "POST", _token_group, _token),
        endpoint(world, MANNERS, "/oauth/v2/introspectToken", "POST", "probe", _introspect),
        endpoint(world, MANNERS, "/oauth/v2/revoke", "POST", "token", _revoke),
    ]


async def _token_group(request: Request) -> str:
    return "refresh" if (await form_of(request)).get("grant_type") == "refresh_token" else "token"


def _denial(call: Call) -> dict[str, str]:
    error = call.world.modes.get("linkedin.denial", "user_cancelled_authorize")
    what = "login" if error == "user_cancelled_login" else "authorize"
    return {"error": error, "error_description": f"The user cancelled the {what}"}


def _page(reason: str) -> Refused:
    return Refused(html("problem.html", 400, label="LinkedIn", reason=reason))


def _bare(address: str) -> str:
    """The address without its query, which LinkedIn ignores."""
    return urlunsplit(urlsplit(address)._replace(query=""))


def _read_ask(call: Call) -> Ask:
    query = call.request.query_params
    app = call.world.apps.get(("linkedin", query.get("client_id", "")))
    if app is None:
        raise _page("The passed in client_id is invalid")
    redirect_uri = query.get("redirect_uri", "")
    if "#" in redirect_uri or _bare(redirect_uri) not in map(_bare, app.redirect_uris):
        raise _page("The redirect_uri does not match the registered value")
    if query.get("response_type") != "code" or not query.get("state"):
        raise _page("A required parameter is missing or invalid")
    if "code_challenge" in query or "code_challenge_method" in query:
        raise _page("PKCE is not enabled for this application")
    scopes = tuple(dict.fromkeys(query.get("scope", "").split()))
    for scope in scopes:
        if scope not in app.scopes:
            raise _unauthorized_scope(redirect_uri, query["state"], scope)
    if not scopes:
        raise _page("A required parameter is missing or invalid")
    return Ask(app=app, redirect_uri=redirect_uri, state=query["state"], scopes=scopes)


def _unauthorized_scope(redirect_uri: str, state: str, scope: str) -> Refused:
    fields = {
        "error": "unauthorized_scope_error",
        "error_description": f'Scope "{scope}" is not authorized for your application',
        "state": state,
    }
    return Refused(RedirectResponse(address_with(redirect_uri, fields), 302))


def _remembered(call: Call, ask: Ask, account: Account) -> tuple[str, ...] | None:
    """Whoever still has a valid grant with the same scopes sees no page."""
    grants = live_grants(call.world, "linkedin", ask.app.client_id, account.id)
    if not grants or grants[-1].scopes != frozenset(ask.scopes):
        return None
    ends = [t.expires_at for t in call.world.tokens.values() if t.grant == grants[-1].id and t.expires_at]
    return ask.scopes if any(end > call.world.now() for end in ends) else None


async def _form(call: Call) -> dict[str, str]:
    trace(call)
    if not is_form(call.request):
        raise oauth_problem(400, "invalid_request", "Content-Type must be application/x-www-form-urlencoded")
    form = await form_of(call.request)
    call.world.see(*(form.get(name, "") for name in ("code", "refresh_token", "token")))
    return form


def _need(form: dict[str, str], *names: str) -> list[str]:
    for name in names:
        if not form.get(name):
            raise oauth_problem(400, "invalid_request", f'A required parameter "{name}" is missing')
    return [form[name] for name in names]


def _client(call: Call, form: dict[str, str]) -> App:
    client_id, secret = _need(form, "client_id", "client_secret")
    app = proven_app(call.world, "linkedin", client_id, secret)
    if app is None:
        raise oauth_problem(401, "invalid_client", "Client authentication failed")
    return app


async def _token(call: Call) -> Response:
    form = await _form(call)
    (kind,) = _need(form, "grant_type")
    app = _client(call, form)
    if kind == "authorization_code":
        return await _exchange(call, app, form)
    if kind == "refresh_token":
        return await _refresh(call, app, form)
    raise oauth_problem(400, "unsupported_grant_type", f"The grant type {kind} is not supported")


async def _exchange(call: Call, app: App, form: dict[str, str]) -> Response:
    value, redirect_uri = _need(form, "code", "redirect_uri")
    code, state = call.world.present_code("linkedin", value)
    if code is None or state == "spent":
        raise oauth_problem(401, "invalid_request", NOT_FOUND)
    await call.about(code.account)
    matches = code.client_id == app.client_id and code.redirect_uri == redirect_uri
    if not matches or state != "fresh" or form.get("code_verifier"):
        raise oauth_problem(400, "invalid_redirect_uri", MISMATCH)
    call.world.spend_code(code)
    if call.world.modes.get("linkedin.second_consent") != "keeps":
        for grant in live_grants(call.world, "linkedin", app.client_id, code.account):
            if grant.scopes != code.scopes:
                call.world.end_grant(grant.id, "second consent")
    grant = call.world.new_grant("linkedin", app.client_id, code.account, code.scopes)
    refresh = None
    if app.extra.get("mdp"):
        refresh = call.world.issue(grant, "refresh", seconds=REFRESH_SECONDS, prefix="AQW", suffix=_padding())
    return _answer(call, grant, refresh.value if refresh else "", refresh.expires_at if refresh else None)


def _padding() -> str:
    """LinkedIn's tokens are very long."""
    return secrets.token_urlsafe(700)


def _answer(call: Call, grant: Grant, refresh: str, refresh_end: datetime | None) -> Response:
    left = ACCESS_SECONDS
    if refresh_end is not None:
        left = min(left, int((refresh_end - call.world.now()).total_seconds()))
    access = call.world.issue(grant, "access", seconds=left, prefix="AQX", suffix=_padding())
    separator = " " if call.world.modes.get("linkedin.scope_separator") == "space" else ","
    body: dict[str, object] = {
        "access_token": access.value,
        "expires_in": left,
        "scope": separator.join(sorted(grant.scopes)),
        "token_type": "Bearer",
    }
    if refresh_end is not None:
        counted = (refresh_end - call.world.now() + timedelta(milliseconds=500)).total_seconds()
        body.update(refresh_token=refresh, refresh_token_expires_in=int(counted))
    return JSONResponse(body, headers={"cache-control": "no-store"})


async def _refresh(call: Call, app: App, form: dict[str, str]) -> Response:
    (value,) = _need(form, "refresh_token")
    presented = await call.present(value)
    token, grant = presented.token, presented.grant
    if token is None or grant is None or token.kind != "refresh" or presented.state != "fresh":
        raise dead_refresh(call)
    if grant.client_id != app.client_id or not app.extra.get("mdp"):
        raise dead_refresh(call)
    return _answer(call, grant, token.value, token.expires_at)


async def _introspect(call: Call) -> Response:
    form = await _form(call)
    app = _client(call, form)
    (value,) = _need(form, "token")
    presented = await call.present(value)
    token, grant = presented.token, presented.grant
    if token is None or grant is None or grant.client_id != app.client_id:
        return JSONResponse({"active": False})
    status = _status(presented)
    issued = int(token.issued_at.timestamp())
    body = {
        "active": status == "active",
        "status": status,
        "scope": ",".join(sorted(call.scopes(grant))),
        "created_at": issued,
        "authorized_at": int(grant.at.timestamp()),
        "expires_at": int(token.expires_at.timestamp()) if token.expires_at else issued,
        "auth_type": "3L",
        "client_id": app.client_id,
    }
    return JSONResponse(body)


def _status(presented: Presented) -> str:
    return {"fresh": "active", "expired": "expired"}.get(presented.state, "revoked")


async def _revoke(call: Call) -> Response:
    if call.world.modes.get("linkedin.revoke") == "absent":
        return unknown(call.request, False)
    form = await _form(call)
    app = _client(call, form)
    (value,) = _need(form, "token")
    presented = await call.present(value)
    if presented.grant is None or presented.grant.client_id != app.client_id:
        raise oauth_problem(400, "invalid_request", "The token is invalid")
    call.world.end_grant(presented.grant.id, "revoked")
    call.world.revoked("linkedin", presented.grant.account, "app", family=presented.grant.id)
    return Response(status_code=200)
