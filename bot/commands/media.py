"""A link to a picture or film: fetched once, and read for what it really is.

The type comes from the bytes, never from the address or from what its server claims.
"""

from __future__ import annotations

import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bot.domain.errors import Refused
from bot.http import HostRefused, HttpError, OpenHttp, TooLarge, Unreadable
from bot.platforms.base import Media, MediaKind

__all__ = ["fetch_media", "link_problem", "sniff"]

URL_MAX = 2000
HEAD_BYTES = 1_000_000
MOST_BYTES = 300 * 1024 * 1024
FETCH_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Looks:
    """What a file's first bytes say. Sizes in pixels, where they could be read."""

    kind: MediaKind
    mime: str
    width: int | None = None
    height: int | None = None


def link_problem(url: str) -> str | None:
    """Why an address cannot be a media link, in words; None where it can. Asks nobody."""
    try:
        parts = urlsplit(url)
        plain = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        plain = False
    if not plain or any(char.isspace() for char in url):
        return "This has to be an address that starts with https:// and leads to the file itself."
    return None if len(url) <= URL_MAX else f"This address is longer than {URL_MAX:,} characters."


async def fetch_media(files: OpenHttp, url: str) -> Media:
    """Fetches the file once and reads it. Raises Refused, in words for the author."""
    with tempfile.TemporaryDirectory(prefix="media-") as folder:
        target = Path(folder) / "file"
        try:
            got = await files.download(url, target, max_bytes=MOST_BYTES, deadline=FETCH_SECONDS)
        except HttpError as error:
            raise Refused(_why(error)) from None
        with target.open("rb") as file:
            looks = sniff(file.read(HEAD_BYTES))
    if looks is None:
        raise Refused(
            "That link does not lead to a picture or film (JPEG, PNG, GIF, WebP or MP4), but to something "
            "else, perhaps a page that shows it. I need the address of the file itself."
        )
    return Media(url, looks.kind, looks.mime, got.size, looks.width, looks.height)


def _why(error: HttpError) -> str:
    if isinstance(error, HostRefused):
        return "I cannot fetch that address: it has to be a public one that starts with https://."
    if isinstance(error, TooLarge):
        return f"That file is larger than {MOST_BYTES // 2**20} MB."
    if isinstance(error, Unreadable):
        return "That link leads to no file. Open it in a private browser window to see what I see."
    return "I could not fetch that file just now: its server did not answer. Try again in a moment."


def sniff(head: bytes) -> Looks | None:
    """What a file is, from its first bytes; None for anything else than pictures and films."""
    if head.startswith(b"\xff\xd8\xff"):
        return Looks(MediaKind.IMAGE, "image/jpeg", *(_jpeg_size(head) or (None, None)))
    if head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) >= 24:
        return Looks(MediaKind.IMAGE, "image/png", *struct.unpack(">II", head[16:24]))
    if head[:6] in (b"GIF87a", b"GIF89a") and len(head) >= 10:
        return Looks(MediaKind.IMAGE, "image/gif", *struct.unpack("<HH", head[6:10]))
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Looks(MediaKind.IMAGE, "image/webp")
    if head[4:8] == b"ftyp":
        mime = "video/quicktime" if head[8:12] == b"qt  " else "video/mp4"
        still = head[8:12] in (b"heic", b"heix", b"mif1", b"avif")
        return None if still else Looks(MediaKind.VIDEO, mime)
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height from the frame header, wherever it stands."""
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF or 0xD0 <= marker <= 0xD9:
            at += 1 if marker == 0xFF else 2
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return None
