"""What a TikTok post may hold, in words for its author.

Sources: developers.tiktok.com (direct post, photo post, media transfer guide).
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.platforms import text
from bot.platforms.content import Content, ContentProblem, Media, MediaKind
from bot.platforms.errors import Reason

CAPTION_MAX = 2200  # UTF-16 units
PHOTO_TITLE_MAX = 90
PHOTO_TEXT_MAX = 4000
PHOTOS_MAX = 35
PHOTO_TYPES = frozenset({"image/jpeg", "image/webp"})
PHOTO_BYTES_MAX = 20 * 1000 * 1000
PHOTO_SIDE_MAX = 1080  # pixels of the shorter side
VIDEO_TYPES = frozenset({"video/mp4", "video/webm", "video/quicktime"})
VIDEO_BYTES_MAX = 4 * 1000**3
VIDEO_SECONDS_MAX = 600.0
VIDEO_SIDES = (360, 4096)  # pixels of the shorter side at least, of the longer one at most


def caption(content: Content) -> str:
    """A film's one text."""
    return text.with_link(content.text or content.title or "", content.link)


def description(content: Content) -> str:
    """The text of a post of pictures, whose title is apart."""
    return text.with_link(content.text, content.link)


def appearance(content: Content) -> Content:
    """The post as its readers see it: pictures have a title, a film has one text."""
    if any(item.kind is MediaKind.VIDEO for item in content.media):
        return Content(caption(content), content.media)
    return Content(description(content), content.media, content.title)


def units(words: str) -> int:
    """Length as TikTok counts it, in UTF-16 units."""
    return len(words.encode("utf-16-le", "surrogatepass")) // 2


def problems(content: Content) -> Iterator[ContentProblem]:
    """What TikTok would refuse, in words for the author."""
    films = [item for item in content.media if item.kind is MediaKind.VIDEO]
    if not content.media:
        yield ContentProblem("media", Reason.MEDIA_MISSING, "TikTok needs a film or pictures.")
    elif films and len(content.media) > 1:
        words = "TikTok takes one film, or pictures, not both."
        yield ContentProblem("media", Reason.MEDIA_FORMAT, words)
    elif films:
        yield from _film(films[0])
    else:
        yield from _photos(content)
    if films:
        yield from _too_long("text", caption(content), CAPTION_MAX)
    else:
        yield from _too_long("text", description(content), PHOTO_TEXT_MAX)


def _too_long(field: str, words: str, most: int) -> Iterator[ContentProblem]:
    if units(words) > most:
        what = f"This {field} has {units(words)} characters as TikTok counts them; the most is {most}."
        yield ContentProblem(field, Reason.TEXT_TOO_LONG, what)


def _photos(content: Content) -> Iterator[ContentProblem]:
    yield from _too_long("title", content.title or "", PHOTO_TITLE_MAX)
    if len(content.media) > PHOTOS_MAX:
        words = f"TikTok takes at most {PHOTOS_MAX} pictures in one post."
        yield ContentProblem("media", Reason.MEDIA_FORMAT, words)
    for item in content.media:
        if item.mime not in PHOTO_TYPES:
            yield ContentProblem("media", Reason.MEDIA_FORMAT, "TikTok takes pictures as JPEG or WebP only.")
        if item.size > PHOTO_BYTES_MAX:
            yield ContentProblem("media", Reason.MEDIA_SIZE, "TikTok takes pictures of up to 20 MB.")
        if item.width and item.height and min(item.width, item.height) > PHOTO_SIDE_MAX:
            words = f"TikTok takes pictures of up to {PHOTO_SIDE_MAX} pixels on the shorter side."
            yield ContentProblem("media", Reason.MEDIA_SIZE, words)


def _film(item: Media) -> Iterator[ContentProblem]:
    if item.mime not in VIDEO_TYPES:
        words = "TikTok takes films as MP4, WebM or MOV only."
        yield ContentProblem("media", Reason.MEDIA_FORMAT, words)
    if not 0 < item.size <= VIDEO_BYTES_MAX:
        yield ContentProblem("media", Reason.MEDIA_SIZE, "TikTok takes films of up to 4 GB.")
    least, most = VIDEO_SIDES
    if item.width and item.height and not least <= min(item.width, item.height):
        words = f"TikTok takes films of at least {least} pixels on the shorter side."
        yield ContentProblem("media", Reason.MEDIA_SIZE, words)
    if item.width and item.height and max(item.width, item.height) > most:
        words = f"TikTok takes films of up to {most} pixels on the longer side."
        yield ContentProblem("media", Reason.MEDIA_SIZE, words)
    if item.duration is not None and item.duration > VIDEO_SECONDS_MAX:
        yield ContentProblem("media", Reason.MEDIA_DURATION, "TikTok takes films of up to 10 minutes.")
