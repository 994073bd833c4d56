"""GET and HEAD /media/{signed}: a post's picture or film, for the platforms that fetch what they publish.

They want HEAD, Content-Length, the right type and ranges (Meta's fetcher asks for all of them). A file can
never run as a page here: its type is one of a few that cannot, nothing may guess another, and whoever opens
the address gets a download in an empty sandbox.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from bot.domain.house import House
from bot.media.looks import EXTENSIONS
from bot.media.store import StoreTrouble
from storage import media as rows
from storage.models import StoredMedia

POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'"
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")

Span = tuple[int, int]
"""From the first byte up to and without the second."""


async def serve(house: House, request: Request) -> Response:
    """The file, or a part of it; 404 for an address that is not ours, has ended, or whose file is gone."""
    media_id = house.shelf.signer.read(request.path_params["signed"], house.clock.now())
    row = await _row(house, media_id) if media_id is not None else None
    if row is None:
        return Response(status_code=HTTPStatus.NOT_FOUND)
    headers = _headers(row)
    asked = _asked(request, headers["ETag"])
    span = _span(asked, row.size) if asked else (0, row.size)
    if span is None:
        headers |= {"Content-Range": f"bytes */{row.size}", "Content-Length": "0"}
        return Response(status_code=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=headers)
    start, end = span
    headers["Content-Length"] = str(end - start)
    status = HTTPStatus.OK
    if asked:  # also where the part is the whole: who asks for parts learns so that there are some
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{row.size}"
        status = HTTPStatus.PARTIAL_CONTENT
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return await _body(house, row, span, status, headers)


async def _row(house: House, media_id: str) -> StoredMedia | None:
    async with house.db.read() as session:
        return await rows.find(session, media_id)


def _headers(row: StoredMedia) -> dict[str, str]:
    return {
        "Content-Type": row.mime,
        "Content-Disposition": f'attachment; filename="media{EXTENSIONS.get(row.mime, "")}"',
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "Accept-Ranges": "bytes",
        "ETag": f'"{row.digest}"',
    }


def _asked(request: Request, etag: str) -> re.Match[str] | None:
    """The one range that is asked for and makes sense. One is enough: of several, all is given."""
    asked = RANGE.fullmatch(request.headers.get("range", "").strip())
    if asked is None or request.headers.get("if-range", etag) != etag or asked[0] == "bytes=-":
        return None
    upside_down = asked[1] and asked[2] and int(asked[2]) < int(asked[1])
    return None if upside_down else asked


def _span(asked: re.Match[str], size: int) -> Span | None:
    """The bytes of a range; None where none of them is there."""
    first, last = asked[1], asked[2]
    if not first:  # the last so many bytes
        return (max(size - int(last), 0), size) if int(last) else None
    start = int(first)
    end = min(int(last) + 1, size) if last else size
    return (start, end) if start < size else None


async def _body(
    house: House, row: StoredMedia, span: Span, status: HTTPStatus, headers: dict[str, str]
) -> Response:
    """The first piece is read before anything is said, so that a file that is gone is a 404."""
    pieces = house.shelf.store.stream(row.id, *span)
    try:
        first = await anext(pieces)
    except (StoreTrouble, StopAsyncIteration):
        return Response(status_code=HTTPStatus.NOT_FOUND)
    return StreamingResponse(_all(first, pieces), status, headers)


async def _all(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece
