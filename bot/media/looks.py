"""What a file really is, from its bytes: never from its name or from what its server claims."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from pathlib import Path

from bot.media import mp4
from bot.platforms.content import MediaKind

HEAD_BYTES = 1_000_000
EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
}
"""The types that are taken, with the ends of their names. None of them can run as a page."""

STILLS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis")  # pictures in a film's wrapping


@dataclass(frozen=True, slots=True)
class Looks:
    """A picture or film. Width and height in pixels, duration in seconds, where they could be read."""

    kind: MediaKind
    mime: str
    width: int | None = None
    height: int | None = None
    duration: float | None = None


def look_at(path: Path) -> Looks | None:
    """What a file on disk is; None for anything else than pictures and films. Raises OSError."""
    with path.open("rb") as file:
        found = sniff(file.read(HEAD_BYTES))
        if found is None or found.kind is not MediaKind.VIDEO:
            return found
        facts = mp4.read_facts(file)
    return replace(found, width=facts.width, height=facts.height, duration=facts.duration)


def sniff(head: bytes) -> Looks | None:
    """What a file is, from its first bytes; None for anything else than pictures and films."""
    if head.startswith(b"\xff\xd8\xff"):
        return Looks(MediaKind.IMAGE, "image/jpeg", *(_jpeg_size(head) or (None, None)))
    if head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) >= 24:
        return Looks(MediaKind.IMAGE, "image/png", *struct.unpack(">II", head[16:24]))
    if head[:6] in (b"GIF87a", b"GIF89a") and len(head) >= 10:
        return Looks(MediaKind.IMAGE, "image/gif", *struct.unpack("<HH", head[6:10]))
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Looks(MediaKind.IMAGE, "image/webp", *(_webp_size(head) or (None, None)))
    if head[4:8] == b"ftyp" and head[8:12] not in STILLS:
        mime = "video/quicktime" if head[8:12] == b"qt  " else "video/mp4"
        return Looks(MediaKind.VIDEO, mime)
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


def _webp_size(data: bytes) -> tuple[int, int] | None:
    """Width and height from whichever of the three headers a WebP has."""
    if len(data) < 30:
        return None
    if data[12:16] == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if data[12:16] == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return None
