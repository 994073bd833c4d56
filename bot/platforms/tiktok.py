"""TikTok: Login Kit v2 and direct posting. Refresh tokens are single use; there are no posts without media.

    post                          point of no return                what a look can prove
    a film (uploaded by us)       the first byte of its last chunk  by its publish id: there; failed or still
                                                                    waiting for our bytes is proved absent
    pictures (pulled by TikTok)   the call that begins the post     nothing: the id is in the lost answer

A publish id makes one post at most, so the last chunk may be sent again to the same id.
Sources: developers.tiktok.com (Login Kit for web and desktop, managing user access tokens, user info,
direct post, photo post, video status).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.http import Response
from bot.platforms import oauth, tiktok_errors
from bot.platforms import tiktok_limits as limits
from bot.platforms import tiktok_login as login
from bot.platforms import tiktok_media as media
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
from bot.platforms.content import Content, ContentProblem, MediaKind, PostLimits
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from bot.settings import AppCredentials

NO_REFRESH_TOKEN = Verdict(Kind.UNKNOWN, Reason.UNKNOWN, "no_refresh_token")
STILL_WORKING = Verdict(Kind.NOT_READY, Reason.UNKNOWN, "processing")
PHOTO = "photo"  # a handle: the post is made of pictures

INFO = PlatformInfo(
    key="tiktok",
    title="TikTok",
    provider="tiktok",
    scopes=(
        Scope(login.BASIC, "knowing which account this is"),
        Scope(login.PROFILE, "linking to what was posted"),
        Scope(media.PUBLISH, "posting"),
    ),
    refresh=RefreshModel(RefreshKind.ROTATING, margin=timedelta(hours=12), assumed_life=timedelta(hours=2)),
    hosts=media.HOSTS,
    token_host="open.tiktokapis.com",
    permission_page="https://www.tiktok.com/setting",
    limits=PostLimits(
        text_max=limits.CAPTION_MAX,
        titled="pictures",
        media_min=1,
        media_max=limits.PHOTOS_MAX,
        daily_cap=15,
    ),
    pkce=True,
    unreviewed="Until TikTok has audited the app, posts are visible only to the account itself, "
    "and the account has to be set to private.",
    probe_interval=None,
)


@dataclass(frozen=True, slots=True)
class TikTok:
    """The platform TikTok."""

    info: PlatformInfo = INFO

    def authorization_url(
        self, app: AppCredentials, redirect_uri: str, state: str, challenge: str | None
    ) -> str:
        return login.authorization_url(app, redirect_uri, state, challenge)

    async def exchange(self, call: Call, code: str, redirect_uri: str, verifier: str | None) -> Tokens:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        if verifier and login.on_loopback(redirect_uri):
            form["code_verifier"] = verifier
        return await login.tokens(call, form)

    async def refresh(self, call: Call, tokens: Tokens) -> Tokens:
        if tokens.refresh_token is None:
            raise PlatformError(NO_REFRESH_TOKEN)
        return await login.tokens(
            call, {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        )

    async def revoke(self, call: Call, tokens: Tokens) -> bool:
        return await login.revoke(call, tokens.access_token)

    async def discover(self, call: Call, tokens: Tokens) -> Discovery:
        """A person may untick scopes; who it is stands in the tokens too."""
        granted = tokens.scopes if tokens.scopes is not None else INFO.required_scopes
        if login.BASIC not in granted and tokens.subject:
            account = Account(tokens.subject, "", login.UNNAMED)
        else:
            with_profile = login.PROFILE in granted
            account = await login.me(call, tokens.access_token, with_profile=with_profile)
        return Discovery(account.id, account.name, (account,))

    async def check_app(self, call: Call) -> bool:
        return False  # nothing that we use takes a token of the app alone

    async def mint(self, call: Call, tokens: Tokens, account_id: str) -> str | None:
        return None

    async def probe(self, call: Call, target: Target) -> Account:
        return await login.me(call, target.token, with_profile=True)

    def check(self, content: Content) -> tuple[ContentProblem, ...]:
        return tuple(limits.problems(content))

    def appearance(self, content: Content) -> Content:
        return limits.appearance(content)

    async def prepare(self, call: Call, target: Target, content: Content, handles: Handles) -> Ready | Wait:
        if _is_film(content):
            return await media.upload_step(call, target, content, handles)
        allowed = await media.creator(call, target.token)
        return Ready({PHOTO: "1", "privacy": allowed.privacy, "comment_off": str(int(allowed.comment_off))})

    async def send(self, call: Call, target: Target, content: Content, handles: Handles) -> Sent:
        visibility = _visibility(handles)
        if not _is_film(content):
            data = await media.api(
                call, "/post/publish/content/init/", target.token, _photo_body(content, handles)
            )
            publish_id = oauth.word(data.get("publish_id"))
            if publish_id is None:
                raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_publish_id"))
            return Sent(publish_id, processing=True, visibility=visibility)
        if media.PUBLISH_ID not in handles:
            raise PlatformError(Verdict(Kind.NOT_READY, Reason.UNKNOWN, "no_upload"))
        film = content.media[0]
        last = media.chunk_count(film.size) - 1
        response = await media.put_chunk(call, film, handles["upload_url"], last)
        if response.status != 201:  # any other says that it is not whole, or nothing: its publish id knows
            raise PlatformError(_upload_refused(response))
        return Sent(handles[media.PUBLISH_ID], processing=True, visibility=visibility)

    async def progress(self, call: Call, target: Target, handles: Handles, external_id: str | None) -> Sent:
        publish_id = handles.get(media.PUBLISH_ID) or external_id
        if publish_id is None:
            raise PlatformError(Verdict(Kind.UNKNOWN, Reason.UNKNOWN, "no_publish_id"))
        seen = await media.status_of(call, target.token, publish_id)
        if seen.status == "FAILED":  # whatever the reason: this post will not appear
            raise PlatformError(replace(tiktok_errors.failure(seen.fail_reason), kind=Kind.CONTENT))
        if seen.status == "SEND_TO_USER_INBOX":
            return Sent(publish_id, visibility="draft")
        if seen.status != "PUBLISH_COMPLETE":
            return Sent(publish_id, processing=True, visibility=_visibility(handles))
        link, visibility = _permalink(target, seen.post_id, PHOTO in handles), _visibility(handles)
        waits = (
            seen.post_id is None and visibility is None
        )  # until moderation ends; never for other audiences
        return Sent(seen.post_id or publish_id, link, visibility=visibility, link_later=waits)

    async def look(
        self,
        call: Call,
        target: Target,
        content: Content,
        handles: Handles,
        since: datetime,
        taken: frozenset[str],
    ) -> Look:
        publish_id = handles.get(media.PUBLISH_ID)
        if publish_id is None:
            return Look(Found.UNKNOWN)
        try:
            seen = await media.status_of(call, target.token, publish_id)
        except PlatformError as error:
            if error.verdict.kind in (Kind.CONTENT, Kind.UNKNOWN):
                return Look(Found.UNKNOWN)
            raise
        if seen.status == "PUBLISH_COMPLETE":
            link = _permalink(target, seen.post_id, PHOTO in handles)
            return Look(Found.THERE, seen.post_id or publish_id, link)
        waiting = seen.status == "PROCESSING_UPLOAD" and seen.uploaded is not None
        if seen.status == "FAILED" or (waiting and (seen.uploaded or 0) < content.media[0].size):
            return Look(Found.ABSENT)
        raise PlatformError(STILL_WORKING)


def _is_film(content: Content) -> bool:
    return bool(content.media) and content.media[0].kind is MediaKind.VIDEO


def _photo_body(content: Content, handles: Handles) -> dict[str, object]:
    post_info: dict[str, object] = {
        "description": limits.description(content),
        "privacy_level": handles.get("privacy", media.PRIVATE),
        "disable_comment": handles.get("comment_off") == "1",
    }
    return {
        "media_type": "PHOTO",
        "post_mode": "DIRECT_POST",
        "post_info": post_info | ({"title": content.title} if content.title else {}),
        "source_info": {
            "source": "PULL_FROM_URL",
            "photo_images": [item.url for item in content.media],
            "photo_cover_index": 0,
        },
    }


def _visibility(handles: Handles) -> str | None:
    """What the post's audience is, where it is not everyone."""
    privacy = handles.get("privacy", media.WIDEST[0])
    names = {"FOLLOWER_OF_CREATOR": "followers", "MUTUAL_FOLLOW_FRIENDS": "friends", media.PRIVATE: "private"}
    return names.get(privacy)


def _upload_refused(response: Response) -> Verdict:
    """What a refused last chunk means: 206 and the refusals of an address say that the film is not whole."""
    if response.status in (206, 403, 404, 410, 416):
        return Verdict(Kind.NOT_READY, Reason.UNKNOWN, f"upload/{response.status}")
    return tiktok_errors.classify(response)


def _permalink(target: Target, post_id: str | None, photo: bool) -> str | None:
    handle = target.handle.removeprefix("@")
    if not post_id or not handle:
        return None
    return f"https://www.tiktok.com/@{handle}/{PHOTO if photo else 'video'}/{post_id}"
