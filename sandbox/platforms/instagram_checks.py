"""What Instagram demands of a caption and of a file (meta facts §1.5, §3.6)."""

from __future__ import annotations

from sandbox.platforms.core import Call
from sandbox.platforms.fetch import Fetcher, TooSlow, Unfetchable
from sandbox.platforms.images import jpeg_size, kind_of
from sandbox.platforms.instagram_manners import CAPTION, NOT_JPEG, RATIO, TIMED_OUT, TOO_BIG, UNFETCHABLE

MOST_BYTES = 8 * 1024 * 1024
CAPTION_CHARS, HASHTAGS, MENTIONS = 2200, 30, 20


def check_caption(caption: str) -> None:
    """Refuse a caption that is too long or has too many hashtags or mentions."""
    words = caption.split()
    hashtags = sum(word.startswith("#") and len(word) > 1 for word in words)
    mentions = sum(word.startswith("@") and len(word) > 1 for word in words)
    if len(caption) > CAPTION_CHARS or hashtags > HASHTAGS or mentions > MENTIONS:
        raise CAPTION.refused()


async def fetched(call: Call, fetcher: Fetcher, address: str, moving: bool) -> str:
    """Get the file as the platform does. A video's failure shows later: its text. Raises Refused."""
    if call.fault("media_unfetchable"):
        raise UNFETCHABLE.refused()
    try:
        file = await fetcher(address)
    except TooSlow:
        raise TIMED_OUT.refused() from None
    except Unfetchable:
        if moving:
            return failed(2207077)
        raise UNFETCHABLE.refused() from None
    if moving:
        return "" if kind_of(file.data) == "video/mp4" else failed(2207026)
    if not file.content_type.startswith("image/"):
        raise UNFETCHABLE.refused()
    _check_image(file.data)
    return ""


def _check_image(data: bytes) -> None:
    if len(data) > MOST_BYTES:
        raise TOO_BIG.refused()
    size = jpeg_size(data) if kind_of(data) == "image/jpeg" else None
    if size is None:
        raise NOT_JPEG.refused()
    if not 0.8 <= size[0] / max(size[1], 1) <= 1.91:
        raise RATIO.refused()


def failed(subcode: int) -> str:
    """What a container's `status` says when its media failed."""
    return f"Error: Media upload has failed with error code {subcode}"
