"""X: API v2 with OAuth 2.0, PKCE and refresh tokens that are good for one use only.

Text, pictures and films (uploaded beforehand, see `x_media`). The point of no return is the one call that
creates the post; X offers no idempotency, so what became of a lost answer is looked up in the account's own
timeline and never proved absent by it.
Sources: docs.x.com (OAuth 2.0 authorization code, rate limits, response codes and errors, manage posts).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.http import Response
from bot.platforms import oauth, reading, text, x_media
from bot.platforms.base import (
    Account,
    Call,
    Discovery,
    Found,
    Handles,
    Look,
    PlatformInfo,
    Prices,
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
from bot.platforms.x_errors import classify, classify_token
from bot.settings import AppCredentials

API = "https://api.x.com/2"
TEXT_MAX = 280  # weighted, see `text.weighted_length`
NO_REFRESH_TOKEN = Verdict(
    Kind.PERMISSION, Reason.PERMISSION_MISSING, "no_refresh_token", permission="offline.access"
)
MEDIA_LINK = re.compile(r"\s*https://t\.co/[A-Za-z0-9]+\s*$")
PAGE = 20  # posts read by a look; each one read is paid for

INFO = PlatformInfo(
    key="x",
    title="X",
    provider="x",
    scopes=(
        Scope("tweet.read", "reading back what was posted"),
        Scope("tweet.write", "posting"),
        Scope("users.read", "knowing which account this is"),
        Scope("offline.access", "staying connected"),
        Scope("media.write", "pictures and films", required=False),
    ),
    refresh=RefreshModel(RefreshKind.ROTATING, margin=timedelta(minutes=30), assumed_life=timedelta(hours=2)),
    hosts=frozenset({"api.x.com"}),
    token_host="api.x.com",
    permission_page="https://x.com/settings/connected_apps",
    limits=PostLimits(
        text_max=TEXT_MAX,
        media_max=x_media.PICTURES_MAX,
    ),
    pkce=True,
    probe_interval=None,
    prices=Prices(post=15, with_link=200, description=5),  # docs.x.com, pricing
)


@dataclass(frozen=True, slots=True)
class X:
    """The platform X."""

    info: PlatformInfo = INFO

    def authorization_url(
        self, app: AppCredentials, redirect_uri: str, state: str, challenge: str | None
    ) -> str:
        return oauth.authorization_url(
            "https://x.com/i/oauth2/authorize",
            app.client_id,
            redirect_uri,
            [scope.name for scope in INFO.scopes],
            state,
            challenge=challenge,
        )

    async def exchange(self, call: Call, code: str, redirect_uri: str, verifier: str | None) -> Tokens:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return await _tokens(call, form | ({"code_verifier": verifier} if verifier else {}))

    async def refresh(self, call: Call, tokens: Tokens) -> Tokens:
        if tokens.refresh_token is None:  # the consent went without offline.access
            raise PlatformError(NO_REFRESH_TOKEN)
        return await _tokens(call, {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token})

    async def revoke(self, call: Call, tokens: Tokens) -> bool:
        form = {"token": tokens.refresh_token or tokens.access_token}
        response = await _post_form(call, "/oauth2/revoke", form)
        if reading.is_done(response):  # the body's shape is not documented
            return True
        verdict = classify_token(response)
        if verdict.kind is Kind.DEAD:  # nothing left to revoke
            return True
        raise PlatformError(verdict)

    async def discover(self, call: Call, tokens: Tokens) -> Discovery:
        account = await _me(call, tokens.access_token)
        return Discovery(account.id, account.name, (account,))

    async def check_app(self, call: Call) -> bool:
        return False  # nothing that we use takes a token of the app alone

    async def mint(self, call: Call, tokens: Tokens, account_id: str) -> str | None:
        return None

    async def probe(self, call: Call, target: Target) -> Account:
        return await _me(call, target.token)

    def check(self, content: Content) -> tuple[ContentProblem, ...]:
        return tuple(_problems(content))

    def appearance(self, content: Content) -> Content:
        return Content(text.with_link(content.text, content.link), content.media)

    async def prepare(self, call: Call, target: Target, content: Content, handles: Handles) -> Ready | Wait:
        return await x_media.next_step(x_media.Desk(call, target.token), content, handles)

    async def send(self, call: Call, target: Target, content: Content, handles: Handles) -> Sent:
        said = text.with_link(content.text, content.link)
        body = {**({"text": said} if said.strip() else {}), **x_media.attached(content, handles)}
        response = await _request(call, "POST", "/tweets", target.token, json=body)
        data = _data(response)
        post_id = oauth.word(data.get("id")) if data else None
        if post_id is None:
            raise PlatformError(classify(response, needs="tweet.write"))
        return Sent(post_id, _permalink(target, post_id))

    async def progress(self, call: Call, target: Target, handles: Handles, external_id: str | None) -> Sent:
        return Sent(external_id, _permalink(target, external_id) if external_id else None)

    async def look(
        self,
        call: Call,
        target: Target,
        content: Content,
        handles: Handles,
        since: datetime,
        taken: frozenset[str],
    ) -> Look:
        """Never `ABSENT`: a timeline proves nothing missing. What may pass by itself is raised.

        Pictures without a word cannot be told from others' pictures: only a person can."""
        ours = text.with_link(content.text, content.link)
        if not ours.strip():
            return Look(Found.UNKNOWN)
        floor = since.astimezone(UTC).replace(microsecond=0)  # X stamps whole seconds
        params = {
            "start_time": floor.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "max_results": str(PAGE),
            "tweet.fields": "created_at",
        }
        path = f"/users/{target.account_id}/tweets"
        response = await _request(call, "GET", path, target.token, params=params)
        if not 200 <= response.status < 300:
            verdict = classify(response, needs="tweet.read")
            if verdict.kind in (Kind.TRY_LATER, Kind.UNCLEAR, Kind.TOKEN, Kind.APP):
                raise PlatformError(verdict)
            return Look(Found.UNKNOWN)
        twin = _only_twin(response, ours, floor, taken, bool(content.media))
        return Look(Found.THERE, twin, _permalink(target, twin)) if twin else Look(Found.UNKNOWN)


