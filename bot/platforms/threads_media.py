"""What comes before a post on Threads: what it may hold, and its containers, one safe step at a time.

Every post is a container first, a text too. Handles: `container` is what gets published; `child0`, `child1`…
belong to a carousel, `child0_ready`… marks those that Threads has processed; `tries` counts what had to be
done again.
Sources: developers.facebook.com (Threads posts, publishing reference, troubleshooting).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.platforms import meta, oauth, text
from bot.platforms.base import (
    Call,
    Content,
    ContentProblem,
    Handles,
    Kind,
    Media,
    MediaKind,
    PlatformError,
    Ready,
    Reason,
    Target,
    Verdict,
    Wait,
)
from bot.platforms.instagram_media import PAUSE, PUBLISHED_ALREADY, of_container

HOST = "graph.threads.net"
HOSTS = frozenset({HOST})
API = f"https://{HOST}/v1.0"  # the only version there is
BASIC = "threads_basic"
PUBLISH = "threads_content_publish"

CONTAINER = "container"
TEXT_MAX = 500
ALT_MAX = 1000
CAROUSEL_MAX = 20
IMAGE_TYPES = frozenset({"image/jpeg", "image/png"})
VIDEO_TYPES = frozenset({"video/mp4", "video/quicktime"})
IMAGE_BYTES_MAX = 8 * 1024 * 1024
VIDEO_BYTES_MAX = 1000 * 1000 * 1000
RATIO_MAX = 10.0
VIDEO_SECONDS_MAX = 300.0

FRESH_FOR = 23 * 3600.0  # seconds; a container lives 24 hours
TRIES = 3

PICTOGRAPHS = ((0x2300, 0x23FF), (0x2600, 0x27BF), (0x2B00, 0x2BFF), (0x1F000, 0x1FAFF), (0xE0020, 0xE007F))
JOINERS = frozenset({0x200D, 0x20E3, 0xFE0F})  # inside an emoji of several signs

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
        if item.kind is MediaKind.VIDEO and f"{key}_ready" not in handles:
            return await _watch_child(desk, handles, key)
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
        return Ready(handles, FRESH_FOR)
    if status == "PUBLISHED":  # by an attempt whose answer was lost: only a look can tell which post it is
        raise PlatformError(PUBLISHED_ALREADY)
    if status in ("EXPIRED", "ERROR"):
        return _failed(status, handles, {}, detail)
    video = any(item.kind is MediaKind.VIDEO for item in content.media)
    return Wait(handles, PAUSE[MediaKind.VIDEO if video else MediaKind.IMAGE])


async def _watch_child(desk: Desk, handles: Handles, key: str) -> Wait:
    try:
        status, detail = await status_of(desk, handles[key])
    except PlatformError as error:
        return _not_found(handles, error)
    if status == "FINISHED":
        return Wait({**handles, f"{key}_ready": "1"}, 0.0)
    if status in ("EXPIRED", "ERROR"):
        others = {name: value for name, value in handles.items() if name != key}
        return _failed(status, handles, others, detail)
    return Wait(handles, PAUSE[MediaKind.VIDEO])


async def status_of(desk: Desk, container: str) -> tuple[str, str]:
    """The container's `status`, and the word that explains an error. An id that has become a post's is PUBLISHED."""
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
        return Wait({}, 0.0)
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


def _words(content: Content) -> dict[str, str]:
    words = words_of(content)
    form = {"text": words} if words else {}
    return form | ({"link_attachment": content.link} if content.link and not content.media else {})


def length(words: str) -> int:
    """How long Threads counts a text: signs, but emoji by their bytes in UTF-8."""
    return sum(len(sign.encode("utf-8", "replace")) if _is_emoji(ord(sign)) else 1 for sign in words)


def _is_emoji(code: int) -> bool:
    return code in JOINERS or any(low <= code <= high for low, high in PICTOGRAPHS)


def problems(content: Content) -> Iterator[ContentProblem]:
    """What Threads would refuse, in words for the author."""
    words = words_of(content)
    if length(words) > TEXT_MAX:
        said = f"This is {length(words)} characters as Threads counts them; the most is {TEXT_MAX}."
        yield ContentProblem("text", Reason.TEXT_TOO_LONG, said)
    if not content.media and not words.strip():
        yield ContentProblem(
            "text", Reason.TEXT_REFUSED, "A post on Threads needs a text, a picture or a film."
        )
    if len(content.media) > CAROUSEL_MAX:
        said = f"Threads takes at most {CAROUSEL_MAX} pictures and films in one post."
        yield ContentProblem("media", Reason.MEDIA_FORMAT, said)
    for item in content.media:
        yield from _film(item) if item.kind is MediaKind.VIDEO else _picture(item)
        if item.alt and len(item.alt) > ALT_MAX:
            said = f"A description on Threads has at most {ALT_MAX} characters."
            yield ContentProblem("media", Reason.TEXT_TOO_LONG, said)


def _picture(item: Media) -> Iterator[ContentProblem]:
    if item.mime not in IMAGE_TYPES:
        yield ContentProblem("media", Reason.MEDIA_FORMAT, "Threads takes pictures as JPEG or PNG.")
    if item.size > IMAGE_BYTES_MAX:
        yield ContentProblem("media", Reason.MEDIA_SIZE, "Threads takes pictures of up to 8 MB.")
    if item.width and item.height and not 1 / RATIO_MAX <= item.width / item.height <= RATIO_MAX:
        yield ContentProblem(
            "media", Reason.MEDIA_RATIO, "Threads takes pictures up to ten times as long as wide."
        )


def _film(item: Media) -> Iterator[ContentProblem]:
    if item.mime not in VIDEO_TYPES:
        yield ContentProblem("media", Reason.MEDIA_FORMAT, "Threads takes films as MP4 or MOV.")
    if item.size > VIDEO_BYTES_MAX:
        yield ContentProblem("media", Reason.MEDIA_SIZE, "Threads takes films of up to 1 GB.")
    if item.duration is not None and item.duration > VIDEO_SECONDS_MAX:
        yield ContentProblem("media", Reason.MEDIA_DURATION, "Threads takes films of up to 5 minutes.")
