"""What comes before an Instagram post: what it may hold, and its containers, one safe step at a time.

Handles: `container` is what gets published; `child0`, `child1`… belong to a carousel, `child0_ready`… marks
those that Instagram has processed; `tries` counts what had to be done again, `polls` the looks at what is
still in progress.
Sources: developers.facebook.com (content publishing, IG container, error codes).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bot.platforms import meta, oauth, text
from bot.platforms.base import Call, Handles, Ready, Target, Wait
from bot.platforms.content import Content, ContentProblem, Media, MediaKind
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict

HOSTS = frozenset({"graph.instagram.com", "api.instagram.com"})
BASIC = "instagram_business_basic"
PUBLISH = "instagram_business_content_publish"

CONTAINER = "container"
CAPTION_MAX = 2200
HASHTAGS_MAX = 30
MENTIONS_MAX = 20
CAROUSEL_MAX = 10
IMAGE_TYPES = frozenset({"image/jpeg"})
VIDEO_TYPES = frozenset({"video/mp4", "video/quicktime"})
IMAGE_BYTES_MAX = 8 * 1024 * 1024
VIDEO_BYTES_MAX = 300 * 1000 * 1000
RATIO_MIN, RATIO_MAX = 4 / 5, 1.91
RATIO_SLACK = 0.01
REEL_SECONDS = (3.0, 900.0)

FRESH_FOR = 23 * 3600.0  # seconds; a container lives 24 hours
TRIES = 3
PAUSE = {MediaKind.IMAGE: 3.0, MediaKind.VIDEO: 15.0}  # seconds between the first looks at a container
PAUSE_MOST = 60.0  # and between later ones
POLLS_MOST = 45  # with growing pauses: half an hour for a picture, 40 minutes for a film
PUBLISHED_ALREADY = Verdict(Kind.DUPLICATE, Reason.DUPLICATE, "container/PUBLISHED")
EXPIRED = Verdict(Kind.CONTENT, Reason.MEDIA_UNREACHABLE, "container/EXPIRED")
NEVER_READY = Verdict(Kind.CONTENT, Reason.PLATFORM_DOWN, "container/IN_PROGRESS")


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one account is worked on: the Graph API with its version, the way to travel, the account."""

    base: str
    call: Call
    target: Target

    async def get(self, path: str, fields: str, **params: str) -> oauth.Body:
        """Reads an object or a list."""
        return await self._ask("GET", path, BASIC, params={"fields": fields} | params)

    async def post(self, path: str, form: Mapping[str, str]) -> oauth.Body:
        """Makes something, on the right to publish."""
        return await self._ask("POST", path, PUBLISH, data=form)

    async def _ask(
        self,
        method: str,
        path: str,
        needs: str,
        *,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
    ) -> oauth.Body:
        url, token = self.base + path, self.target.token
        return await meta.graph(
            self.call, method, url, hosts=HOSTS, needs=needs, token=token, params=params, data=data
        )


async def next_step(desk: Desk, content: Content, handles: Handles) -> Ready | Wait:
    """Makes or watches one container; `Wait` of 0 seconds means: go on at once."""
    if CONTAINER in handles:
        return await _watch(desk, content, handles)
    if len(content.media) == 1:
        return await _make(desk, handles, CONTAINER, _alone(content.media[0]) | _caption(content))
    for index, item in enumerate(content.media):
        key = f"child{index}"
        if key not in handles:
            return await _make(desk, handles, key, _child(item))
        if f"{key}_ready" not in handles:
            return await _watch_child(desk, handles, key, item.kind)
    children = ",".join(handles[f"child{index}"] for index in range(len(content.media)))
    form = {"media_type": "CAROUSEL", "children": children} | _caption(content)
    return await _make(desk, handles, CONTAINER, form)


async def _make(desk: Desk, handles: Handles, key: str, form: Mapping[str, str]) -> Wait:
    try:
        body = await desk.post(f"/{desk.target.account_id}/media", form)
    except PlatformError as error:
        if error.verdict.reason is Reason.MEDIA_UNREACHABLE:  # often passes; nothing is published yet
            return _again(handles, handles, error.verdict)
        raise
    made = oauth.word(body.get("id"))
    if made is None:
        raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_id"))
    return Wait({**handles, key: made}, 0.0, FRESH_FOR)


