"""Google's consent, tokens, token facts and revocation (YouTube facts §3.1 to §3.4, §3.7).

An app's `extra` may hold `testing` (refresh tokens die after seven days) and `test_users`, the account ids
that may then log in. `world.modes["youtube.token_cap"]` is how many refresh tokens one person may have
with one app (100); the oldest is dropped in silence.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.platforms.clients import is_form, live_grants, proven_app
from sandbox.platforms.consent import Ask, ConsentStyle, consent_routes
from sandbox.platforms.core import Call, Refused, endpoint, form_of, html
from sandbox.platforms.model import Account, App, Code, Grant, Token
from sandbox.platforms.youtube_manners import MANNERS, oauth_problem
from sandbox.world import PlatformWorld

ACCESS_SECONDS = 3599
IDLE_SECONDS = 183 * 86_400  # a refresh token that nobody uses for six months dies
TESTING_SECONDS = 604_799
CODE_SECONDS = 600.0
TOKEN_CAP = "100"
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
REVOKED = "Token has been expired or revoked."


def authorize_routes(world: PlatformWorld) -> list[Route]:
    """The consent page, where scopes can be unticked and each channel is a login of its own."""
    style = ConsentStyle(
        label="Google",
        read=_read_ask,
        code_ttl=CODE_SECONDS,
        untick=True,
        code_prefix="4/0A",
        state_first=True,
        refuse=lambda account: (
            "Error 400: admin_policy_enforced" if account.extra.get("admin_blocks") else ""
        ),
        remembered=_remembered,
    )
    return consent_routes(world, MANNERS, "/o/oauth2/v2/auth", style)


def token_routes(world: PlatformWorld) -> list[Route]:
    """The token endpoint, the revocation, and what a token is."""
    return [
        endpoint(world, MANNERS, "/token", "POST", _token_group, _token),
        endpoint(world, MANNERS, "/revoke", "POST", "token", _revoke),
        endpoint(world, MANNERS, "/tokeninfo", "GET", "probe", _tokeninfo),
    ]


async def _token_group(request: Request) -> str:
    return "refresh" if (await form_of(request)).get("grant_type") == "refresh_token" else "token"


def _page(status: int, error: str) -> Refused:
    return Refused(html("problem.html", status, label="Google", reason=f"Error {status}: {error}"))


def _read_ask(call: Call) -> Ask:
    query = call.request.query_params
    app = call.world.apps.get(("youtube", query.get("client_id", "")))
    if app is None:
        raise _page(401, "invalid_client")
    redirect_uri = query.get("redirect_uri", "")
    if redirect_uri not in app.redirect_uris or not _allowed_redirect(redirect_uri):
        raise _page(400, "redirect_uri_mismatch")
    if query.get("response_type") != "code" or query.get("access_type", "online") not in (
        "online",
        "offline",
    ):
        raise _page(400, "invalid_request")
    scopes = tuple(dict.fromkeys(query.get("scope", "").split()))
    if not scopes or not set(scopes) <= app.scopes:
        raise _page(400, "invalid_scope")
    prompts, challenge = query.get("prompt", "").split(), query.get("code_challenge", "")
    if not set(prompts) <= {"consent", "select_account", "none"}:
        raise _page(400, "invalid_request")
    if challenge and query.get("code_challenge_method", "plain") not in ("S256", "plain"):
        raise _page(400, "invalid_request")
    return Ask(
        app=app,
        redirect_uri=redirect_uri,
        state=query.get("state", ""),
        scopes=scopes,
        challenge=challenge,
        challenge_method=query.get("code_challenge_method", "plain"),
        extra={"offline": query.get("access_type") == "offline", "prompts": prompts},
    )


def _allowed_redirect(address: str) -> bool:
    parts = urlsplit(address)
    local = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1")
    raw = (parts.hostname or "").replace(".", "").isdecimal()
    return not parts.fragment and (local or (parts.scheme == "https" and not raw))


def _remembered(call: Call, ask: Ask, account: Account) -> tuple[str, ...] | None:
    """Whoever allowed it all before is sent back, unless the app wants consent or a choice."""
    if set(ask.extra["prompts"]) & {"consent", "select_account"}:
        return None
    grants = live_grants(call.world, "youtube", ask.app.client_id, account.id)
    return ask.scopes if grants and set(ask.scopes) <= grants[-1].scopes else None


async def _form(call: Call) -> dict[str, str]:
    if not is_form(call.request):
        raise oauth_problem(400, "invalid_request", "Content-Type must be application/x-www-form-urlencoded.")
    form = await form_of(call.request)
    call.world.see(*(form.get(name, "") for name in ("code", "code_verifier", "refresh_token", "token")))
    return form


def _need(form: Mapping[str, str], *names: str) -> list[str]:
    for name in names:
        if not form.get(name):
            raise oauth_problem(400, "invalid_request", f"Missing required parameter: {name}")
    return [form[name] for name in names]


async def _token(call: Call) -> Response:
    form = await _form(call)
    client_id, secret, kind = _need(form, "client_id", "client_secret", "grant_type")
    if ("youtube", client_id) not in call.world.apps:
        raise oauth_problem(401, "invalid_client", "The OAuth client was not found.")
    app = proven_app(call.world, "youtube", client_id, secret)
    if app is None:
        raise oauth_problem(401, "invalid_client", "Unauthorized")
    if kind == "authorization_code":
        return await _exchange(call, app, form)
    if kind == "refresh_token":
        return await _refresh(call, app, form)
    raise oauth_problem(400, "unsupported_grant_type", f"Invalid grant_type: {kind}")


async def _exchange(call: Call, app: App, form: dict[str, str]) -> Response:
    value, redirect_uri = _need(form, "code", "redirect_uri")
    code, state = call.world.present_code("youtube", value)
    if code is None or code.client_id != app.client_id:
        raise oauth_problem(400, "invalid_grant", "Malformed auth code.")
    await call.about(code.account)
    if state != "fresh":
        raise oauth_problem(400, "invalid_grant", "Bad Request")
    if code.redirect_uri != redirect_uri:
        raise oauth_problem(400, "redirect_uri_mismatch", "Bad Request")
    _check_verifier(code, form.get("code_verifier", ""))
    call.world.spend_code(code)
    first = not live_grants(call.world, "youtube", app.client_id, code.account)
    grant = call.world.new_grant("youtube", app.client_id, code.account, code.scopes)
    body = _access(call, grant)
    if code.extra["offline"] and (first or "consent" in code.extra["prompts"]):
        body.update(_refreshable(call, app, grant))
    return JSONResponse(body, headers={"cache-control": "no-store"})


def _check_verifier(code: Code, verifier: str) -> None:
    if not code.challenge:
        return
    if not verifier:
        raise oauth_problem(400, "invalid_grant", "Missing code verifier.")
    proof = verifier
    if code.challenge_method == "S256":
        digest = hashlib.sha256(verifier.encode()).digest()
        proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    if not VERIFIER.fullmatch(verifier) or not secrets.compare_digest(proof, code.challenge):
        raise oauth_problem(400, "invalid_grant", "Invalid code verifier.")


def _access(call: Call, grant: Grant) -> dict[str, Any]:
    token = call.world.issue(grant, "access", seconds=ACCESS_SECONDS, prefix="ya29.")
    return {
        "access_token": token.value,
        "expires_in": ACCESS_SECONDS,
        "scope": " ".join(sorted(grant.scopes)),
        "token_type": "Bearer",
    }


def _refreshable(call: Call, app: App, grant: Grant) -> dict[str, Any]:
    testing = bool(app.extra.get("testing", False))
    seconds = TESTING_SECONDS if testing else IDLE_SECONDS
    token = call.world.issue(grant, "refresh", seconds=seconds, prefix="1//0")
    _drop_oldest(call, grant)
    return {
        "refresh_token": token.value,
        **({"refresh_token_expires_in": TESTING_SECONDS} if testing else {}),
    }


def _drop_oldest(call: Call, grant: Grant) -> None:
    with_refresh = {token.grant for token in call.world.tokens.values() if token.kind == "refresh"}
    held = [g for g in _of_person(call, grant) if g.id in with_refresh]
    for old in held[: max(0, len(held) - int(call.world.modes.get("youtube.token_cap", TOKEN_CAP)))]:
        call.world.end_grant(old.id, "too many refresh tokens")


def _of_person(call: Call, grant: Grant) -> list[Grant]:
    """What the person behind a channel allows this app, over all of that person's channels, oldest first."""
    world = call.world
    person = login_of(world.accounts["youtube", grant.account])
    channels = [account for account in world.accounts_of("youtube") if login_of(account) == person]
    grants = [g for c in channels for g in live_grants(world, "youtube", grant.client_id, c.id)]
    return sorted(grants, key=lambda held: held.serial)


