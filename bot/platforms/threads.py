"""Threads: one login is one profile, tokens extend themselves, every post is a container first.

    post      point of no return    what a look can prove
    any       threads_publish       the container answers: PUBLISHED is there; FINISHED, ERROR, EXPIRED
                                    absent; the profile's list only lends the id

Sources: developers.facebook.com (Threads: access tokens and permissions, long-lived tokens, posts, publishing
reference, troubleshooting).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.http import HttpError
from bot.platforms import meta, oauth
from bot.platforms import threads_limits as limits
from bot.platforms import threads_media as media
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
from bot.platforms.instagram_media import of_container
from bot.settings import AppCredentials

TOKENS = f"https://{media.HOST}"  # token endpoints have no version
ME_FIELDS = "id,username,name,threads_profile_picture_url"
TRIAL_TEXT = "Connected"  # of a container that is never published

INFO = PlatformInfo(
    key="threads",
    title="Threads",
    provider="threads",
    scopes=(
        Scope(media.BASIC, "knowing which profile this is and staying connected"),
        Scope(media.PUBLISH, "posting"),
    ),
    refresh=RefreshModel(
        RefreshKind.SELF_EXTENDING,
        margin=timedelta(days=15),
        min_age=timedelta(hours=24),
        assumed_life=timedelta(days=60),
    ),
    hosts=media.HOSTS,
    token_host=media.HOST,
    permission_page="https://www.threads.com/settings/account",
    limits=PostLimits(
        text_max=limits.TEXT_MAX,
        media_max=limits.CAROUSEL_MAX,
        daily_cap=250,
    ),
    pkce=False,
    confirm_after_consent=True,  # its dialog documents no way to ask which profile
    unreviewed="Until Meta has reviewed the app, only profiles added to it as testers can be linked.",
    account_noun="profile",
)


@dataclass(frozen=True, slots=True)
class Threads:
    """The platform Threads."""

    info: PlatformInfo = INFO

    def authorization_url(
        self, app: AppCredentials, redirect_uri: str, state: str, challenge: str | None
    ) -> str:
        return oauth.authorization_url(
            "https://www.threads.com/oauth/authorize",
            app.client_id,
            redirect_uri,
            [scope.name for scope in INFO.scopes],
            state,
            separator=",",
        )

    async def exchange(self, call: Call, code: str, redirect_uri: str, verifier: str | None) -> Tokens:
        """Code to short-lived, short-lived to long-lived, then what was allowed: up to four calls, each under
        the call's deadline."""
        secret = call.app.client_secret.get_secret_value()
        form = {
            "client_id": call.app.client_id,
            "client_secret": secret,
            "grant_type": "authorization_code",
            "redirect_uri": redirect_uri,
            "code": code.removesuffix("#_"),
        }
        body = await _token_call(call, "POST", "/oauth/access_token", data=form)
        short = oauth.parse_tokens(body)
        scopes = oauth.scope_set(body.get("permissions")) or short.scopes
        params = {
            "grant_type": "th_exchange_token",
            "client_secret": secret,
            "access_token": short.access_token,
        }
        long = oauth.parse_tokens(await _token_call(call, "GET", "/access_token", params=params))
        scopes = scopes or await _allowed(call, long.access_token)
        return replace(long, scopes=scopes, subject=oauth.word(body.get("user_id")))

    async def refresh(self, call: Call, tokens: Tokens) -> Tokens:
        params = {"grant_type": "th_refresh_token", "access_token": tokens.access_token}
        return oauth.parse_tokens(await _token_call(call, "GET", "/refresh_access_token", params=params))

    async def revoke(self, call: Call, tokens: Tokens) -> bool:
        return False  # Threads documents no such call

    async def discover(self, call: Call, tokens: Tokens) -> Discovery:
        """The exchange's id of the person may be another one than the profile's: notices name either."""
        account = await _me(call, tokens.access_token)
        return Discovery(account.id, account.name, (account,), known_as=tokens.subject)

    async def check_app(self, call: Call) -> bool:
        """Asks for the app's own token, with its id and secret alone."""
        params = {
            "client_id": call.app.client_id,
            "client_secret": call.app.client_secret.get_secret_value(),
            "grant_type": "client_credentials",
        }
        oauth.parse_tokens(await _token_call(call, "GET", "/oauth/access_token", params=params))
        return True

    async def mint(self, call: Call, tokens: Tokens, account_id: str) -> str | None:
        return None

    async def probe(self, call: Call, target: Target) -> Account:
        return await _me(call, target.token)

    def check(self, content: Content) -> tuple[ContentProblem, ...]:
        return tuple(limits.problems(content))

    def appearance(self, content: Content) -> Content:
        return media.appearance(content)

    async def prepare(self, call: Call, target: Target, content: Content, handles: Handles) -> Ready | Wait:
        try:
            return await media.next_step(media.Desk(call, target), content, handles)
        except PlatformError as error:
            if error.verdict.reason is Reason.ACCOUNT_GONE or error.verdict.kind is Kind.NOT_READY:
                await self.probe(call, target)  # dead tokens have been answered with "not found" here
            raise

    async def send(self, call: Call, target: Target, content: Content, handles: Handles) -> Sent:
        container = handles.get(media.CONTAINER)
        if container is None:
            raise PlatformError(Verdict(Kind.NOT_READY, Reason.UNKNOWN, "no_container"))
        desk = media.Desk(call, target)
        try:
            body = await desk.post("threads_publish", {"creation_id": container})
        except PlatformError as error:
            raise PlatformError(of_container(error.verdict)) from None
        post_id = oauth.word(body.get("id"))
        if post_id is None:
            raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_id"))
        return Sent(post_id, await media.permalink(desk, post_id))

    async def progress(self, call: Call, target: Target, handles: Handles, external_id: str | None) -> Sent:
        desk = media.Desk(call, target)
        return Sent(external_id, await media.permalink(desk, external_id) if external_id else None)

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
        desk = media.Desk(call, target)
        try:
            status, _ = await media.status_of(desk, container)
        except PlatformError as error:
            if error.verdict.kind in (Kind.NOT_READY, Kind.UNKNOWN, Kind.CONTENT):
                return Look(Found.UNKNOWN)
            raise
        if status in ("FINISHED", "ERROR", "EXPIRED"):  # expired: not published within its 24 hours
            return Look(Found.ABSENT)
        if status != "PUBLISHED":
            return Look(Found.UNKNOWN)
        return await media.twin(desk, media.words_of(content), since.replace(microsecond=0), taken)


