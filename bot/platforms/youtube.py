"""YouTube: Google's OAuth with a refresh token that stays, and resumable uploads of films.

    post      point of no return                what a look can prove
    a film    the first byte of its last chunk  by its upload session: finished is there, still waiting for
                                                our bytes is proved absent; a session that is gone, nothing

A grant is bound to the channel that was chosen at consent. Revoking one would end all grants of that Google
login for our app, other channels' too, and nothing tells which those are: so it is never done from here.
Sources: developers.google.com (OAuth 2.0 for web server applications, YouTube Data API: channels, videos,
resumable upload protocol, errors).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.platforms import oauth, reading, youtube_errors
from bot.platforms import youtube_upload as upload
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

API = "https://www.googleapis.com/youtube/v3"
READ = "https://www.googleapis.com/auth/youtube.readonly"
NOBODY = Discovery("", "", ())
NO_REFRESH_TOKEN = Verdict(Kind.UNKNOWN, Reason.UNKNOWN, "no_refresh_token")
NOT_LISTED = Verdict(Kind.NOT_READY, Reason.UNKNOWN, "video/not_listed")
CHANNEL_GONE = Verdict(Kind.ACCOUNT, Reason.ACCOUNT_GONE, "no_channel")

INFO = PlatformInfo(
    key="youtube",
    title="YouTube",
    provider="youtube",
    scopes=(Scope(upload.UPLOAD, "posting"), Scope(READ, "knowing which channel this is")),
    refresh=RefreshModel(RefreshKind.KEPT, margin=timedelta(minutes=65), assumed_life=timedelta(hours=1)),
    hosts=upload.HOSTS,
    token_host="oauth2.googleapis.com",
    permission_page="https://myaccount.google.com/permissions",
    limits=PostLimits(
        text_max=upload.DESCRIPTION_BYTES_MAX,
        titled="videos",
        media_min=1,
        media_max=1,
    ),
    pkce=True,
    unreviewed="Until Google has audited the app, YouTube makes every video private.",
    probe_interval=None,
    account_noun="channel",
    post_noun="video",
)


@dataclass(frozen=True, slots=True)
class YouTube:
    """The platform YouTube."""

    info: PlatformInfo = INFO

    def authorization_url(
        self, app: AppCredentials, redirect_uri: str, state: str, challenge: str | None
    ) -> str:
        """Without `prompt=consent` a second consent brings no refresh token."""
        return oauth.authorization_url(
            "https://accounts.google.com/o/oauth2/v2/auth",
            app.client_id,
            redirect_uri,
            [scope.name for scope in INFO.scopes],
            state,
            challenge=challenge,
            extra={"access_type": "offline", "prompt": "consent select_account"},
        )

    async def exchange(self, call: Call, code: str, redirect_uri: str, verifier: str | None) -> Tokens:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return await _tokens(call, form | ({"code_verifier": verifier} if verifier else {}))

    async def refresh(self, call: Call, tokens: Tokens) -> Tokens:
        """The reply names no refresh token: the stored one stays."""
        if tokens.refresh_token is None:
            raise PlatformError(NO_REFRESH_TOKEN)
        return await _tokens(call, {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token})

    async def revoke(self, call: Call, tokens: Tokens) -> bool:
        return False  # would take this person's other channels with it

    async def discover(self, call: Call, tokens: Tokens) -> Discovery:
        """The one channel of the grant; nobody where the person unticked the scope that shows it."""
        if tokens.scopes is not None and READ not in tokens.scopes:
            return NOBODY
        try:
            channels = await _channels(call, tokens.access_token)
        except PlatformError as error:
            if youtube_errors.NO_CHANNEL in error.verdict.code:
                return NOBODY
            raise
        if not channels:
            return NOBODY
        return Discovery(channels[0].id, channels[0].name, tuple(channels))

    async def check_app(self, call: Call) -> bool:
        return False  # Google speaks of our app only when a token is presented

    async def mint(self, call: Call, tokens: Tokens, account_id: str) -> str | None:
        return None

    async def probe(self, call: Call, target: Target) -> Account:
        for channel in await _channels(call, target.token):
            if channel.id == target.account_id:
                return channel
        raise PlatformError(CHANNEL_GONE)

    def check(self, content: Content) -> tuple[ContentProblem, ...]:
        return tuple(upload.problems(content))

    def appearance(self, content: Content) -> Content:
        return Content(upload.description(content), content.media, upload.title_of(content))

    async def prepare(self, call: Call, target: Target, content: Content, handles: Handles) -> Ready | Wait:
        return await upload.step(call, target, content, handles)

    async def send(self, call: Call, target: Target, content: Content, handles: Handles) -> Sent:
        session, offset = handles.get(upload.SESSION), oauth.whole(handles.get("offset"))
        if session is None or offset is None:
            raise PlatformError(Verdict(Kind.NOT_READY, Reason.UNKNOWN, "no_session"))
        film = content.media[0]
        response = await upload.put(call, target, film, session, offset, film.size - offset)
        if response.status in (308, 404, 410):  # not whole yet, or begun anew: nothing is published
            raise PlatformError(Verdict(Kind.NOT_READY, Reason.UNKNOWN, f"session/{response.status}"))
        return _sent(upload.finished(response))

    async def progress(self, call: Call, target: Target, handles: Handles, external_id: str | None) -> Sent:
        params = {"part": "status,processingDetails", "id": external_id or ""}
        videos = reading.objects(await _get(call, "/videos", target.token, params), "items")
        video = next((item for item in videos if item.get("id") == external_id), None)
        if video is None:
            raise PlatformError(NOT_LISTED)
        return _sent(video)

    async def look(
        self,
        call: Call,
        target: Target,
        content: Content,
        handles: Handles,
        since: datetime,
        taken: frozenset[str],
    ) -> Look:
        session = handles.get(upload.SESSION)
        if session is None:
            return Look(Found.UNKNOWN)
        film = content.media[0]
        seen = await upload.probe(call, target, film, session)
        if seen.video is not None:
            video_id = oauth.word(seen.video.get("id")) or ""
            return Look(Found.THERE, video_id, _permalink(video_id))
        if seen.gone:  # it may have been finished before
            return Look(Found.UNKNOWN)
        if seen.held >= film.size:
            raise PlatformError(upload.COMPLETE_BUT_OPEN)
        return Look(Found.ABSENT)


def _sent(video: oauth.Body) -> Sent:
    """A video resource as a result: in processing, out with its visibility, or refused."""
    video_id = oauth.word(video.get("id")) or ""
    status = reading.member(video, "status")
    state = status.get("uploadStatus")
    if state in ("failed", "rejected", "deleted"):
        reason = status.get("failureReason") or status.get("rejectionReason") or state
        raise PlatformError(youtube_errors.failed(reason))
    work = reading.member(video, "processingDetails").get("processingStatus")
    if state != "processed" and work in ("failed", "terminated"):
        raise PlatformError(youtube_errors.failed("conversion"))
    privacy = oauth.word(status.get("privacyStatus")) or "public"
    visibility = None if privacy == "public" else privacy[:32]
    return Sent(video_id, _permalink(video_id), state != "processed", visibility)


def _permalink(video_id: str) -> str:
    return f"https://www.youtube.com/watch?v={video_id}"


async def _tokens(call: Call, form: Mapping[str, str]) -> Tokens:
    response = await call.http.request(
        "POST",
        "https://oauth2.googleapis.com/token",
        hosts=INFO.hosts,
        deadline=call.deadline,
        not_after=call.not_after,
        data={
            "client_id": call.app.client_id,
            "client_secret": call.app.client_secret.get_secret_value(),
            **form,
        },
    )
    body = oauth.read_object(response)
    if oauth.refuses(response, body):
        raise PlatformError(youtube_errors.classify(response))
    return oauth.parse_tokens(body)


async def _get(call: Call, path: str, token: str, params: Mapping[str, str]) -> oauth.Body:
    response = await call.http.request(
        "GET",
        API + path,
        hosts=INFO.hosts,
        deadline=call.deadline,
        not_after=call.not_after,
        headers={"Authorization": f"Bearer {token}"},
        params=params,
    )
    body = oauth.read_object(response)
    if body is None or not 200 <= response.status < 300 or "error" in body:
        raise PlatformError(youtube_errors.classify(response, needs=READ))
    return body


async def _channels(call: Call, token: str) -> list[Account]:
    """The token's channel; a login without one has no items."""
    body = await _get(call, "/channels", token, {"part": "snippet", "mine": "true"})
    found = []
    for item in reading.objects(body, "items"):
        snippet, channel_id = reading.member(item, "snippet"), oauth.word(item.get("id"))
        if channel_id is None:
            continue
        handle = (oauth.word(snippet.get("customUrl")) or "").removeprefix("@")
        picture = reading.member(reading.member(snippet, "thumbnails"), "default").get("url")
        name = oauth.word(snippet.get("title")) or handle or channel_id
        found.append(Account(channel_id, handle, name, oauth.word(picture)))
    return found
