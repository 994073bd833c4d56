"""Facebook Pages: the person's login reaches Pages, and each Page posts with a token of its own.

    post            point of no return           what a look can prove
    text, link      POST /{page}/feed            there: exactly one fitting post in the Page's feed
    photos          POST /{page}/feed            the same; the photos are unpublished uploads until then
    film            POST /{page}/videos          the same
    Reel            finish of /{page}/video_reels  there: the film we started has a post; or as above

Nothing is ever proved absent: a list proves nothing missing, and a Reel's state does not say who finished it.
Sources: developers.facebook.com (manual login flow, Pages API, Reels publishing, debug_token).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from bot.platforms import facebook_graph, facebook_login, facebook_pages, facebook_posts, facebook_reading
from bot.platforms.base import (
    Account,
    Call,
    Discovery,
    Found,
    Handles,
    Look,
    PlatformInfo,
    Ready,
    Scope,
    Sent,
    Target,
    Tokens,
    Wait,
)
from bot.platforms.content import Content, ContentProblem, PostLimits
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from bot.platforms.facebook_graph import Graph
from bot.platforms.oauth import word
from bot.settings import AppCredentials

PAGES = (
    Scope(facebook_pages.LIST, "finding the Pages"),
    Scope(facebook_reading.READ, "reading back what was posted"),
    Scope(facebook_pages.PUBLISH, "posting"),
    Scope(facebook_pages.BUSINESSES, "Pages that belong to a business portfolio", required=False),
)
BEHIND_PAGES = (
    Scope(
        facebook_pages.IG_BASIC,
        "Instagram accounts that are linked to the Pages",
        required=False,
        concerns="instagram",
    ),
    Scope(facebook_pages.IG_PUBLISH, "posting to these accounts", required=False, concerns="instagram"),
)
"""Asked for in the same dialog, so that the picker offers Instagram accounts beside the Pages. An app without
the Instagram use case is refused the whole dialog for them."""

INFO = PlatformInfo(
    key="facebook",
    title="Facebook",
    provider="facebook",
    scopes=PAGES,
    refresh=facebook_login.REFRESH,
    hosts=facebook_graph.HOSTS,
    token_host=facebook_graph.HOST,
    permission_page=facebook_login.PERMISSION_PAGE,
    limits=PostLimits(
        text_max=facebook_posts.TEXT_MAX,
        titled="videos",
        media_max=facebook_posts.PHOTOS_MAX,
    ),
    pkce=False,
    unreviewed="Until Meta has reviewed the app, only people with a role in it can link their Pages.",
    account_noun="Page",
)


NO_ROLE = "190/492"
WITH_INSTAGRAM = replace(INFO, scopes=(*PAGES, *BEHIND_PAGES))


@dataclass(frozen=True, slots=True)
class Facebook:
    """The platform Facebook, at one version of the Graph API ("v26.0"); with `WITH_INSTAGRAM` it reaches the
    Instagram accounts behind the Pages, too."""

    version: str
    info: PlatformInfo = INFO

    def authorization_url(
        self, app: AppCredentials, redirect_uri: str, state: str, challenge: str | None
    ) -> str:
        return facebook_login.authorization_url(self.version, app, redirect_uri, state, self.info.scopes)

    async def exchange(self, call: Call, code: str, redirect_uri: str, verifier: str | None) -> Tokens:
        """Three or four calls, each under the call's deadline."""
        return await facebook_login.exchange(self._graph(call), code, redirect_uri)

    async def refresh(self, call: Call, tokens: Tokens) -> Tokens:
        return await facebook_login.extend(self._graph(call), tokens.access_token)

    async def revoke(self, call: Call, tokens: Tokens) -> bool:
        return await facebook_login.revoke(self._graph(call), tokens)

    async def discover(self, call: Call, tokens: Tokens) -> Discovery:
        """Pages with their own tokens; Instagram accounts behind them where the login reaches those too."""
        return await facebook_pages.discover(self._graph(call), tokens)

    async def check_app(self, call: Call) -> bool:
        return await facebook_login.check_app(self._graph(call))

    async def mint(self, call: Call, tokens: Tokens, account_id: str) -> str | None:
        return await facebook_pages.page_token(self._graph(call), tokens, account_id)

    async def probe(self, call: Call, target: Target) -> Account:
        """Asks debug_token: the token lives, is this Page's, and may still post there. Then who it is: that
        debug_token sees a lost role is not documented, and a call by the token itself is refused for it."""
        graph = self._graph(call)
        try:
            seen = await facebook_graph.inspect(graph, target.token)
            if seen.kind == "USER" or seen.profile_id not in (None, target.account_id):
                raise PlatformError(_missing("debug/not_this_page"))  # a person's posts nothing as a Page
            if seen.lacks(facebook_pages.PUBLISH, target.account_id):
                raise PlatformError(_missing("debug/scope"))
            await _speaks(graph, target)
        except PlatformError as error:
            if error.verdict.code == NO_ROLE:  # of a Page's token: the login and its other Pages are fine
                raise PlatformError(Verdict(Kind.PERMISSION, Reason.ROLE_LOST, NO_ROLE)) from None
            raise
        return Account(target.account_id, target.handle, target.handle or target.account_id)

    def check(self, content: Content) -> tuple[ContentProblem, ...]:
        return tuple(facebook_posts.problems(content))

    def appearance(self, content: Content) -> Content:
        return facebook_posts.appearance(content)

    async def prepare(self, call: Call, target: Target, content: Content, handles: Handles) -> Ready | Wait:
        desk = facebook_posts.Desk(self._graph(call), target)
        try:
            return await facebook_posts.next_step(desk, content, handles)
        except PlatformError as error:
            if error.verdict.reason is Reason.ACCOUNT_GONE:
                await self.probe(call, target)  # a token that is dead says so itself
            raise

    async def send(self, call: Call, target: Target, content: Content, handles: Handles) -> Sent:
        edge, form = facebook_posts.request_of(content, handles)
        graph = self._graph(call)
        body = await facebook_posts.Desk(graph, target).post(edge, form)
        post_id = word(body.get("post_id"))
        if edge == "video_reels":
            if body.get("success") is not True and post_id is None:
                raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_success"))
            return Sent(handles[facebook_posts.VIDEO], processing=True)
        post_id = post_id or word(body.get("id"))
        if post_id is None:
            raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_id"))
        if edge == "videos":
            return Sent(word(body.get("id")) or post_id, processing=True)
        return Sent(post_id, await facebook_reading.permalink(graph, target.token, post_id))

    async def progress(self, call: Call, target: Target, handles: Handles, external_id: str | None) -> Sent:
        """Films only: everything else is public at once."""
        video = handles.get(facebook_posts.VIDEO) or external_id
        if video is None:
            return Sent(None)
        state = await facebook_reading.state_of(self._graph(call), target.token, video)
        if state.failed:
            raise PlatformError(Verdict(Kind.CONTENT, Reason.MEDIA_FORMAT, state.label))
        if not state.is_out:
            return Sent(video, processing=True)
        reel = f"{facebook_reading.SITE}/reel/{video}" if facebook_posts.VIDEO in handles else None
        post_id = facebook_reading.full_id(target.account_id, state.post_id) if state.post_id else video
        return Sent(post_id, state.permalink or reel)

    async def look(
        self,
        call: Call,
        target: Target,
        content: Content,
        handles: Handles,
        since: datetime,
        taken: frozenset[str],
    ) -> Look:
        """A Reel's own film first, then the Page's feed. What may pass by itself is raised."""
        graph = self._graph(call)
        try:
            found = await self._reel(graph, target, handles)
            if found is None:
                message = facebook_posts.message_of(content)
                found = await facebook_reading.only_twin(graph, target, message, since, taken)
        except PlatformError as error:
            if error.verdict.kind in (Kind.NOT_READY, Kind.UNKNOWN, Kind.CONTENT):
                return Look(Found.UNKNOWN)
            raise
        return found

    async def _reel(self, graph: Graph, target: Target, handles: Handles) -> Look | None:
        video = handles.get(facebook_posts.VIDEO)
        if video is None:
            return None
        try:
            state = await facebook_reading.state_of(graph, target.token, video)
        except PlatformError as error:
            if error.verdict.kind is Kind.NOT_READY:
                return None
            raise
        if not state.published:
            return None
        post_id = facebook_reading.full_id(target.account_id, state.post_id) if state.post_id else video
        return Look(Found.THERE, post_id, state.permalink)

    def _graph(self, call: Call) -> Graph:
        return Graph(self.version, call)


async def _speaks(graph: Graph, target: Target) -> None:
    """Raises PlatformError where a living token may not speak for its Page any more.

    The end of data access is no verdict: whether posting ends with it is not documented, and it is warned of
    from the date that the consent brought. Nor is a question that is refused for itself."""
    try:
        me = await graph.get("/me", target.token, facebook_reading.READ, fields="id,name")
    except PlatformError as error:
        verdict = facebook_graph.not_a_post(error.verdict)
        if verdict.reason is Reason.EXPIRED or verdict.kind is Kind.UNKNOWN:
            return
        raise
    if word(me.get("id")) not in (None, target.account_id):
        raise PlatformError(_missing("me/not_this_page"))


def _missing(code: str) -> Verdict:
    return Verdict(Kind.PERMISSION, Reason.PERMISSION_MISSING, code, permission=facebook_pages.PUBLISH)
