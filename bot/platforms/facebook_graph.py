"""How graph.facebook.com is spoken to, and what it says of a token: for Pages, and for Instagram behind them.

Every call that carries a token carries its `appsecret_proof` too, so that an app may require it.
Sources: developers.facebook.com (Graph API overview, securing requests, debug_token, error handling).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.platforms import meta, oauth
from bot.platforms.base import Call
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from bot.platforms.reading import member, objects
from bot.settings import AppCredentials

HOST = "graph.facebook.com"
UPLOADS = "rupload.facebook.com"
HOSTS = frozenset({HOST, UPLOADS})


@dataclass(frozen=True, slots=True)
class Graph:
    """The Graph API at one version, and the way to travel."""

    version: str
    call: Call

    async def get(self, path: str, token: str, needs: str, **params: str) -> oauth.Body:
        """Reads an object or a list."""
        return await self._ask("GET", path, token, needs, params=params)

    async def post(self, path: str, token: str, needs: str, form: Mapping[str, str]) -> oauth.Body:
        """Makes or changes something."""
        return await self._ask("POST", path, token, needs, data=form)

    async def about_tokens(self, path: str, params: Mapping[str, str]) -> oauth.Body:
        """A call about tokens: secrets and tokens are its documented parameters."""
        url = self.url(path)
        try:
            return await meta.graph(self.call, "GET", url, hosts=HOSTS, needs="public_profile", params=params)
        except PlatformError as error:
            raise PlatformError(not_a_post(error.verdict)) from None

    async def _ask(
        self,
        method: str,
        path: str,
        token: str,
        needs: str,
        *,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
    ) -> oauth.Body:
        proven = {"appsecret_proof": proof(self.call.app, token)}
        return await meta.graph(
            self.call,
            method,
            self.url(path),
            hosts=HOSTS,
            needs=needs,
            token=token,
            params=None if params is None else {**params, **proven},
            data=None if data is None else {**data, **proven},
        )

    def url(self, path: str) -> str:
        return f"https://{HOST}/{self.version}{path}"


@dataclass(frozen=True, slots=True)
class Inspection:
    """What debug_token says of a living token. Instants are seconds since 1970; no end is None."""

    kind: str  # USER, PAGE, APP, SYSTEM_USER; empty where it is not said
    user_id: str | None
    profile_id: str | None  # the Page's id
    scopes: frozenset[str] | None
    targets: Mapping[str, frozenset[str]]  # by scope; a scope that is absent reaches all
    issued_at: float | None
    expires_at: float | None
    data_access_expires_at: float | None

    def lacks(self, scope: str, account_id: str) -> bool:
        """Whether it says that the scope is missing, or was not given for this account."""
        if self.scopes is not None and scope not in self.scopes:
            return True
        return scope in self.targets and account_id not in self.targets[scope]


async def inspect(graph: Graph, token: str) -> Inspection:
    """Asks as the app what a token is worth. Raises PlatformError for a dead one, with its reason."""
    own = app_token(graph.call.app)
    params = {"input_token": token, "access_token": own, "appsecret_proof": proof(graph.call.app, own)}
    try:
        body = await graph.about_tokens("/debug_token", params)
    except PlatformError as error:
        raise PlatformError(_of_our_app(error.verdict)) from None
    data = member(body, "data")
    if data.get("is_valid") is False:
        raise PlatformError(_dead(member(data, "error")))
    if data.get("is_valid") is not True:
        raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_is_valid"))
    return Inspection(
        kind=oauth.word(data.get("type")) or "",
        user_id=oauth.word(data.get("user_id")),
        profile_id=oauth.word(data.get("profile_id")),
        scopes=oauth.scope_set(data.get("scopes")),
        targets=_targets(data),
        issued_at=oauth.seconds(data.get("issued_at")),
        expires_at=oauth.seconds(data.get("expires_at")),
        data_access_expires_at=oauth.seconds(data.get("data_access_expires_at")),
    )


def proof(app: AppCredentials, token: str) -> str:
    """`appsecret_proof`: that whoever shows this token also knows our app's secret."""
    key = app.client_secret.get_secret_value().encode()
    return hmac.new(key, token.encode(), hashlib.sha256).hexdigest()


def app_token(app: AppCredentials) -> str:
    """The app's own token, which is its id and its secret."""
    return f"{app.client_id}|{app.client_secret.get_secret_value()}"


def not_a_post(verdict: Verdict) -> Verdict:
    """A bad parameter of a call that carries no post is for a person to look at, not refused content."""
    return replace(verdict, kind=Kind.UNKNOWN) if verdict.kind is Kind.CONTENT else verdict


def _of_our_app(verdict: Verdict) -> Verdict:
    """debug_token itself speaks with the app's token: refusing that says nothing about a person's."""
    if verdict.kind in (Kind.DEAD, Kind.TOKEN):
        return replace(verdict, kind=Kind.APP, reason=Reason.APP_SECRET)
    if verdict.kind in (Kind.PERMISSION, Kind.ACCOUNT):
        return replace(verdict, kind=Kind.APP, reason=Reason.APP_SETTINGS, permission=None)
    return verdict


def _dead(error: oauth.Body) -> Verdict:
    """The reason inside a reply that is a success in itself; its key is `subcode` here."""
    subcode = error.get("subcode") or error.get("error_subcode")
    seen = meta.envelope_of(400, {"error": {**error, "error_subcode": subcode}})
    if seen.code is None:
        return Verdict(Kind.DEAD, Reason.REFUSED, "debug/invalid")
    return not_a_post(meta.judge(seen))


def _targets(data: oauth.Body) -> dict[str, frozenset[str]]:
    """Which Pages and accounts were ticked, by scope."""
    found: dict[str, frozenset[str]] = {}
    for entry in objects(data, "granular_scopes"):
        scope, ids = oauth.word(entry.get("scope")), entry.get("target_ids")
        if scope and isinstance(ids, list):
            found[scope] = frozenset(filter(None, map(oauth.word, ids)))
    return found
