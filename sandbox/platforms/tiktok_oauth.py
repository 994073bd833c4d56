"""TikTok's consent, tokens and their rotation, and revocation (TikTok facts §2.1 to §2.3, §2.7).

`world.modes`: `tiktok.oauth_status` = `200` answers OAuth errors under that status. `tiktok.reuse` =
`ends_family` lets a refresh token that is presented twice end its whole grant. `tiktok.web_pkce` = `accepted`
takes a challenge from https clients too. `tiktok.access_seconds` and `tiktok.refresh_seconds` set lifetimes.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.platforms.clients import LOOPBACK, is_form, live_grants, proven_app
from sandbox.platforms.consent import Ask, ConsentStyle, consent_routes
from sandbox.platforms.core import Call, Refused, endpoint, form_of, html
from sandbox.platforms.model import Account, App, Code, Grant
from sandbox.platforms.tiktok_manners import MANNERS, oauth_problem
from sandbox.world import PlatformWorld

ACCESS_SECONDS = 7200
REFRESH_SECONDS = 180 * 86_400
CODE_SECONDS = 600.0
LONGEST_REDIRECT = 512
CHALLENGE = re.compile(r"[0-9a-f]{64}")
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
DEAD = "Refresh token is invalid or expired."
DENIED = {"error": "access_denied", "error_description": "User denied the authorization request"}


def authorize_routes(world: PlatformWorld) -> list[Route]:
    """The consent page, where scopes can be unticked."""
    style = ConsentStyle(
        label="TikTok",
        read=_read_ask,
        code_ttl=CODE_SECONDS,
        untick=True,
        code_prefix="Xk9*2!",
        denied=DENIED,
        remembered=_remembered,
        granted_field="scopes",
    )
    return consent_routes(world, MANNERS, "/v2/auth/authorize/", style)


def token_routes(world: PlatformWorld) -> list[Route]:
    """The token endpoint and the revocation."""
    return [
        endpoint(world, MANNERS, "/v2/oauth/token/", "POST", _token_group, _token),
        endpoint(world, MANNERS, "/v2/oauth/revoke/", "POST", "token", _revoke),
    ]


async def _token_group(request: Request) -> str:
    return "refresh" if (await form_of(request)).get("grant_type") == "refresh_token" else "token"


def _page(number: int, error_type: str) -> Refused:
    return Refused(
        html("problem.html", 400, label="TikTok", reason=f"errCode={number}&error_type={error_type}")
    )


def _read_ask(call: Call) -> Ask:
    query = call.request.query_params
    app = call.world.apps.get(("tiktok", query.get("client_key", "")))
    if app is None:
        raise _page(10003, "client_key")
    redirect_uri = query.get("redirect_uri", "")
    if redirect_uri not in app.redirect_uris or not _allowed_redirect(redirect_uri):
        raise _page(10006, "redirect_uri")
    if query.get("response_type") != "code":
        raise _page(10002, "response_type")
    scopes = tuple(dict.fromkeys(filter(None, query.get("scope", "").split(","))))
    if not scopes or not set(scopes) <= app.scopes:
        raise _page(10005, "scope")
    if not query.get("state"):
        raise _page(10002, "state")
    return Ask(
        app=app,
        redirect_uri=redirect_uri,
        state=query["state"],
        scopes=scopes,
        challenge=_read_challenge(call, redirect_uri),
        challenge_method=query.get("code_challenge_method", ""),
        extra={"auto": query.get("disable_auto_auth", "0") != "1"},
    )


def _allowed_redirect(address: str) -> bool:
    parts = urlsplit(address)
    secure = parts.scheme == "https" and parts.hostname not in LOOPBACK
    desktop = parts.hostname in ("localhost", "127.0.0.1") and parts.port is not None
    plain = not parts.query and not parts.fragment and len(address) < LONGEST_REDIRECT
    return plain and (secure or desktop)


def _read_challenge(call: Call, redirect_uri: str) -> str:
    """The challenge: demanded on loopback, in hex; elsewhere there must be none."""
    query = call.request.query_params
    challenge, method = query.get("code_challenge", ""), query.get("code_challenge_method", "")
    loopback = urlsplit(redirect_uri).hostname in LOOPBACK
    if not loopback and call.world.modes.get("tiktok.web_pkce") != "accepted":
        if challenge or method:
            raise _page(10007, "code_challenge")
        return ""
    if (loopback or challenge) and not (CHALLENGE.fullmatch(challenge) and method == "S256"):
        raise _page(10007, "code_challenge")
    return challenge


def _remembered(call: Call, ask: Ask, account: Account) -> tuple[str, ...] | None:
    """Whoever allowed all of it before is not asked again, unless the app wants that."""
    grants = live_grants(call.world, "tiktok", ask.app.client_id, account.id)
    known = grants and set(ask.scopes) <= grants[-1].scopes
    return ask.scopes if known and ask.extra["auto"] else None


async def _client(call: Call) -> tuple[App, dict[str, str]]:
    """The app that the form names, and the form. Raises Refused."""
    if not is_form(call.request):
        raise Refused(
            oauth_problem(call, "invalid_request", "Only `application/x-www-form-urlencoded` is supported.")
        )
    form = await form_of(call.request)
    call.world.see(*(form.get(name, "") for name in ("code", "code_verifier", "refresh_token", "token")))
    _need(call, form, "client_key", "client_secret")
    app = proven_app(call.world, "tiktok", form["client_key"], form["client_secret"])
    if app is None:
        raise Refused(oauth_problem(call, "invalid_client", "Client key or secret is incorrect."))
    return app, form


def _need(call: Call, form: dict[str, str], *names: str) -> list[str]:
    for name in names:
        if not form.get(name):
            raise Refused(oauth_problem(call, "invalid_request", f"The parameter {name} is missing."))
    return [form[name] for name in names]


async def _token(call: Call) -> Response:
    app, form = await _client(call)
    (kind,) = _need(call, form, "grant_type")
    if kind == "authorization_code":
        return await _exchange(call, app, form)
    if kind == "refresh_token":
        return await _refresh(call, app, form)
    raise Refused(oauth_problem(call, "unsupported_grant_type", f"Grant type {kind} is not supported."))


async def _exchange(call: Call, app: App, form: dict[str, str]) -> Response:
    value, redirect_uri = _need(call, form, "code", "redirect_uri")
    code, state = call.world.present_code("tiktok", value)
    if code is None or state != "fresh" or code.client_id != app.client_id:
        raise Refused(oauth_problem(call, "invalid_grant", "Authorization code is expired."))
    await call.about(code.account)
    if code.redirect_uri != redirect_uri:
        raise Refused(
            oauth_problem(
                call, "invalid_grant", "Redirect_uri is not matched with the uri when requesting code."
            )
        )
    _check_verifier(call, code, form.get("code_verifier", ""))
    call.world.spend_code(code)
    return _pair(call, call.world.new_grant("tiktok", app.client_id, code.account, code.scopes))


def _check_verifier(call: Call, code: Code, verifier: str) -> None:
    if not code.challenge and not verifier:
        return
    digest = hashlib.sha256(verifier.encode()).hexdigest()
    if not VERIFIER.fullmatch(verifier) or not secrets.compare_digest(digest, code.challenge):
        raise Refused(oauth_problem(call, "invalid_request", "Code verifier or code challenge is invalid."))


async def _refresh(call: Call, app: App, form: dict[str, str]) -> Response:
    (value,) = _need(call, form, "refresh_token")
    presented = await call.present(value)
    token, grant = presented.token, presented.grant
    if token is None or grant is None or token.kind != "refresh" or grant.client_id != app.client_id:
        raise Refused(oauth_problem(call, "invalid_grant", DEAD))
    if presented.state == "spent" and call.world.modes.get("tiktok.reuse") == "ends_family":
        call.world.end_grant(grant.id, "refresh token presented twice")
    if presented.state != "fresh":
        raise Refused(oauth_problem(call, "invalid_grant", DEAD))
    call.world.spend(token)
    return _pair(call, grant)


def _pair(call: Call, grant: Grant) -> Response:
    modes = call.world.modes
    access_seconds = int(modes.get("tiktok.access_seconds", ACCESS_SECONDS))
    refresh_seconds = int(modes.get("tiktok.refresh_seconds", REFRESH_SECONDS))
    access = call.world.issue(grant, "access", seconds=access_seconds, prefix="act.", suffix="!4567.e1")
    refresh = call.world.issue(grant, "refresh", seconds=refresh_seconds, prefix="rft.", suffix="!4570.e1")
    body = {
        "open_id": grant.account,
        "scope": ",".join(sorted(grant.scopes)),
        "access_token": access.value,
        "expires_in": access_seconds,
        "refresh_token": refresh.value,
        "refresh_expires_in": refresh_seconds,
        "token_type": "Bearer",
    }
    return JSONResponse(body, headers={"cache-control": "no-store"})


async def _revoke(call: Call) -> Response:
    app, form = await _client(call)
    (value,) = _need(call, form, "token")
    presented = await call.present(value)
    grant = presented.grant
    if grant is None or grant.client_id != app.client_id or presented.state not in ("fresh", "expired"):
        raise Refused(oauth_problem(call, "invalid_request", "The token is invalid."))
    for held in live_grants(call.world, "tiktok", app.client_id, grant.account):
        call.world.end_grant(held.id, "revoked")
    call.world.revoked("tiktok", grant.account, "app", family=grant.id)
    return JSONResponse({})
