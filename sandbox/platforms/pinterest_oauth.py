"""Pinterest's consent and continuously refreshed tokens (Pinterest facts §5.1 to §5.3, §5.7).

`world.modes`: `pinterest.old_refresh` = `lives` lets a refresh token be used again; `pinterest.same_access` =
`on` hands back the same access token when it is refreshed within a day; `pinterest.scope_separator` =
`comma`.
"""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.platforms.clients import basic, is_form, proven_app
from sandbox.platforms.consent import Ask, ConsentStyle, consent_routes
from sandbox.platforms.core import Call, Refused, endpoint, form_of, html
from sandbox.platforms.model import App, Grant, Token
from sandbox.platforms.pinterest_manners import (
    MANNERS,
    NOT_PERMITTED,
    invalid,
    problem,
    refused,
    trace,
    unauthenticated,
)
from sandbox.world import PlatformWorld

ACCESS_SECONDS = 2_592_000
REFRESH_SECONDS = 5_184_000
CODE_SECONDS = 300.0
SOON = timedelta(days=1)
DEAD = "The authorization grant is invalid"


def authorize_routes(world: PlatformWorld) -> list[Route]:
    """The consent page: all or nothing."""
    style = ConsentStyle(label="Pinterest", read=_read_ask, code_ttl=CODE_SECONDS)
    return consent_routes(world, MANNERS, "/oauth/", style)


def token_routes(world: PlatformWorld) -> list[Route]:
    """The token endpoint, and a revocation that is not for ordinary tokens."""
    return [
        endpoint(world, MANNERS, "/v5/oauth/token", "POST", _token_group, _token),
        endpoint(world, MANNERS, "/v5/oauth/token/revoke", "POST", "token", _revoke),
    ]


async def _token_group(request: Request) -> str:
    return "refresh" if (await form_of(request)).get("grant_type") == "refresh_token" else "token"


def _page(reason: str) -> Refused:
    return Refused(html("problem.html", 400, label="Pinterest", reason=reason))


def _read_ask(call: Call) -> Ask:
    query = call.request.query_params
    app = call.world.apps.get(("pinterest", query.get("client_id", "")))
    if app is None:
        raise _page("Invalid client_id")
    if query.get("redirect_uri", "") not in app.redirect_uris:
        raise _page("The provided redirect_uri does not match any of the registered redirect URIs")
    if query.get("response_type") != "code":
        raise _page("Invalid response_type")
    scopes = tuple(dict.fromkeys(filter(None, query.get("scope", "").split(","))))
    if not scopes or not set(scopes) <= app.scopes:
        raise _page("Invalid scope")
    if "code_challenge" in query:
        raise _page("Unexpected parameter code_challenge")
    return Ask(app=app, redirect_uri=query["redirect_uri"], state=query.get("state", ""), scopes=scopes)


async def _client(call: Call) -> tuple[App, dict[str, str]]:
    """The app that the Basic header names, and the form. Raises Refused."""
    trace(call)
    if not is_form(call.request):
        raise invalid("Content-Type must be application/x-www-form-urlencoded")
    form = await form_of(call.request)
    call.world.see(*(form.get(name, "") for name in ("code", "refresh_token", "token")))
    given = basic(call.request)
    app = proven_app(call.world, "pinterest", *given) if given else None
    if app is None:
        raise unauthenticated()
    return app, form


def _need(form: dict[str, str], *names: str) -> list[str]:
    for name in names:
        if not form.get(name):
            raise invalid(f"'{name}' is a required property")
    return [form[name] for name in names]


async def _token(call: Call) -> Response:
    app, form = await _client(call)
    (kind,) = _need(form, "grant_type")
    if form.get("continuous_refresh", "true") != "true":
        raise invalid("only continuous refresh tokens are issued")
    if kind == "authorization_code":
        return await _exchange(call, app, form)
    if kind == "refresh_token":
        return await _refresh(call, app, form)
    raise invalid(f"'{kind}' is not one of ['authorization_code', 'refresh_token']")


async def _exchange(call: Call, app: App, form: dict[str, str]) -> Response:
    value, redirect_uri = _need(form, "code", "redirect_uri")
    code, state = call.world.present_code("pinterest", value)
    if code is not None:
        await call.about(code.account)
    if code is None or state != "fresh" or code.client_id != app.client_id:
        raise refused(401, 283, DEAD)
    if code.redirect_uri != redirect_uri:
        raise refused(401, 283, DEAD)
    call.world.spend_code(code)
    grant = call.world.new_grant("pinterest", app.client_id, code.account, code.scopes)
    return _pair(call, grant, "authorization_code", None)


async def _refresh(call: Call, app: App, form: dict[str, str]) -> Response:
    (value,) = _need(form, "refresh_token")
    presented = await call.present(value)
    token, grant = presented.token, presented.grant
    if token is None or grant is None or token.kind != "refresh" or grant.client_id != app.client_id:
        raise refused(401, 283, DEAD)
    if presented.state != "fresh":
        raise refused(401, 283, DEAD)
    if wanted := frozenset(form.get("scope", "").replace(",", " ").split()):
        if not wanted <= grant.scopes:
            raise invalid("scope must be a subset of the original scopes")
        grant = call.world.narrow(grant, wanted)
    if call.world.modes.get("pinterest.old_refresh") != "lives":
        call.world.spend(token)
    return _pair(call, grant, "refresh_token", _recent(call, grant))


def _recent(call: Call, grant: Grant) -> Token | None:
    """The access token that is handed back again, if the mode wants that."""
    if call.world.modes.get("pinterest.same_access") != "on":
        return None
    tokens = [t for t in call.world.tokens.values() if t.grant == grant.id and t.kind == "access"]
    return tokens[-1] if tokens and call.world.now() - tokens[-1].issued_at < SOON else None


def _pair(call: Call, grant: Grant, response_type: str, again: Token | None) -> Response:
    access = again or call.world.issue(grant, "access", seconds=ACCESS_SECONDS, prefix="pina_")
    refresh = call.world.issue(grant, "refresh", seconds=REFRESH_SECONDS, prefix="pinr.")
    now = call.world.now()
    left = ACCESS_SECONDS if access.expires_at is None else (access.expires_at - now).total_seconds()
    comma = call.world.modes.get("pinterest.scope_separator") == "comma"
    body = {
        "access_token": access.value,
        "refresh_token": refresh.value,
        "response_type": response_type,
        "token_type": "bearer",
        "expires_in": round(left),
        "refresh_token_expires_in": REFRESH_SECONDS,
        "refresh_token_expires_at": int(now.timestamp()) + REFRESH_SECONDS,
        "scope": ("," if comma else " ").join(sorted(grant.scopes)),
    }
    return JSONResponse(body, headers={"cache-control": "no-store"})


async def _revoke(call: Call) -> Response:
    _, form = await _client(call)
    _need(form, "token")
    return problem(403, 29, NOT_PERMITTED)