async def _token_call(
    call: Call,
    method: str,
    path: str,
    *,
    params: Mapping[str, str] | None = None,
    data: Mapping[str, str] | None = None,
) -> oauth.Body:
    """A call about tokens. These endpoints take secrets and tokens as parameters only."""
    try:
        return await meta.graph(
            call, method, TOKENS + path, hosts=INFO.hosts, needs=media.BASIC, params=params, data=data
        )
    except PlatformError as error:
        raise PlatformError(_not_a_post(error.verdict)) from None


def _not_a_post(verdict: Verdict) -> Verdict:
    """A bad parameter of a call that carries no post is for a person to look at, not refused content."""
    return replace(verdict, kind=Kind.UNKNOWN) if verdict.kind is Kind.CONTENT else verdict


async def _allowed(call: Call, token: str) -> frozenset[str] | None:
    """What the person left ticked; None where that cannot be told.

    No reply names it, and debug_token answers only an app's testers. So each right is tried: reading who this
    is, then making a container of text, which nobody sees and which is gone in a day."""
    desk = media.Desk(call, Target("me", "", token))
    try:
        await desk.get("/me", "id")
    except (PlatformError, HttpError) as error:
        return frozenset({media.PUBLISH}) if _is_not_allowed(error) else None
    try:
        await desk.post("threads", {"media_type": "TEXT", "text": TRIAL_TEXT})
    except (PlatformError, HttpError) as error:
        return frozenset({media.BASIC}) if _is_not_allowed(error) else None
    return frozenset({media.BASIC, media.PUBLISH})


def _is_not_allowed(error: PlatformError | HttpError) -> bool:
    return isinstance(error, PlatformError) and error.verdict.reason is Reason.PERMISSION_MISSING


async def _me(call: Call, token: str) -> Account:
    try:
        body = await media.Desk(call, Target("me", "", token)).get("/me", ME_FIELDS)
    except PlatformError as error:
        raise PlatformError(_not_a_post(error.verdict)) from None
    account_id, handle = oauth.word(body.get("id")), oauth.word(body.get("username"))
    if account_id is None or handle is None:
        raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_id"))
    name = oauth.word(body.get("name")) or handle
    return Account(account_id, handle, name, oauth.word(body.get("threads_profile_picture_url")))
