"""Facebook's dialog and its token endpoint (meta facts §2.1, §2.2).

Modes: `facebook.expires_in` = `missing` leaves it out of long-lived tokens; `facebook.reexchange` is
`extends` or `keeps` (the old end); `facebook.old_token` is `valid` or `dead` (once it was exchanged again);
`facebook.config.ID` holds the scopes of a Login for Business configuration.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from sandbox.platforms.consent import Ask, ConsentStyle, address_with
from sandbox.platforms.core import Call, Refused, html
from sandbox.platforms.facebook_access import newest_consent, pages_of
from sandbox.platforms.facebook_manners import BAD_TOKEN, LOGGED_OUT, NO_APP
from sandbox.platforms.meta import GraphError, bad_parameter, check_secret, parameters, token_error
from sandbox.platforms.model import Account, App, Code
from sandbox.world import PlatformWorld

CODE_SECONDS = 600.0
SHORT_SECONDS = 5183
LONG_SECONDS = 5_183_944
DENIED = {
    "error": "access_denied",
    "error_code": "200",
    "error_description": "Permissions error",
    "error_reason": "user_denied",
}
MISMATCH = (
    "Error validating verification code. Please make sure your redirect_uri is identical to the one you used "
    "in the OAuth dialog request"
)
REASKED = frozenset({"rerequest", "reauthorize"})


def dialog_style(check_version: Callable[[Call], None]) -> ConsentStyle:
    """How the dialog looks and answers."""

    def read(call: Call) -> Ask:
        check_version(call)
        return _read_ask(call)

    return ConsentStyle(
        label="Facebook",
        read=read,
        code_ttl=CODE_SECONDS,
        untick=True,
        code_prefix="AQ",
        fragment="#_=_",
        denied=DENIED,
        assets=assets_of,
    )


def assets_of(call: Call, person: Account) -> list[Account]:
    """What a person can tick: the Pages on which he has a role, and the Instagram accounts linked to them."""
    pages = pages_of(call.world, person.id)
    linked = [call.world.accounts.get(("instagram", str(page.extra.get("instagram", "")))) for page in pages]
    return [*pages, *(account for account in linked if account is not None)]


def _problem(reason: str) -> Refused:
    return Refused(html("problem.html", 400, label="Facebook", reason=reason))


def _read_ask(call: Call) -> Ask:
    query = call.request.query_params
    app = call.world.apps.get(("facebook", query.get("client_id", "")))
    if app is None:
        raise _problem("Invalid App ID: The provided app ID does not look like a valid app ID.")
    address = query.get("redirect_uri", "")
    if address not in app.redirect_uris:
        raise _problem("URL blocked: the redirect URI is not whitelisted in the app's OAuth settings.")
    if query.get("response_type", "code") != "code":
        raise _problem("This response_type is not enabled for the app.")
    state = query.get("state", "")
    given = call.world.modes.get(f"facebook.config.{query['config_id']}") if "config_id" in query else None
    asked = query.get("scope", "") if given is None else given
    scopes = tuple(dict.fromkeys(asked.replace(",", " ").split()))
    strange = [scope for scope in scopes if scope not in app.scopes | {"public_profile", "email"}]
    if strange or ("config_id" in query and given is None):
        fields = {"error_code": "100", "error_message": f"Invalid Scopes: {', '.join(strange)}"}
        back = address_with(address, {**fields, **({"state": state} if state else {})})
        raise Refused(RedirectResponse(back, status_code=302))
    extra = {"asked": list(scopes), "reasked": query.get("auth_type", "") in REASKED}
    return Ask(app=app, redirect_uri=address, state=state, scopes=scopes, extra=extra)


def exchange_group(world: PlatformWorld) -> Callable[[Request], Awaitable[str]]:
    """Whether a call of the token endpoint is a refresh: a long-lived token that is exchanged again."""

    async def group(request: Request) -> str:
        try:
            given = await parameters(request)
        except Refused:
            return "token"
        token = world.tokens.get(given.get("fb_exchange_token", ""))
        return "refresh" if token is not None and token.kind == "long" else "token"

    return group


async def exchange(call: Call) -> Response:
    """A code, a token or the app's secret, for a token."""
    given = await parameters(call.request)
    app = call.world.apps.get(("facebook", given.get("client_id", "")))
    if app is None:
        call.world.see(given.get("client_secret", ""))
        raise NO_APP.refused()
    check_secret(call, app, given.get("client_secret", ""))
    kind = given.get("grant_type", "authorization_code")
    if kind == "client_credentials":
        value = f"{app.client_id}|{app.secret}"
        call.world.see(value)
        return JSONResponse({"access_token": value, "token_type": "bearer"})
    if kind == "fb_exchange_token":
        return await _lengthen(call, app, given)
    if kind != "authorization_code":
        raise bad_parameter("Invalid grant_type")
    return await _from_code(call, app, given)


