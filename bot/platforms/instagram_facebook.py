"""Instagram behind a Facebook login: accounts linked to a Page, on graph.facebook.com, with the Page's token.

    post            point of no return    what a look can prove
    any             media_publish         the container answers for itself, as in `instagram`

Containers are Instagram's own; consent, tokens and their upkeep are Facebook's. Writing goes by the Page's
token. Reading does too, and once more by the person's where the Page's is told that nothing is there (100/33)
or that it may not (10). A connection's token is therefore a pair (`facebook_pages.Pair`); a Page's token
alone works as well, without the second try.
Sources: developers.facebook.com (Instagram API with Facebook login, content publishing, IG container).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.platforms import facebook_graph, facebook_login, facebook_pages, facebook_reading, oauth
from bot.platforms import instagram_media as media
from bot.platforms.base import Account, Call, Discovery, PlatformInfo, Scope, Target, Tokens
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from bot.platforms.facebook_graph import Graph
from bot.platforms.facebook_pages import IG_BASIC, IG_PUBLISH, Pair
from bot.platforms.instagram import INFO as BY_INSTAGRAM
from bot.platforms.instagram import Instagram
from bot.settings import AppCredentials

ACCOUNT_FIELDS = "id,username,name,profile_picture_url"

# The same permissions as for Pages: both speak by one grant, and a second consent shall take nothing back.
INFO = PlatformInfo(
    key="instagram",
    title="Instagram",
    provider="facebook",
    scopes=(
        Scope(IG_BASIC, "knowing which account this is"),
        Scope(IG_PUBLISH, "posting"),
        Scope(facebook_pages.LIST, "finding the Page that the account is linked to"),
        Scope(facebook_reading.READ, "reading back what was posted"),
        Scope(facebook_pages.BUSINESSES, "accounts that belong to a business portfolio", required=False),
        Scope(facebook_pages.PUBLISH, "posting to the Pages", required=False, concerns="facebook"),
    ),
    refresh=facebook_login.REFRESH,
    hosts=frozenset({facebook_graph.HOST}),
    token_host=facebook_graph.HOST,
    permission_page=facebook_login.PERMISSION_PAGE,
    limits=BY_INSTAGRAM.limits,
    pkce=False,
    login="Facebook",
    unreviewed="Until Meta has reviewed the app, only people with a role in it can link their accounts.",
)


@dataclass(frozen=True, slots=True)
class PageDesk(media.Desk):
    """Instagram's desk on graph.facebook.com: `base` is the version alone, the target's token a pair."""

    async def get(self, path: str, fields: str, **params: str) -> oauth.Body:
        """By the Page's token, then by the person's where that may see more."""
        graph, pair = self._graph, Pair.read(self.target.token)
        asked = {"fields": fields} | params
        try:
            return await graph.get(path, pair.page, IG_BASIC, **asked)
        except PlatformError as error:
            if pair.person is None or not _sees_too_little(error.verdict):
                raise
        return await graph.get(path, pair.person, IG_BASIC, **asked)

    async def post(self, path: str, form: Mapping[str, str]) -> oauth.Body:
        """By the Page's token alone."""
        return await self._graph.post(path, Pair.read(self.target.token).page, IG_PUBLISH, form)

    @property
    def _graph(self) -> Graph:
        return Graph(self.base, self.call)


@dataclass(frozen=True, slots=True)
class InstagramOnFacebook(Instagram):
    """Instagram accounts that rest on a Facebook grant."""

    info: PlatformInfo = INFO

    def authorization_url(
        self, app: AppCredentials, redirect_uri: str, state: str, challenge: str | None
    ) -> str:
        return facebook_login.authorization_url(self.version, app, redirect_uri, state, INFO.scopes)

    async def exchange(self, call: Call, code: str, redirect_uri: str, verifier: str | None) -> Tokens:
        return await facebook_login.exchange(Graph(self.version, call), code, redirect_uri)

    async def refresh(self, call: Call, tokens: Tokens) -> Tokens:
        return await facebook_login.extend(Graph(self.version, call), tokens.access_token)

    async def revoke(self, call: Call, tokens: Tokens) -> bool:
        return await facebook_login.revoke(Graph(self.version, call), tokens)

    async def discover(self, call: Call, tokens: Tokens) -> Discovery:
        """The accounts alone; the Pages that lead to them are not asked for here."""
        found = await facebook_pages.discover(Graph(self.version, call), tokens)
        accounts = [account for account in found.accounts if account.platform == INFO.key]
        return replace(found, accounts=tuple(replace(account, platform=None) for account in accounts))

    async def check_app(self, call: Call) -> bool:
        return await facebook_login.check_app(Graph(self.version, call))

    async def mint(self, call: Call, tokens: Tokens, account_id: str) -> str | None:
        return await facebook_pages.instagram_pair(Graph(self.version, call), tokens, account_id)

    async def probe(self, call: Call, target: Target) -> Account:
        """Reads the account: the tokens live, and the account is still linked to the Page."""
        try:
            body = await self._desk(call, target).get(f"/{target.account_id}", ACCOUNT_FIELDS)
        except PlatformError as error:
            raise PlatformError(facebook_graph.not_a_post(error.verdict)) from None
        account_id, handle = oauth.word(body.get("id")), oauth.word(body.get("username"))
        if account_id is None or handle is None:
            raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_id"))
        name = oauth.word(body.get("name")) or handle
        return Account(account_id, handle, name, oauth.word(body.get("profile_picture_url")))

    def _desk(self, call: Call, target: Target) -> media.Desk:
        return PageDesk(self.version, call, target)


def _sees_too_little(verdict: Verdict) -> bool:
    """100/33 or 10: what a Page's token is told of things that are there (integrators, since May 2026)."""
    return verdict.code == "100/33" or verdict.code.partition("/")[0] == "10"
