"""Reading a post's media for platforms that want the bytes: by ranges, from the address that the post has."""

from __future__ import annotations

import re

from bot.http import HostRefused, HttpError, OpenHttp, Response, TooLarge
from bot.platforms.content import Media, MediaGone, MediaSilent

DEADLINE_SECONDS = 30.0
PIECE_BYTES = 1024 * 1024  # what is asked for at once, whatever a platform's chunk is
GONE = frozenset({401, 403, 404, 410})


class UrlMedia:
    """A `MediaReader` over the client for addresses that people give: https, public, pinned."""

    def __init__(self, files: OpenHttp) -> None:
        self._files = files

    async def read(self, media: Media, start: int, length: int) -> bytes:
        """At most `length` bytes from `start`. Raises MediaGone, MediaSilent."""
        pieces: list[bytes] = []
        end = min(start + length, media.size)
        while start < end:
            piece = await self._piece(media, start, min(PIECE_BYTES, end - start))
            pieces.append(piece)
            start += len(piece)
        return b"".join(pieces)

    async def _piece(self, media: Media, start: int, length: int) -> bytes:
        wanted = {"Range": f"bytes={start}-{start + length - 1}", "Accept-Encoding": "identity"}
        try:
            answer = await self._files.request("GET", media.url, headers=wanted, deadline=DEADLINE_SECONDS)
        except (HostRefused, TooLarge) as error:
            raise MediaGone(str(error)) from None
        except HttpError as error:
            raise MediaSilent(str(error)) from None
        if answer.status in GONE:
            raise MediaGone(f"status {answer.status}")
        body = _part(answer, start, length, media.size)
        if not body:
            raise MediaSilent(f"status {answer.status}")
        return body


def _part(answer: Response, start: int, length: int, size: int) -> bytes:
    """The bytes that were asked for. Nothing of an answer that is not this file: a page in between says 200,
    and would be published as a part of the film."""
    if answer.status == 200 and len(answer.body) == size:
        return answer.body[start : start + length]
    said = answer.headers.get("content-range", "").strip()
    if answer.status == 206 and re.fullmatch(rf"bytes {start}-\d+/({size}|\*)", said, re.ASCII):
        return answer.body[:length]
    return b""
