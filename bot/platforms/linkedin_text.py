"""LinkedIn's "little text", and what a post may hold.

Marks that are not escaped silently cut a post off, so everything is escaped and only hashtags are written in
LinkedIn's own form.
Sources: learn.microsoft.com/linkedin (posts API, images API, videos API).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.platforms import text
from bot.platforms.content import Content, ContentProblem, Media, MediaKind
from bot.platforms.errors import Reason

TEXT_MAX = 3000
PICTURES_MAX = 20
PICTURE_TYPES = frozenset({"image/jpeg", "image/png", "image/gif"})
PIXELS_BELOW = 36_152_320
VIDEO_TYPES = frozenset({"video/mp4"})
VIDEO_BYTES = (75_000, 500 * 1000 * 1000)
VIDEO_SECONDS = (3.0, 1800.0)

_RESERVED = re.compile(r"[\\|{}@\[\]()<>#*_~]")
_HASHTAG = re.compile(r"(?<![\w&])#(?=\w*[^\W\d_])(\w+)")


def commentary(content: Content) -> str:
    """The post's text as it goes out; a link stands in it unless it becomes a card of its own."""
    words = content.text if has_card(content) else text.with_link(content.text, content.link)
    out: list[str] = []
    at = 0
    for start, end in text.links(words):
        out += [_with_hashtags(words[at:start]), _escaped(words[start:end])]
        at = end
    return "".join([*out, _with_hashtags(words[at:])])


def appearance(content: Content) -> Content:
    """The post as its readers see it: marks as they were typed, a link as a card or in the text."""
    if has_card(content):
        return Content(content.text, content.media, content.title, content.link)
    return Content(text.with_link(content.text, content.link), content.media)


def has_card(content: Content) -> bool:
    """A link with a title becomes a card; LinkedIn fills in nothing by itself."""
    return bool(content.link and content.title and not content.media)


def _with_hashtags(words: str) -> str:
    out: list[str] = []
    at = 0
    for found in _HASHTAG.finditer(words):
        out += [_escaped(words[at : found.start()]), f"{{hashtag|\\#|{_escaped(found.group(1))}}}"]
        at = found.end()
    return "".join([*out, _escaped(words[at:])])


def _escaped(words: str) -> str:
    return _RESERVED.sub(lambda found: "\\" + found.group(), words)


def problems(content: Content) -> Iterator[ContentProblem]:
    """What LinkedIn would refuse, in words for the author."""
    length = len(commentary(content))
    if length > TEXT_MAX:
        words = f"This is {length} characters as LinkedIn counts marks and hashtags; the most is {TEXT_MAX}."
        yield ContentProblem("text", Reason.TEXT_TOO_LONG, words)
    if length == 0 and not content.media:
        yield ContentProblem("text", Reason.TEXT_REFUSED, "A post on LinkedIn needs some text.")
    films = [item for item in content.media if item.kind is MediaKind.VIDEO]
    if films and len(content.media) > 1:
        words = "LinkedIn takes one film, or pictures, not both."
        yield ContentProblem("media", Reason.MEDIA_FORMAT, words)
    elif len(content.media) > PICTURES_MAX:
        words = f"LinkedIn takes at most {PICTURES_MAX} pictures in one post."
        yield ContentProblem("media", Reason.MEDIA_FORMAT, words)
    for item in content.media:
        yield from _film(item) if item.kind is MediaKind.VIDEO else _picture(item)


def _picture(item: Media) -> Iterator[ContentProblem]:
    if item.mime not in PICTURE_TYPES:
        yield ContentProblem(
            "media", Reason.MEDIA_FORMAT, "LinkedIn takes pictures as JPEG, PNG or GIF only."
        )
    if item.width and item.height and item.width * item.height >= PIXELS_BELOW:
        yield ContentProblem("media", Reason.MEDIA_SIZE, "LinkedIn takes pictures of up to 36 megapixels.")


def _film(item: Media) -> Iterator[ContentProblem]:
    least, most = VIDEO_BYTES
    if item.mime not in VIDEO_TYPES:
        yield ContentProblem("media", Reason.MEDIA_FORMAT, "LinkedIn takes films as MP4 only.")
    if not least <= item.size <= most:
        words = "LinkedIn takes films between 75 KB and 500 MB."
        yield ContentProblem("media", Reason.MEDIA_SIZE, words)
    shortest, longest = VIDEO_SECONDS
    if item.duration is not None and not shortest <= item.duration <= longest:
        words = "A film on LinkedIn lasts between 3 seconds and 30 minutes."
        yield ContentProblem("media", Reason.MEDIA_DURATION, words)
