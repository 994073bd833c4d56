"""Instagram by Instagram Login: professional accounts, tokens that extend themselves, posts by container.

Everything up to the container can be done again; publishing it is the point of no return. The container
then answers for itself whether it was published.
Sources: developers.facebook.com (Instagram API with Instagram login: business login, content publishing,
IG container, media publish, error codes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.http import HttpError
from bot.platforms import instagram_media as media
from bot.platforms import meta, oauth, text
from bot.platforms.base import (
    Account,
    Call,
    Discovery,
    Found,
    Handles,
    Look,
    PlatformInfo,
    Ready,
    RefreshKind,
    RefreshModel,
    Scope,
    Sent,
    Target,
    Tokens,
    Wait,
)
from bot.platforms.content import Content, ContentProblem, PostLimits
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from bot.settings import AppCredentials

GRAPH = "https://graph.instagram.com"
ME_FIELDS = "user_id,username,name,account_type,profile_picture_url"
PERMALINK_DEADLINE = 5.0  # seconds: a link is not worth more once the post is out
LIST_PAGE = "50"

INFO = PlatformInfo(
    key="instagram",
    title="Instagram",
    provider="instagram",
    scopes=(
        Scope(media.BASIC, "knowing which account this is and staying connected"),
        Scope(media.PUBLISH, "posting"),
    ),
    refresh=RefreshModel(
        RefreshKind.SELF_EXTENDING,
        margin=timedelta(days=15),
        min_age=timedelta(hours=24),
        assumed_life=timedelta(days=60),
    ),
    hosts=media.HOSTS,
    token_host="graph.instagram.com",
    permission_page="https://www.instagram.com/accounts/manage_access/",
    limits=PostLimits(
        text_max=media.CAPTION_MAX,
        media_min=1,
        media_max=media.CAROUSEL_MAX,
        daily_cap=50,  # the pages say 25, 50 and 100; this only warns, Instagram enforces its own
    ),
    pkce=False,
    unreviewed="Until Meta has reviewed the app, only accounts added to it as testers can be linked.",
)


@dataclass(frozen=True, slots=True)
class Instagram:
    """The platform Instagram, at one version of the Graph API ("v26.0")."""

    version: str
    info: PlatformInfo = INFO

    def authorization_url(
        self, app: AppCredentials, redirect_uri: str, state: str, challenge: str | None
    ) -> str:
        return oauth.authorization_url(
            "https://www.instagram.com/oauth/authorize",
            app.client_id,
            redirect_uri,
            [scope.name for scope in INFO.scopes],
            state,
            separator=",",
            extra={"force_reauth": "true"},  # else whoever is logged in is linked without being asked
        )

    async def exchange(self, call: Call, code: str, redirect_uri: str, verifier: str | None) -> Tokens:
        """Two calls, each under the call's deadline: code to short-lived, short-lived to long-lived."""
        short = await _short_lived(call, code.removesuffix("#_"), redirect_uri)
        params = {
            "grant_type": "ig_exchange_token",
            "client_secret": call.app.client_secret.get_secret_value(),
            "access_token": short.access_token,
        }
        long = oauth.parse_tokens(await _token_call(call, "GET", f"{GRAPH}/access_token", params=params))
        return replace(long, scopes=short.scopes, subject=short.subject)

    async def refresh(self, call: Call, tokens: Tokens) -> Tokens:
        params = {"grant_type": "ig_refresh_token", "access_token": tokens.access_token}
        body = await _token_call(call, "GET", f"{GRAPH}/refresh_access_token", params=params)
        return replace(oauth.parse_tokens(body), scopes=oauth.scope_set(body.get("permissions")))

    async def revoke(self, call: Call, tokens: Tokens) -> bool:
        return False  # Instagram documents no such call

    async def discover(self, call: Call, tokens: Tokens) -> Discovery:
        body = await self._whoami(call, tokens.access_token)
        account = _account(body)
        return Discovery(account.id, account.name, (account,), known_as=oauth.word(body.get("id")))

    async def check_app(self, call: Call) -> bool:
        return False  # Instagram documents no token of the app alone

    async def mint(self, call: Call, tokens: Tokens, account_id: str) -> str | None:
        return None

    async def probe(self, call: Call, target: Target) -> Account:
        return await self._me(call, target.token)

    def check(self, content: Content) -> tuple[ContentProblem, ...]:
        return tuple(media.problems(content))

    def appearance(self, content: Content) -> Content:
        return Content(text.with_link(content.text, content.link), content.media)

    async def prepare(self, call: Call, target: Target, content: Content, handles: Handles) -> Ready | Wait:
        try:
            return await media.next_step(self._desk(call, target), content, handles)
        except PlatformError as error:
            if error.verdict.reason is Reason.ACCOUNT_GONE or error.verdict.kind is Kind.NOT_READY:
                await self.probe(call, target)  # a token that is dead says so itself
            raise

    async def send(self, call: Call, target: Target, content: Content, handles: Handles) -> Sent:
        container = handles.get(media.CONTAINER)
        if container is None:
            raise PlatformError(Verdict(Kind.NOT_READY, Reason.UNKNOWN, "no_container"))
        path = f"/{target.account_id}/media_publish"
        try:
            body = await self._desk(call, target).post(path, {"creation_id": container})
        except PlatformError as error:
            raise PlatformError(media.of_container(error.verdict)) from None
        media_id = oauth.word(body.get("id"))
        if media_id is None:
            raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_id"))
        return Sent(media_id, await self._permalink(call, target, media_id))

    async def progress(self, call: Call, target: Target, handles: Handles, external_id: str | None) -> Sent:
        return Sent(external_id, await self._permalink(call, target, external_id) if external_id else None)

    async def look(
        self,
        call: Call,
        target: Target,
        content: Content,
        handles: Handles,
        since: datetime,
        taken: frozenset[str],
    ) -> Look:
        """The container is the proof; the list of posts only lends the id. What may pass is raised."""
        container = handles.get(media.CONTAINER)
        if container is None:
            return Look(Found.UNKNOWN)
        try:
            status, _ = await media.status_of(self._desk(call, target), container)
        except PlatformError as error:
            if error.verdict.kind in (Kind.NOT_READY, Kind.UNKNOWN, Kind.CONTENT):
                return Look(Found.UNKNOWN)
            raise
        if status in ("FINISHED", "ERROR", "EXPIRED"):  # expired: not published within its 24 hours
            return Look(Found.ABSENT)
        if status != "PUBLISHED":
            return Look(Found.UNKNOWN)
        return await self._twin(call, target, content, since.replace(microsecond=0), taken)

    def _desk(self, call: Call, target: Target) -> media.Desk:
        return media.Desk(f"{GRAPH}/{self.version}", call, target)

    async def _me(self, call: Call, token: str) -> Account:
        return _account(await self._whoami(call, token))

    async def _whoami(self, call: Call, token: str) -> oauth.Body:
        """`user_id` is the professional account, `id` the person as our app alone knows him."""
        desk = self._desk(call, Target("me", "", token))
        try:
            body = await desk.get("/me", ME_FIELDS)
        except PlatformError as error:
            raise PlatformError(_not_a_post(error.verdict)) from None
        return _unwrapped(body)

    async def _permalink(self, call: Call, target: Target, media_id: str) -> str | None:
        """Where people see the post. Without it the post is no less published."""
        brief = replace(call, deadline=min(call.deadline, PERMALINK_DEADLINE), not_after=None)
        try:
            body = await self._desk(brief, target).get(f"/{media_id}", "permalink")
        except (PlatformError, HttpError):
            return None
        return oauth.word(body.get("permalink"))

    async def _twin(
        self, call: Call, target: Target, content: Content, floor: datetime, taken: frozenset[str]
    ) -> Look:
        """Published for sure; its id only if exactly one post can be it."""
        desk, path = self._desk(call, target), f"/{target.account_id}/media"
        try:
            body = await desk.get(path, "id,caption,timestamp,permalink", limit=LIST_PAGE)
        except (PlatformError, HttpError):
            return Look(Found.THERE)
        items = body.get("data")
        ours = [
            item
            for item in (items if isinstance(items, list) else [])
            if isinstance(item, dict)
            and _fits(item, text.with_link(content.text, content.link), floor)
            and oauth.word(item.get("id")) not in taken
        ]
        if len(ours) != 1:
            return Look(Found.THERE)
        return Look(Found.THERE, oauth.word(ours[0].get("id")), oauth.word(ours[0].get("permalink")))


