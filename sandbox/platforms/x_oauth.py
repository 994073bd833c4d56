"""X's consent, tokens and their rotation, and the check of a bearer token (x facts §1.1 to §1.3, §1.7).

`world.modes["x.second_consent"]` set to `ends_first` lets a fresh consent of the same person end the
earlier grant, which is reported of X but not documented.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from urllib.parse import unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.platforms.consent import Ask, ConsentStyle, consent_routes
from sandbox.platforms.core import Call, Refused, bearer, endpoint, form_of, html
from sandbox.platforms.model import App, Code, Grant
from sandbox.platforms.x_problems import BAD_CODE, DEAD, MANNERS, forbidden, oauth_error, unauthorized
from sandbox.world import PlatformWorld

ACCESS_SECONDS = 7200
REFRESH_SECONDS = 183 * 86_400  # about six months, at second hand
CODE_SECONDS = 30.0
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
NOT_GIVEN = "You weren't able to give access to the App. Go back and try logging in again."


def authorize_routes(world: PlatformWorld) -> list[Route]:
    """The consent page: all or nothing."""
    style = ConsentStyle(label="X", read=_read_ask, code_ttl=CODE_SECONDS, state_first=True)
    return consent_routes(world, MANNERS, "/i/oauth2/authorize", style)


def token_routes(world: PlatformWorld) -> list[Route]:
    """The token endpoint and the revocation."""
    return [
        endpoint(world, MANNERS, "/2/oauth2/token", "POST", _token_group, _token),
        endpoint(world, MANNERS, "/2/oauth2/revoke", "POST", "token", _revoke),
    ]


async def _token_group(request: Request) -> str:
    return "refresh" if (await form_of(request)).get("grant_type") == "refresh_token" else "token"


def _read_ask(call: Call) -> Ask:
    query = call.request.query_params
    app = call.world.apps.get(("x", query.get("client_id", "")))
    if app is None or query.get("response_type") != "code":
        raise _not_given()
    if query.get("redirect_uri") not in app.redirect_uris:
        message = "Callback URL not approved for this client application."
        raise Refused(JSONResponse({"errors": [{"code": 415, "message": message}]}, 400))
    scopes = tuple(dict.fromkeys(query.get("scope", "").split()))
    state, challenge = query.get("state", ""), query.get("code_challenge", "")
    method = query.get("code_challenge_method", "")
    pkce = bool(VERIFIER.fullmatch(challenge)) and method in ("S256", "plain")
    if not pkce or not scopes or not 0 < len(state) <= 500 or not set(scopes) <= app.scopes:
        raise _not_given()
    return Ask(
        app=app,
        redirect_uri=query["redirect_uri"],
        state=state,
        scopes=scopes,
        challenge=challenge,
        challenge_method=method,
    )


def _not_given() -> Refused:
    return Refused(html("problem.html", 400, label="X", reason=NOT_GIVEN))


def _client(call: Call, form: dict[str, str]) -> App:
    """The confidential client that the Basic header names. Raises Refused with X's 401."""
    refused = oauth_error(401, "unauthorized_client", "Missing valid authorization header")
    scheme, _, blob = call.request.headers.get("authorization", "").partition(" ")
    try:
        name, _, secret = base64.b64decode(blob, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise refused from None
    name, secret = unquote_plus(name), unquote_plus(secret)
    call.world.see(secret)
    app = call.world.apps.get(("x", name))
    if (
        scheme.lower() != "basic"
        or app is None
        or not secrets.compare_digest(secret.encode(), app.secret.encode())
    ):
        raise refused
    if form.get("client_id", app.client_id) != app.client_id:
        raise oauth_error(400, "invalid_request", "Value passed for the client id was invalid.")
    return app


async def _form(call: Call) -> dict[str, str]:
    kind = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        description = "Content-Type must be application/x-www-form-urlencoded."
        raise oauth_error(400, "invalid_request", description)
    return await form_of(call.request)


def _need(form: dict[str, str], *names: str) -> list[str]:
    for name in names:
        if not form.get(name):
            raise oauth_error(400, "invalid_request", f"Missing required parameter [{name}].")
    return [form[name] for name in names]


async def _token(call: Call) -> Response:
    form = await _form(call)
    call.world.see(form.get("code_verifier", ""), form.get("refresh_token", ""), form.get("code", ""))
    app = _client(call, form)
    (kind,) = _need(form, "grant_type")
    if kind == "authorization_code":
        return await _exchange(call, app, form)
    if kind == "refresh_token":
        return await _refresh(call, app, form)
    raise oauth_error(400, "unsupported_grant_type", f"Grant type [{kind}] is not supported.")


async def _exchange(call: Call, app: App, form: dict[str, str]) -> Response:
    value, redirect_uri, verifier = _need(form, "code", "redirect_uri", "code_verifier")
    code, state = call.world.present_code("x", value)
    if code is not None:
        await call.about(code.account)
    good = state == "fresh" and code is not None and code.client_id == app.client_id
    if code is None or not good or code.redirect_uri != redirect_uri or not _proves(code, verifier):
        raise oauth_error(400, "invalid_request", BAD_CODE)
    call.world.spend_code(code)
    if call.world.modes.get("x.second_consent") == "ends_first":
        _end_earlier(call, code)
    grant = call.world.new_grant("x", app.client_id, code.account, code.scopes)
    return _pair(call, grant)


def _end_earlier(call: Call, code: Code) -> None:
    for grant in list(call.world.grants.values()):
        if (grant.platform, grant.client_id, grant.account) == ("x", code.client_id, code.account):
            call.world.end_grant(grant.id, "second consent")


def _proves(code: Code, verifier: str) -> bool:
    if not VERIFIER.fullmatch(verifier):
        return False
    if code.challenge_method == "plain":
        return secrets.compare_digest(verifier, code.challenge)
    digest = hashlib.sha256(verifier.encode()).digest()
    return secrets.compare_digest(base64.urlsafe_b64encode(digest).decode().rstrip("="), code.challenge)


async def _refresh(call: Call, app: App, form: dict[str, str]) -> Response:
    (value,) = _need(form, "refresh_token")
    presented = await call.present(value)
    token, grant = presented.token, presented.grant
    if token is None or grant is None or token.kind != "refresh" or grant.client_id != app.client_id:
        raise oauth_error(400, "invalid_request", DEAD)
    if presented.state == "spent":
        call.world.end_grant(grant.id, "refresh token presented twice")
    if presented.state != "fresh":
        raise oauth_error(400, "invalid_request", DEAD)
    call.world.spend(token)
    return _pair(call, grant)


def _pair(call: Call, grant: Grant) -> Response:
    access = call.world.issue(grant, "access", seconds=ACCESS_SECONDS)
    body = {
        "token_type": "bearer",
        "expires_in": ACCESS_SECONDS,
        "access_token": access.value,
        "scope": " ".join(sorted(grant.scopes)),
    }
    if "offline.access" in grant.scopes:
        body["refresh_token"] = call.world.issue(grant, "refresh", seconds=REFRESH_SECONDS).value
    return JSONResponse(body, headers={"cache-control": "no-store"})


async def _revoke(call: Call) -> Response:
    form = await _form(call)
    call.world.see(form.get("token", ""))
    app = _client(call, form)
    (value,) = _need(form, "token")
    presented = await call.present(value)
    if presented.grant is None or presented.grant.client_id != app.client_id:
        raise oauth_error(400, "invalid_request", DEAD)
    call.world.ledger.write("revoke", "x", presented.grant.account, by="app", family=presented.grant.id)
    call.world.end_grant(presented.grant.id, "revoked")
    return JSONResponse({"revoked": True})


async def authorized(call: Call, *needed: str, refusal: str = "Forbidden") -> Grant:
    """The grant behind the bearer token. Raises Refused: 401 for a bad token, 403 without the scopes."""
    presented = await call.present(bearer(call.request))
    if presented.state != "fresh" or presented.token is None or presented.grant is None:
        raise unauthorized()
    if presented.token.kind != "access":
        raise unauthorized()
    if not set(needed) <= call.scopes(presented.grant):
        raise forbidden(refusal)
    return presented.grant