async def _from_code(call: Call, app: App, given: Mapping[str, str]) -> Response:
    code = await _code(call, app, given)
    call.world.spend_code(code)
    extra = dict(code.extra)
    scopes = code.scopes - (frozenset() if extra.get("reasked") else _declined_before(call.world, code))
    grant = call.world.new_grant("facebook", app.client_id, code.account, scopes, extra=extra)
    token = call.world.issue(grant, "short", seconds=SHORT_SECONDS, prefix="EAA")
    return JSONResponse({"access_token": token.value, "token_type": "bearer", "expires_in": SHORT_SECONDS})


def _declined_before(world: PlatformWorld, code: Code) -> frozenset[str]:
    """What the person declined the last time: the dialog does not ask for it again by itself."""
    standing = [
        grant
        for grant in world.grants.values()
        if (grant.platform, grant.client_id, grant.account) == ("facebook", code.client_id, code.account)
        and not grant.ended
    ]
    if not standing:
        return frozenset()
    last = newest_consent(world, standing[0])
    return frozenset(last.extra.get("asked", ())) - last.scopes


async def _code(call: Call, app: App, given: Mapping[str, str]) -> Code:
    for name in ("redirect_uri", "code"):
        if not given.get(name):
            raise bad_parameter(f"The parameter {name} is required")
    code, state = call.world.present_code("facebook", given["code"])
    if code is not None:
        await call.about(code.account)
    if state == "spent":
        raise GraphError(100, "This authorization code has been used.").refused()
    if state == "expired":
        raise GraphError(100, "This authorization code has expired.").refused()
    if code is None or code.client_id != app.client_id:
        raise GraphError(100, "Invalid verification code format.").refused()
    if code.redirect_uri != given["redirect_uri"]:
        raise GraphError(100, MISMATCH).refused()
    return code


async def _lengthen(call: Call, app: App, given: Mapping[str, str]) -> Response:
    presented = await call.present(given.get("fb_exchange_token", ""))
    token, grant = presented.token, presented.grant
    if presented.state != "fresh" or token is None or grant is None:
        raise token_error(call, presented).refused()
    if token.kind == "page" or grant.client_id != app.client_id:
        raise BAD_TOKEN.refused()
    if call.fault("refresh_dead", serial=grant.serial):
        raise LOGGED_OUT.refused()
    seconds = LONG_SECONDS
    if token.kind == "long" and token.expires_at is not None:
        if call.world.modes.get("facebook.reexchange") == "keeps":
            seconds = int((token.expires_at - call.world.now()).total_seconds())
        if call.world.modes.get("facebook.old_token") == "dead":
            call.world.spend(token)
    made = call.world.issue(grant, "long", seconds=seconds, prefix="EAA")
    body: dict[str, Any] = {"access_token": made.value, "token_type": "bearer"}
    if call.world.modes.get("facebook.expires_in") != "missing":
        body["expires_in"] = seconds
    return JSONResponse(body)


def app_of(call: Call, value: str) -> App | None:
    """The app that an app token `ID|SECRET` proves."""
    client_id, bar, secret = value.partition("|")
    app = call.world.apps.get(("facebook", client_id))
    call.world.see(value, secret)
    if not bar or app is None or not secrets.compare_digest(secret.encode(), app.secret.encode()):
        return None
    return app