def login_of(account: Account) -> str:
    """The Google login that a channel belongs to."""
    return str(account.extra.get("google", account.id))


def person_watcher(world: PlatformWorld) -> Callable[[str, str], None]:
    """What the world calls on a revocation: a person who removes the app removes it from all channels."""

    def watch(account: str, by: str) -> None:
        whose = world.accounts.get(("youtube", account))
        if whose is None or by != "user":
            return
        channels = {c.id for c in world.accounts_of("youtube") if login_of(c) == login_of(whose)}
        for grant in list(world.grants.values()):
            if grant.platform == "youtube" and grant.account in channels:
                world.end_grant(grant.id, "revoked")

    return watch


async def _refresh(call: Call, app: App, form: dict[str, str]) -> Response:
    (value,) = _need(form, "refresh_token")
    presented = await call.present(value)
    token, grant = presented.token, presented.grant
    if token is None or grant is None or token.kind != "refresh" or presented.state != "fresh":
        raise oauth_problem(400, "invalid_grant", REVOKED if token else "Bad Request")
    if grant.client_id != app.client_id:
        raise oauth_problem(401, "unauthorized_client", "Unauthorized")
    if not app.extra.get("testing", False):
        call.world.extend(token, IDLE_SECONDS)
    return JSONResponse(_access(call, grant), headers={"cache-control": "no-store"})