async def _watch(desk: Desk, content: Content, handles: Handles) -> Ready | Wait:
    try:
        status, detail = await status_of(desk, handles[CONTAINER])
    except PlatformError as error:
        return _not_found(handles, error)
    if status == "FINISHED":
        return Ready(ready(handles), FRESH_FOR)
    if status == "PUBLISHED":  # by an attempt whose answer was lost: only a look can tell which post it is
        raise PlatformError(PUBLISHED_ALREADY)
    if status == "EXPIRED":
        return _again(handles, {}, EXPIRED)
    if status == "ERROR":
        return _failed(handles, {}, detail)
    video = any(item.kind is MediaKind.VIDEO for item in content.media)
    return not_yet(handles, PAUSE[MediaKind.VIDEO if video else MediaKind.IMAGE])


async def _watch_child(desk: Desk, handles: Handles, key: str, kind: MediaKind) -> Wait:
    try:
        status, detail = await status_of(desk, handles[key])
    except PlatformError as error:
        return _not_found(handles, error)
    if status == "FINISHED":
        return Wait({**ready(handles), f"{key}_ready": "1"}, 0.0)
    if status == "EXPIRED":
        return _again(handles, {}, EXPIRED)
    if status == "ERROR":
        others = {name: value for name, value in ready(handles).items() if name != key}
        return _failed(handles, others, detail)
    return not_yet(handles, PAUSE[kind])


