"""The consent page that all twins share: whose account, which scopes, allow or deny.

It works as plain HTTP: POST the page's own address with `decision` = `approve`, `partial` (only the ticked
`scope` and `asset` fields; where the platform lets people untick) or `deny`, and `as` = an account's id to
come back as that account. `as` alone approves. Without it the account that is logged in in this browser
comes back.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sandbox.platforms.core import Call, Manners, Refused, endpoint, html
from sandbox.platforms.model import Account, App
from sandbox.world import PlatformWorld

BROWSER_COOKIE = "twin_browser"


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A checked authorization request."""

    app: App
    redirect_uri: str
    state: str
    scopes: tuple[str, ...]
    challenge: str = ""
    challenge_method: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


def always_ask(call: Call, ask: Ask, account: Account) -> tuple[str, ...] | None:
    """Nobody is sent back unasked."""
    return None


@dataclass(frozen=True, kw_only=True)
class ConsentStyle:
    """How one platform's consent looks and answers; code lifetimes are real seconds.

    `read` checks the request and raises Refused with the platform's own error. `refuse` says why an
    account cannot be used, or "". `remembered` gives the scopes with which someone who is logged in is sent
    back without being asked, or None. `granted_field` is the redirect's field that lists what was allowed.
    `assets` gives what a person can allow one by one (his Pages); the ticked ones are the code's
    `extra["assets"]`.
    """

    label: str
    read: Callable[[Call], Ask]
    code_ttl: float
    untick: bool = False
    code_prefix: str = ""
    fragment: str = ""
    state_first: bool = False
    denied: Mapping[str, str] = field(default_factory=lambda: {"error": "access_denied"})
    deny: Callable[[Call], Mapping[str, str]] | None = None
    refuse: Callable[[Account], str] = lambda account: ""
    remembered: Callable[[Call, Ask, Account], tuple[str, ...] | None] = always_ask
    granted_field: str = ""
    assets: Callable[[Call, Account], list[Account]] = lambda call, account: []


def consent_routes(world: PlatformWorld, manners: Manners, path: str, style: ConsentStyle) -> list[Route]:
    """The consent page at `path`: GET shows it, POST decides."""

    def bound(handler: Callable[[Call, ConsentStyle], Awaitable[Response]], method: str) -> Route:
        async def run(call: Call) -> Response:
            return await handler(call, style)

        return endpoint(world, manners, path, method, "authorize", run)

    return [bound(_show, "GET"), bound(_decide, "POST")]


async def _show(call: Call, style: ConsentStyle) -> Response:
    ask = style.read(call)
    browser = call.request.cookies.get(BROWSER_COOKIE, "") or secrets.token_urlsafe(8)
    logins = _logins(call)
    known = _current(call, logins, browser) if (browser, call.platform) in call.world.sessions else None
    scopes = style.remembered(call, ask, known) if known is not None and not style.refuse(known) else None
    if known is not None and scopes is not None:
        await call.about(known.id)
        return _allow(call, ask, style, "remembered", scopes)
    current = known or _current(call, logins, browser)
    page = html(
        "consent.html",
        label=style.label,
        ask=ask,
        current=current,
        assets=style.assets(call, current),
        accounts=logins,
        untick=style.untick,
    )
    page.set_cookie(BROWSER_COOKIE, browser, httponly=True, samesite="lax")
    return page


async def _decide(call: Call, style: ConsentStyle) -> Response:
    ask = style.read(call)
    form = await call.request.form()
    decision = str(form.get("decision", "approve"))
    browser = call.request.cookies.get(BROWSER_COOKIE, "")
    logins = _logins(call)
    account = _chosen(logins, str(form.get("as", ""))) or _current(call, logins, browser)
    if decision == "deny":
        call.world.ledger.write("consent", call.platform, account.id, decision="deny", scopes=[])
        return _back(ask, style, dict(style.deny(call) if style.deny else style.denied))
    await call.about(account.id)
    call.world.sessions[browser, call.platform] = account.id
    if reason := style.refuse(account):
        raise Refused(html("problem.html", 403, label=style.label, reason=reason))
    scopes = ask.scopes
    if decision == "partial" and style.untick:
        ticked = {str(value) for value in form.getlist("scope")}
        scopes = tuple(scope for scope in ask.scopes if scope in ticked)
    if assets := [asset.id for asset in style.assets(call, account)]:
        if decision == "partial":
            assets = [id for id in assets if id in form.getlist("asset")]
        ask = replace(ask, extra={**ask.extra, "assets": assets})
    return _allow(call, ask, style, decision, scopes)


def _allow(
    call: Call, ask: Ask, style: ConsentStyle, decision: str, scopes: tuple[str, ...]
) -> RedirectResponse:
    account = call.account
    call.world.ledger.write("consent", call.platform, account, decision=decision, scopes=list(scopes))
    code = call.world.new_code(
        ask.app,
        account,
        scopes,
        ask.redirect_uri,
        ttl=style.code_ttl,
        prefix=style.code_prefix,
        challenge=ask.challenge,
        challenge_method=ask.challenge_method,
        extra=ask.extra,
    )
    granted = {style.granted_field: ",".join(scopes)} if style.granted_field else {}
    return _back(ask, style, {"code": code.value, **granted})


def _back(ask: Ask, style: ConsentStyle, answer: dict[str, str]) -> RedirectResponse:
    state = {"state": ask.state} if ask.state else {}
    fields = {**state, **answer} if style.state_first else {**answer, **state}
    return RedirectResponse(address_with(ask.redirect_uri, fields) + style.fragment, status_code=302)


def _logins(call: Call) -> list[Account]:
    logins = [account for account in call.world.accounts_of(call.platform) if account.login]
    if not logins:
        raise Refused(
            html("problem.html", 404, label=call.platform, reason="Nobody has an account here yet.")
        )
    return logins


def _chosen(logins: list[Account], wanted: str) -> Account | None:
    if not wanted:
        return None
    for account in logins:
        if account.id == wanted:
            return account
    raise Refused(html("problem.html", 404, label="Sign in", reason="There is no such account."))


def _current(call: Call, logins: list[Account], browser: str) -> Account:
    session = call.world.sessions.get((browser, call.platform), "")
    return next((account for account in logins if account.id == session), logins[0])


def address_with(address: str, fields: Mapping[str, str]) -> str:
    """The address with these fields added to its query."""
    return f"{address}{'&' if '?' in address else '?'}{urlencode(fields, quote_via=quote)}"