async def _revoke(call: Call) -> Response:
    form = await _form(call)
    (value,) = _need({**call.request.query_params, **form}, "token")
    presented = await call.present(value)
    if presented.grant is None or presented.state != "fresh":
        raise oauth_problem(400, "invalid_token", "Token expired or revoked")
    for grant in _of_person(call, presented.grant):
        call.world.end_grant(grant.id, "revoked")
    call.world.revoked("youtube", presented.grant.account, "app", family=presented.grant.id)
    return JSONResponse({})


async def _tokeninfo(call: Call) -> Response:
    presented = await call.present(call.request.query_params.get("access_token", ""))
    token, grant = presented.token, presented.grant
    if token is None or grant is None or token.kind != "access" or presented.state != "fresh":
        raise oauth_problem(400, "invalid_token", "Invalid Value")
    return JSONResponse(_facts(call, token, grant))


def _facts(call: Call, token: Token, grant: Grant) -> dict[str, str]:
    expires_at = token.expires_at or call.world.now()
    offline = any(t.grant == grant.id and t.kind == "refresh" for t in call.world.tokens.values())
    return {
        "azp": grant.client_id,
        "aud": grant.client_id,
        "scope": " ".join(sorted(call.scopes(grant))),
        "exp": str(int(expires_at.timestamp())),
        "expires_in": str(int((expires_at - call.world.now()).total_seconds())),
        "access_type": "offline" if offline else "online",
    }