async def _token_call(
    call: Call,
    method: str,
    url: str,
    *,
    params: Mapping[str, str] | None = None,
    data: Mapping[str, str] | None = None,
) -> oauth.Body:
    """A call about tokens. These endpoints take secrets and tokens as parameters only."""
    try:
        return await meta.graph(
            call, method, url, hosts=INFO.hosts, needs=media.BASIC, params=params, data=data
        )
    except PlatformError as error:
        raise PlatformError(_not_a_post(error.verdict)) from None


async def _short_lived(call: Call, code: str, redirect_uri: str) -> Tokens:
    form = {
        "client_id": call.app.client_id,
        "client_secret": call.app.client_secret.get_secret_value(),
        "grant_type": "authorization_code",
        "redirect_uri": redirect_uri,
        "code": code,
    }
    url = "https://api.instagram.com/oauth/access_token"
    body = _unwrapped(await _token_call(call, "POST", url, data=form))
    tokens = oauth.parse_tokens(body)
    granted = oauth.scope_set(body.get("permissions"))
    return replace(tokens, scopes=granted or tokens.scopes, subject=oauth.word(body.get("user_id")))


def _not_a_post(verdict: Verdict) -> Verdict:
    """A bad parameter of a call that carries no post is for a person to look at, not refused content."""
    return replace(verdict, kind=Kind.UNKNOWN) if verdict.kind is Kind.CONTENT else verdict


def _unwrapped(body: oauth.Body) -> oauth.Body:
    """Documented replies wrap the object in `{"data": [...]}`, live ones are flat."""
    data = body.get("data")
    if isinstance(data, list) and data and isinstance(data[0], dict):
        return data[0]
    return data if isinstance(data, dict) else body


def _account(body: oauth.Body) -> Account:
    account_id, handle = oauth.word(body.get("user_id")), oauth.word(body.get("username"))
    if account_id is None or handle is None:
        raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_user_id"))
    kind = body.get("account_type")
    personal = isinstance(kind, str) and kind.casefold() == "personal"
    return Account(
        id=account_id,
        handle=handle,
        name=oauth.word(body.get("name")) or handle,
        picture_url=oauth.word(body.get("profile_picture_url")),
        usable=not personal,
        problem=Reason.ACCOUNT_TYPE if personal else None,
    )


def _fits(item: oauth.Body, ours: str, floor: datetime) -> bool:
    caption, stamp = item.get("caption", ""), item.get("timestamp")
    if not isinstance(caption, str) or not isinstance(stamp, str):
        return False
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return False
    return moment.tzinfo is not None and moment >= floor and text.same_caption(ours, caption)
