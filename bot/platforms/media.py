"""Reading a post's media for platforms that want the bytes: by ranges, from the address that the post has."""

from __future__ import annotations

from bot.http import HttpError, OpenHttp
from bot.platforms.base import Media, MediaGone

DEADLINE_SECONDS = 30.0
PIECE_BYTES = 1024 * 1024  # what is asked for at once, whatever a platform's chunk is


class UrlMedia:
    """A `MediaReader` over the client for addresses that people give: https, public, pinned."""

    def __init__(self, files: OpenHttp) -> None:
        self._files = files

    async def read(self, media: Media, start: int, length: int) -> bytes:
        """At most `length` bytes from `start`. Raises MediaGone."""
        pieces: list[bytes] = []
        end = min(start + length, media.size)
        while start < end:
            piece = await self._piece(media.url, start, min(PIECE_BYTES, end - start))
            pieces.append(piece)
            start += len(piece)
        return b"".join(pieces)

    async def _piece(self, url: str, start: int, length: int) -> bytes:
        wanted = {"Range": f"bytes={start}-{start + length - 1}", "Accept-Encoding": "identity"}
        try:
            answer = await self._files.request("GET", url, headers=wanted, deadline=DEADLINE_SECONDS)
        except HttpError as error:
            raise MediaGone(str(error)) from None
        body = answer.body if answer.status == 206 else answer.body[start : start + length]
        if answer.status not in (200, 206) or not body:
            raise MediaGone(f"status {answer.status}")
        return body
