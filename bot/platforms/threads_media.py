"""Posts on Threads from both sides: their containers, one safe step at a time, and what is read back.

Every post is a container first, a text too. Handles: `container` is what gets published; `child0`, `child1`…
belong to a carousel, `child0_ready`… marks those that Threads has processed; `tries` counts what had to be
done again, `polls` the looks at what is still in progress.
Sources: developers.facebook.com (Threads posts, publishing reference, troubleshooting).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot.http import HttpError
from bot.platforms import meta, oauth, text
from bot.platforms.base import Call, Found, Handles, Look, Ready, Target, Wait
from bot.platforms.content import Content, Media, MediaKind
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from bot.platforms.instagram_media import EXPIRED, PAUSE, PUBLISHED_ALREADY, not_yet, of_container, ready
from bot.platforms.reading import moment, objects

HOST = "graph.threads.net"
HOSTS = frozenset({HOST})
API = f"https://{HOST}/v1.0"  # the only version there is
BASIC = "threads_basic"
PUBLISH = "threads_content_publish"

CONTAINER = "container"
FRESH_FOR = 23 * 3600.0  # seconds; a container lives 24 hours
TRIES = 3
PERMALINK_DEADLINE = 5.0  # seconds: a link is not worth more once the post is out
LIST_SIZE = "50"

CONTAINER_ERRORS: Mapping[str, Reason] = {
    "FAILED_DOWNLOADING_VIDEO": Reason.MEDIA_UNREACHABLE,
    "FAILED_PROCESSING_AUDIO": Reason.MEDIA_FORMAT,
    "FAILED_PROCESSING_VIDEO": Reason.MEDIA_FORMAT,
    "INVALID_ASPEC_RATIO": Reason.MEDIA_RATIO,  # spelt like this
    "INVALID_ASPECT_RATIO": Reason.MEDIA_RATIO,
    "INVALID_BIT_RATE": Reason.MEDIA_FORMAT,
    "INVALID_DURATION": Reason.MEDIA_DURATION,
    "INVALID_FRAME_RATE": Reason.MEDIA_FORMAT,
    "INVALID_AUDIO_CHANNELS": Reason.MEDIA_FORMAT,
    "INVALID_AUDIO_CHANNEL_LAYOUT": Reason.MEDIA_FORMAT,
    "UNKNOWN": Reason.MEDIA_FORMAT,  # useless to people: the format is what they can check
}
"""A container's `error_message`, which is a word of this list."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one profile is worked on."""

    call: Call
    target: Target

    async def get(self, path: str, fields: str, **params: str) -> oauth.Body:
        """Reads an object or a list."""
        asked = {"fields": fields} | params
        return await meta.graph(
            self.call, "GET", API + path, hosts=HOSTS, needs=BASIC, token=self.target.token, params=asked
        )

    async def post(self, edge: str, form: Mapping[str, str]) -> oauth.Body:
        """Makes something, on the right to publish."""
        url = f"{API}/{self.target.account_id}/{edge}"
        return await meta.graph(
            self.call, "POST", url, hosts=HOSTS, needs=PUBLISH, token=self.target.token, data=form
        )


async def next_step(desk: Desk, content: Content, handles: Handles) -> Ready | Wait:
    """Makes or watches one container; `Wait` of 0 seconds means: go on at once."""
    if CONTAINER in handles:
        return await _watch(desk, content, handles)
    if len(content.media) < 2:
        item = content.media[0] if content.media else None
        return await _make(desk, handles, CONTAINER, _alone(item) | _words(content))
    for index, item in enumerate(content.media):
        key = f"child{index}"
        if key not in handles:
            return await _make(desk, handles, key, {"is_carousel_item": "true"} | _alone(item))
        if f"{key}_ready" not in handles:  # a carousel of what is not ready is refused
            return await _watch_child(desk, handles, key, item.kind)
    children = ",".join(handles[f"child{index}"] for index in range(len(content.media)))
    return await _make(
        desk, handles, CONTAINER, {"media_type": "CAROUSEL", "children": children} | _words(content)
    )


async def _make(desk: Desk, handles: Handles, key: str, form: Mapping[str, str]) -> Wait:
    try:
        body = await desk.post("threads", form)
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
    if status == "ERROR" and not content.media:  # its words speak of files, and there are none
        raise PlatformError(Verdict(Kind.CONTENT, Reason.UNKNOWN, "container/text"))
    if status in ("EXPIRED", "ERROR"):
        return _failed(status, handles, {}, detail)
    video = any(item.kind is MediaKind.VIDEO for item in content.media)
    return not_yet(handles, PAUSE[MediaKind.VIDEO if video else MediaKind.IMAGE])


