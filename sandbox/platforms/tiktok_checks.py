"""What TikTok demands of an init call (TikTok facts §2.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sandbox.platforms.core import Call
from sandbox.platforms.fetch import LOOPBACK
from sandbox.platforms.model import App, Grant
from sandbox.platforms.tiktok_manners import invalid, refused, reviewed

MB = 1_000_000
MIB = 1024 * 1024
LONGEST_TITLE, LONGEST_PHOTO_TITLE, LONGEST_DESCRIPTION = 2200, 90, 4000  # UTF-16 units
MOST_BYTES = 4 * 1024 * MIB
SMALLEST_CHUNK, BIGGEST_CHUNK, MOST_CHUNKS = 5 * MB, 64 * MIB, 1000
MOST_PHOTOS = 35
PUBLIC = ("PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY")
PRIVATE = ("FOLLOWER_OF_CREATOR", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY")
VIDEO_INFO: Mapping[str, type] = {
    "title": str,
    "privacy_level": str,
    "disable_duet": bool,
    "disable_comment": bool,
    "disable_stitch": bool,
    "video_cover_timestamp_ms": int,
    "brand_content_toggle": bool,
    "brand_organic_toggle": bool,
    "is_aigc": bool,
}
PHOTO_INFO: Mapping[str, type] = {
    "title": str,
    "description": str,
    "privacy_level": str,
    "disable_comment": bool,
    "auto_add_music": bool,
    "brand_content_toggle": bool,
    "brand_organic_toggle": bool,
}


def units(text: str) -> int:
    """UTF-16 units of a text."""
    return len(text.encode("utf-16-le")) // 2


def privacy_options(call: Call, audited: bool) -> list[str]:
    """The privacy levels that the caller may choose from."""
    extra = call.who().extra
    if not audited:
        return ["SELF_ONLY"]
    return list(extra.get("options") or (PRIVATE if extra.get("private") else PUBLIC))


def typed(call: Call, value: object, fields: Mapping[str, type], where: str) -> dict[str, Any]:
    """The object, with known fields of the right types only. Raises Refused."""
    if not isinstance(value, dict):
        raise invalid(call, f"{where} is required")
    for name, given in value.items():
        wanted = fields.get(name)
        if wanted is None:
            raise invalid(call, f"{where}.{name} is not supported")
        if not isinstance(given, wanted) or (wanted is int and isinstance(given, bool)):
            raise invalid(call, f"{where}.{name} has a wrong type")
    return value


def check_info(call: Call, grant: Grant, value: object, photo: bool) -> tuple[str, str]:
    """The text and the privacy level of a direct post. Raises Refused."""
    info = typed(call, value, PHOTO_INFO if photo else VIDEO_INFO, "post_info")
    title, description = info.get("title", ""), info.get("description", "")
    if units(title) > (LONGEST_PHOTO_TITLE if photo else LONGEST_TITLE):
        raise invalid(call, "post_info.title is too long")
    if units(description) > LONGEST_DESCRIPTION:
        raise invalid(call, "post_info.description is too long")
    level = check_privacy(call, grant, info.get("privacy_level", ""))
    if level == "SELF_ONLY" and info.get("brand_content_toggle"):
        raise invalid(call, "Branded content cannot be private")
    return description or title, level


def check_privacy(call: Call, grant: Grant, level: str) -> str:
    """The privacy level, if this account and this app may have it. Raises Refused."""
    if level not in (*PUBLIC, *PRIVATE):
        raise invalid(call, "post_info.privacy_level is required")
    audited = reviewed(call, grant)
    if not audited and not call.who().extra.get("private"):
        message = "Unaudited client can only post to a private account."
        raise refused(call, 403, "unaudited_client_can_only_post_to_private_accounts", message)
    if level not in privacy_options(call, audited):
        message = "privacy_level is not among the privacy_level_options of creator_info."
        raise refused(call, 403, "privacy_level_option_mismatch", message)
    return level


def check_chunks(call: Call, source: Mapping[str, Any]) -> tuple[int, int, int]:
    """Size, chunk size and number of chunks of a file upload. Raises Refused."""
    size, chunk, count = (source.get(name) for name in ("video_size", "chunk_size", "total_chunk_count"))
    if not isinstance(size, int) or not isinstance(chunk, int) or not isinstance(count, int):
        raise invalid(call, "video_size, chunk_size and total_chunk_count are required")
    if not 0 < size <= MOST_BYTES:
        raise invalid(call, "video_size is out of range")
    whole = chunk == size and count == 1 and size <= BIGGEST_CHUNK
    sliced = SMALLEST_CHUNK <= chunk <= min(BIGGEST_CHUNK, size) and count == size // chunk <= MOST_CHUNKS
    if not whole and not sliced:
        raise refused(call, 400, "invalid_params", "The chunk size or the total chunk count is invalid")
    return size, chunk, count


def check_address(call: Call, app: App, address: object) -> str:
    """A media address that this app may have pulled. Raises Refused."""
    if not isinstance(address, str) or not address:
        raise invalid(call, "The media address is required")
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise invalid(call, "The media address must be https")
    prefixes = app.extra.get("verified_urls")
    if prefixes is not None and not address.startswith(tuple(prefixes)):
        raise refused(call, 403, "url_ownership_unverified", "The ownership of the URL is not verified.")
    return address
