"""What Threads demands of a post's text and of its files (meta facts §1.5, §4.5)."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.platforms.core import Call
from sandbox.platforms.fetch import Fetcher, Unfetchable
from sandbox.platforms.images import jpeg_size, kind_of
from sandbox.platforms.meta import bad_parameter
from sandbox.platforms.threads_manners import TOO_LONG, UNFETCHABLE

MOST_BYTES = 8 * 1024 * 1024
MOST_TEXT, MOST_ALT, MOST_LINKS = 500, 1000, 5
WHO_MAY_REPLY = frozenset(
    ["everyone", "accounts_you_follow", "mentioned_only", "parent_post_author_only", "followers_only"]
)
EMOJI = (
    (0x200D, 0x200D),
    (0x203C, 0x203C),
    (0x2049, 0x2049),
    (0x20E3, 0x20E3),
    (0x2600, 0x27BF),
    (0x2B05, 0x2B55),
    (0xFE0F, 0xFE0F),
    (0x1F000, 0x1FAFF),
    (0xE0020, 0xE007F),
)


def text_length(text: str) -> int:
    """How long Threads finds a text: emoji count with their UTF-8 bytes, all else as one each."""
    return sum(len(char.encode()) if _is_emoji(char) else 1 for char in text)


def _is_emoji(char: str) -> bool:
    return any(low <= ord(char) <= high for low, high in EMOJI)


def check_words(call: Call, given: Mapping[str, str], kind: str) -> None:
    """Refuse texts and options that do not fit. The mode `threads.links` = `five` counts links too."""
    text = given.get("text", "")
    if text_length(text) > MOST_TEXT:
        raise TOO_LONG.refused()
    if kind == "TEXT" and not text.strip():
        raise bad_parameter("The parameter text is required", "THApiException")
    links = {word for word in text.split() if word.startswith(("http://", "https://"))}
    links |= {given["link_attachment"]} if given.get("link_attachment") else set()
    if call.world.modes.get("threads.links") == "five" and len(links) > MOST_LINKS:
        raise bad_parameter("A post can have at most 5 links", "THApiException")
    if given.get("link_attachment") and kind != "TEXT":
        raise bad_parameter("link_attachment is for text posts only", "THApiException")
    if given.get("alt_text") and (kind not in ("IMAGE", "VIDEO") or len(given["alt_text"]) > MOST_ALT):
        raise bad_parameter("Param alt_text must be at most 1000 characters, on media", "THApiException")
    if given.get("reply_control", "everyone") not in WHO_MAY_REPLY:
        raise bad_parameter("Param reply_control must be one of its values", "THApiException")


async def fetched(call: Call, fetcher: Fetcher, address: str, kind: str) -> str:
    """Get the file as the platform does; what is wrong with it shows later: its word, or "".

    Raises Refused for an image that cannot be fetched.
    """
    if call.fault("media_unfetchable"):
        raise UNFETCHABLE.refused()
    try:
        file = await fetcher(address)
    except Unfetchable:
        if kind == "VIDEO":
            return "FAILED_DOWNLOADING_VIDEO"
        raise UNFETCHABLE.refused() from None
    if kind == "VIDEO":
        return "" if kind_of(file.data) == "video/mp4" else "FAILED_PROCESSING_VIDEO"
    if not file.content_type.startswith("image/"):
        raise UNFETCHABLE.refused()
    return _image_problem(file.data)


def _image_problem(data: bytes) -> str:
    kind = kind_of(data)
    if kind not in ("image/jpeg", "image/png") or len(data) > MOST_BYTES:
        return "UNKNOWN"
    if kind == "image/png":
        size = (int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big"))
    else:
        size = jpeg_size(data) or (0, 0)
    if min(size) == 0:
        return "UNKNOWN"
    return "INVALID_ASPEC_RATIO" if max(size) > 10 * min(size) else ""