async def _watch_child(desk: Desk, handles: Handles, key: str, kind: MediaKind) -> Wait:
    try:
        status, detail = await status_of(desk, handles[key])
    except PlatformError as error:
        return _not_found(handles, error)
    if status == "FINISHED":
        return Wait({**ready(handles), f"{key}_ready": "1"}, 0.0)
    if status in ("EXPIRED", "ERROR"):
        others = {name: value for name, value in ready(handles).items() if name != key}
        return _failed(status, handles, others, detail)
    return not_yet(handles, PAUSE[kind])


async def status_of(desk: Desk, container: str) -> tuple[str, str]:
    """The container's `status`, and the word that explains an error. An id that is a post's is PUBLISHED."""
    try:
        body = await desk.get(f"/{container}", "id,status,error_message")
    except PlatformError as error:
        if error.verdict.kind is Kind.DUPLICATE:
            return "PUBLISHED", ""
        raise PlatformError(of_container(error.verdict)) from None
    return oauth.word(body.get("status")) or "", oauth.word(body.get("error_message")) or ""


def _failed(status: str, handles: Handles, kept: Handles, detail: str) -> Wait:
    """What expired, or was not downloaded, is made anew; what was refused is the file's fault."""
    if status == "EXPIRED":
        return _again(handles, {}, EXPIRED)
    reason = CONTAINER_ERRORS.get(detail, Reason.MEDIA_FORMAT)
    verdict = Verdict(Kind.CONTENT, reason, f"container/{detail if detail in CONTAINER_ERRORS else 'other'}")
    if reason is Reason.MEDIA_UNREACHABLE:
        return _again(handles, kept, verdict)
    raise PlatformError(verdict)


def _again(handles: Handles, kept: Handles, verdict: Verdict) -> Wait:
    """Once more with what is kept, a few times; then it is the file's fault."""
    tries = oauth.whole(handles.get("tries")) or 0
    if tries >= TRIES:
        raise PlatformError(verdict)
    return Wait({**kept, "tries": str(tries + 1)}, meta.CONTAINER_PAUSE)


def _not_found(handles: Handles, error: PlatformError) -> Wait:
    """A container that cannot be found: asked for twice more, then made anew, then given up."""
    tries = oauth.whole(handles.get("tries")) or 0
    if error.verdict.kind is not Kind.NOT_READY or tries > TRIES:
        raise error
    kept = handles if tries < TRIES - 1 else {}
    return Wait({**kept, "tries": str(tries + 1)}, meta.CONTAINER_PAUSE)


def _alone(item: Media | None) -> dict[str, str]:
    if item is None:
        return {"media_type": "TEXT"}
    alt = {"alt_text": item.alt} if item.alt else {}
    if item.kind is MediaKind.VIDEO:
        return {"media_type": "VIDEO", "video_url": item.url} | alt
    return {"media_type": "IMAGE", "image_url": item.url} | alt


def words_of(content: Content) -> str:
    """The post's text. A link beside a text alone is a field of its own; media cannot have that field."""
    if content.media or not content.text.strip():
        return text.with_link(content.text, content.link)
    return content.text


def appearance(content: Content) -> Content:
    """The post as its readers see it: a link is shown beside a text alone."""
    words = words_of(content)
    beside = content.link if content.link and content.link not in words else None
    return Content(words, content.media, None, beside)


def _words(content: Content) -> dict[str, str]:
    words = words_of(content)
    form = {"text": words} if words else {}
    return form | ({"link_attachment": content.link} if content.link and not content.media else {})


async def permalink(desk: Desk, post_id: str) -> str | None:
    """Where people see the post. Without it the post is no less published."""
    brief = replace(desk.call, deadline=min(desk.call.deadline, PERMALINK_DEADLINE), not_after=None)
    try:
        body = await replace(desk, call=brief).get(f"/{post_id}", "id,permalink")
    except (PlatformError, HttpError):
        return None
    return oauth.word(body.get("permalink"))


async def twin(desk: Desk, ours: str, floor: datetime, taken: frozenset[str]) -> Look:
    """Published for sure; its id only if exactly one post can be it."""
    path = f"/{desk.target.account_id}/threads"
    try:
        body = await desk.get(path, "id,text,timestamp,permalink", limit=LIST_SIZE)
    except (PlatformError, HttpError):
        return Look(Found.THERE)
    fitting = [item for item in objects(body, "data") if _fits(item, ours, floor)]
    free = [item for item in fitting if oauth.word(item.get("id")) not in taken]
    if len(free) != 1:
        return Look(Found.THERE)
    return Look(Found.THERE, oauth.word(free[0].get("id")), oauth.word(free[0].get("permalink")))


def _fits(item: oauth.Body, ours: str, floor: datetime) -> bool:
    theirs, at = item.get("text", ""), moment(item.get("timestamp"))
    return isinstance(theirs, str) and at is not None and at >= floor and text.same_caption(ours, theirs)