def _problems(content: Content) -> list[ContentProblem]:
    whole_text = text.with_link(content.text, content.link)
    length = text.weighted_length(whole_text)
    found: list[ContentProblem] = []
    if not whole_text.strip() and not content.media:
        words = "A post on X needs some text, or a picture or film."
        found.append(ContentProblem("text", Reason.TEXT_REFUSED, words))
    if length > TEXT_MAX:
        words = f"This is {length} characters as X counts them; the most is {TEXT_MAX}."
        found.append(ContentProblem("text", Reason.TEXT_TOO_LONG, words))
    if text.cashtags(whole_text) > 1:
        words = "X takes at most one stock symbol ($ABC) in a post."
        found.append(ContentProblem("text", Reason.TEXT_REFUSED, words))
    return [*found, *x_media.problems(content.media)]


async def _request(
    call: Call,
    method: str,
    path: str,
    token: str,
    *,
    params: Mapping[str, str] | None = None,
    json: Mapping[str, object] | None = None,
) -> Response:
    return await call.http.request(
        method,
        API + path,
        hosts=INFO.hosts,
        deadline=call.deadline,
        not_after=call.not_after,
        headers={"Authorization": f"Bearer {token}"},
        params=params,
        json=json,
    )


async def _post_form(call: Call, path: str, form: Mapping[str, str]) -> Response:
    return await call.http.request(
        "POST",
        API + path,
        hosts=INFO.hosts,
        deadline=call.deadline,
        not_after=call.not_after,
        headers={"Authorization": oauth.basic_auth(call.app)},
        data=form,
    )


async def _tokens(call: Call, form: Mapping[str, str]) -> Tokens:
    response = await _post_form(call, "/oauth2/token", form)
    body = oauth.read_object(response)
    if oauth.refuses(response, body):
        raise PlatformError(classify_token(response))
    return oauth.parse_tokens(body)


async def _me(call: Call, token: str) -> Account:
    params = {"user.fields": "profile_image_url"}
    response = await _request(call, "GET", "/users/me", token, params=params)
    data = _data(response) or {}
    account_id, handle = oauth.word(data.get("id")), oauth.word(data.get("username"))
    if account_id is None or handle is None:
        raise PlatformError(classify(response, needs="users.read"))
    name = oauth.word(data.get("name")) or handle
    return Account(account_id, handle, name, oauth.word(data.get("profile_image_url")))


def _data(response: Response) -> oauth.Body | None:
    """The `data` object of a successful reply; errors beside it do not undo it."""
    body = oauth.read_object(response) if 200 <= response.status < 300 else None
    data = body.get("data") if body else None
    return data if isinstance(data, dict) else None


def _only_twin(
    response: Response, ours: str, floor: datetime, taken: frozenset[str], with_media: bool
) -> str | None:
    """The one post since `floor` that reads like ours and is nobody else's; None if the list goes on."""
    body = oauth.read_object(response) or {}
    items, meta = body.get("data"), body.get("meta")
    if not isinstance(items, list) or (isinstance(meta, dict) and meta.get("next_token")):
        return None
    fitting = [item for item in items if isinstance(item, dict) and _fits(item, ours, floor, with_media)]
    ids = [oauth.word(item.get("id")) for item in fitting]
    free = [post_id for post_id in ids if post_id not in taken]
    return free[0] if len(free) == 1 else None


def _fits(item: oauth.Body, ours: str, floor: datetime, with_media: bool) -> bool:
    created, theirs = item.get("created_at"), item.get("text")
    if not isinstance(created, str) or not isinstance(theirs, str):
        return False
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return False
    # X adds a link of its own to the text of a post with media.
    said = MEDIA_LINK.sub("", theirs) if with_media else theirs
    fits = any(text.fits_after_shortening(ours, seen) for seen in (said, theirs))
    return moment.tzinfo is not None and moment >= floor and fits


def _permalink(target: Target, post_id: str) -> str:
    handle = target.handle.removeprefix("@") or "i"
    return f"https://x.com/{handle}/status/{post_id}"