def not_yet(handles: Handles, pause: float) -> Wait:
    """Still in progress: asked again after `pause` seconds, later more rarely. What never gets ready is told,
    not asked for as long as a container lives."""
    polls = oauth.whole(handles.get("polls")) or 0
    if polls >= POLLS_MOST:
        raise PlatformError(NEVER_READY)
    return Wait({**handles, "polls": str(polls + 1)}, min(pause * 2 ** (polls // 4), PAUSE_MOST))


def ready(handles: Handles) -> dict[str, str]:
    """The handles without the count of looks: what comes next starts its own."""
    return {name: value for name, value in handles.items() if name != "polls"}


async def status_of(desk: Desk, container: str) -> tuple[str, str]:
    """The container's `status_code`, and the text that explains an error."""
    try:
        body = await desk.get(f"/{container}", "status_code,status")
    except PlatformError as error:
        raise PlatformError(of_container(error.verdict)) from None
    return oauth.word(body.get("status_code")) or "", oauth.word(body.get("status")) or ""


def of_container(verdict: Verdict) -> Verdict:
    """Not found, said of a call that names a container: the container lags, the account is there."""
    if verdict.reason is not Reason.ACCOUNT_GONE:
        return verdict
    return replace(verdict, kind=Kind.NOT_READY, reason=Reason.UNKNOWN, retry_after=meta.CONTAINER_PAUSE)


def _failed(handles: Handles, kept: Handles, detail: str) -> Wait:
    """A container in error names its subcode inside a sentence."""
    named = re.search(r"(?<!\d)2207\d{3}(?!\d)", detail, re.ASCII)
    verdict = meta.judge(meta.Envelope(400, subcode=int(named.group()) if named else None))
    passing = verdict.kind in (Kind.TRY_LATER, Kind.UNCLEAR, Kind.NOT_READY)  # not ready: its media expired
    if passing or verdict.reason is Reason.MEDIA_UNREACHABLE:
        return _again(handles, kept, verdict)
    if verdict.kind in (Kind.CONTENT, Kind.ACCOUNT):
        raise PlatformError(verdict)
    raise PlatformError(Verdict(Kind.CONTENT, Reason.MEDIA_FORMAT, verdict.code))


def _again(handles: Handles, kept: Handles, verdict: Verdict) -> Wait:
    """Once more with what is kept, a few times; then it is the file's fault."""
    tries = oauth.whole(handles.get("tries")) or 0
    if tries >= TRIES:
        raise PlatformError(Verdict(Kind.CONTENT, Reason.MEDIA_UNREACHABLE, verdict.code))
    return Wait({**kept, "tries": str(tries + 1)}, meta.CONTAINER_PAUSE)


def _not_found(handles: Handles, error: PlatformError) -> Wait:
    """A container that cannot be found: asked for twice more, then made anew, then given up."""
    tries = oauth.whole(handles.get("tries")) or 0
    if error.verdict.kind is not Kind.NOT_READY or tries > TRIES:
        raise error
    kept = handles if tries < TRIES - 1 else {}
    return Wait({**kept, "tries": str(tries + 1)}, meta.CONTAINER_PAUSE)


def _alone(item: Media) -> dict[str, str]:
    if item.kind is MediaKind.VIDEO:
        return {"media_type": "REELS", "video_url": item.url}
    return {"image_url": item.url} | ({"alt_text": item.alt} if item.alt else {})


def _child(item: Media) -> dict[str, str]:
    form = {"media_type": "VIDEO", "video_url": item.url} if item.kind is MediaKind.VIDEO else _alone(item)
    return {"is_carousel_item": "true"} | form


def _caption(content: Content) -> dict[str, str]:
    caption = text.with_link(content.text, content.link)
    return {"caption": caption} if caption else {}


def problems(content: Content) -> Iterator[ContentProblem]:
    """What Instagram would refuse, in words for the author."""
    caption = text.with_link(content.text, content.link)
    if len(caption) > CAPTION_MAX:
        words = f"The caption has {len(caption)} characters; Instagram takes at most {CAPTION_MAX}."
        yield ContentProblem("text", Reason.TEXT_TOO_LONG, words)
    if text.hashtags(caption) > HASHTAGS_MAX:
        yield ContentProblem("text", Reason.TEXT_REFUSED, f"Instagram takes at most {HASHTAGS_MAX} hashtags.")
    if text.mentions(caption) > MENTIONS_MAX:
        yield ContentProblem("text", Reason.TEXT_REFUSED, f"Instagram takes at most {MENTIONS_MAX} mentions.")
    if not content.media:
        yield ContentProblem("media", Reason.MEDIA_MISSING, "Instagram needs a picture or a film.")
    if len(content.media) > CAROUSEL_MAX:
        words = f"Instagram takes at most {CAROUSEL_MAX} pictures and films in one post."
        yield ContentProblem("media", Reason.MEDIA_FORMAT, words)
    for item in content.media:
        yield from _film(item, len(content.media) == 1) if item.kind is MediaKind.VIDEO else _picture(item)


def _picture(item: Media) -> Iterator[ContentProblem]:
    if item.mime not in IMAGE_TYPES:
        yield ContentProblem("media", Reason.MEDIA_FORMAT, "Instagram takes pictures as JPEG only.")
    if item.size > IMAGE_BYTES_MAX:
        yield ContentProblem("media", Reason.MEDIA_SIZE, "Instagram takes pictures of up to 8 MB.")
    if item.width and item.height:
        ratio = item.width / item.height
        if not RATIO_MIN - RATIO_SLACK <= ratio <= RATIO_MAX + RATIO_SLACK:
            words = "Instagram takes pictures between 4:5 (upright) and 1.91:1 (wide)."
            yield ContentProblem("media", Reason.MEDIA_RATIO, words)


def _film(item: Media, alone: bool) -> Iterator[ContentProblem]:
    if item.mime not in VIDEO_TYPES:
        yield ContentProblem("media", Reason.MEDIA_FORMAT, "Instagram takes films as MP4 or MOV only.")
    if item.size > VIDEO_BYTES_MAX:
        yield ContentProblem("media", Reason.MEDIA_SIZE, "Instagram takes films of up to 300 MB.")
    shortest, longest = REEL_SECONDS
    if alone and item.duration is not None and not shortest <= item.duration <= longest:
        words = "A film on Instagram lasts between 3 seconds and 15 minutes."
        yield ContentProblem("media", Reason.MEDIA_DURATION, words)
