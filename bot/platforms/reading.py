"""What several platform files read: members of nested replies, moments, and the bytes of a post's media."""

from __future__ import annotations

import codecs
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from bot.http import Response
from bot.platforms import oauth
from bot.platforms.base import Call
from bot.platforms.content import Media, MediaGone, MediaSilent
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from bot.platforms.oauth import Body

STREAM_PIECE = 1024 * 1024  # bytes held at once while a file is streamed


def member(body: Body | None, name: str) -> Body:
    """The object under `name`; an empty one where there is none."""
    value = body.get(name) if body else None
    return value if isinstance(value, dict) else {}


def objects(body: Body | None, name: str) -> list[Body]:
    """The objects of the list under `name`; what is no object is left out."""
    value = body.get(name) if body else None
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def lower(value: object) -> str:
    """A text in lower case; empty for anything else."""
    return value.lower() if isinstance(value, str) else ""


def moment(value: object) -> datetime | None:
    """An ISO 8601 instant, UTC-aware; without an offset it is taken as UTC. None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


async def read_piece(call: Call, media: Media, start: int, length: int) -> bytes:
    """Exactly `length` bytes from `start`. A file that is gone or too short is the post's fault; one that
    could not be read just now is asked for again later."""
    held = bytearray()
    try:
        while call.media is not None and len(held) < length:
            piece = await call.media.read(media, start + len(held), length - len(held))
            if not piece:
                break
            held += piece
    except MediaSilent:
        raise _unreachable("media_silent", Kind.TRY_LATER) from None
    except MediaGone:
        raise _unreachable("media_gone") from None
    if len(held) != length:
        raise _unreachable("media_short")
    return bytes(held)


def is_page(response: Response) -> bool:
    """Whether a page for people came back, as proxies send it with any status; an API never answers so. The
    type alone says little: many servers write it over an empty answer, or over JSON."""
    start = response.body.removeprefix(codecs.BOM_UTF8).lstrip()[:9].lower()
    named = response.headers.get("content-type", "").strip().lower().startswith("text/html")
    return start.startswith((b"<html", b"<!doctype")) or (named and start.startswith(b"<"))


def is_done(response: Response) -> bool:
    """Whether a call succeeded that answers nothing of worth: with neither a page nor an error under 200."""
    return not is_page(response) and not oauth.refuses(response, oauth.read_object(response))


async def in_pieces(data: bytes) -> AsyncIterator[bytes]:
    """The body of an upload, piece by piece: written at once, a big one would hold up everything else."""
    for start in range(0, len(data), STREAM_PIECE):
        yield data[start : start + STREAM_PIECE]


async def stream(call: Call, media: Media) -> AsyncIterator[bytes]:
    """The whole file, piece by piece."""
    for start in range(0, media.size, STREAM_PIECE):
        yield await read_piece(call, media, start, min(STREAM_PIECE, media.size - start))


def _unreachable(code: str, kind: Kind = Kind.CONTENT) -> PlatformError:
    return PlatformError(Verdict(kind, Reason.MEDIA_UNREACHABLE, code))
