"""What a post on Threads may hold, in words for the author.

Sources: developers.facebook.com (Threads overview, posts). Letters count one, emoji their bytes in UTF-8.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.platforms.content import Content, ContentProblem, Media, MediaKind
from bot.platforms.errors import Reason
from bot.platforms.threads_media import words_of

TEXT_MAX = 500
ALT_MAX = 1000
CAROUSEL_MAX = 20
IMAGE_TYPES = frozenset({"image/jpeg", "image/png"})
VIDEO_TYPES = frozenset({"video/mp4", "video/quicktime"})
IMAGE_BYTES_MAX = 8 * 1024 * 1024
VIDEO_BYTES_MAX = 1000 * 1000 * 1000
RATIO_MAX = 10.0
VIDEO_SECONDS_MAX = 300.0
PICTOGRAPHS = ((0x2300, 0x23FF), (0x2600, 0x27BF), (0x2B00, 0x2BFF), (0x1F000, 0x1FAFF), (0xE0020, 0xE007F))
JOINERS = frozenset({0x200D, 0x20E3, 0xFE0F})  # inside an emoji of several signs


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
        yield ContentProblem("text", Reason.TEXT_REFUSED, "A post on Threads needs a text or a picture.")
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
        yield ContentProblem("media", Reason.MEDIA_RATIO, "Threads takes pictures of up to 10:1.")


def _film(item: Media) -> Iterator[ContentProblem]:
    if item.mime not in VIDEO_TYPES:
        yield ContentProblem("media", Reason.MEDIA_FORMAT, "Threads takes films as MP4 or MOV.")
    if item.size > VIDEO_BYTES_MAX:
        yield ContentProblem("media", Reason.MEDIA_SIZE, "Threads takes films of up to 1 GB.")
    if item.duration is not None and item.duration > VIDEO_SECONDS_MAX:
        yield ContentProblem("media", Reason.MEDIA_DURATION, "Threads takes films of up to 5 minutes.")
