"""YouTube's resumable upload: sessions, chunks, probes (YouTube facts §3.5).

`world.modes["youtube.created_status"]` is the status of the answer to the last byte: `200` or `201`.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.platforms.clients import content_type
from sandbox.platforms.core import Call, endpoint
from sandbox.platforms.youtube_checks import PARTS, check_metadata
from sandbox.platforms.youtube_manners import (
    MANNERS,
    UPLOAD,
    Quotas,
    authorized,
    json_object,
    need_channel,
    parts_of,
    refused,
)
from sandbox.platforms.youtube_videos import create_video, video_resource
from sandbox.world import PlatformWorld

PATH = "/upload/youtube/v3/videos"
LIFE = timedelta(days=7)
UNIT = 262_144  # every chunk but the last is a multiple of this many bytes
MOST_BYTES = 256 * 1024**3
CHUNK = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
PROBE = re.compile(r"bytes \*/(\d+|\*)")


@dataclass(frozen=True, kw_only=True)
class Session:
    """An upload that was begun. `video` is the id of what came of it; `head` the file's first bytes."""

    id: str
    account: str
    client_id: str
    parts: list[str]
    snippet: Mapping[str, Any]
    status: Mapping[str, Any]
    size: int
    made_at: datetime
    received: int = 0
    head: bytes = b""
    video: str = ""


class Sessions:
    """All upload sessions of the twin."""

    def __init__(self) -> None:
        self._held: dict[str, Session] = {}

    def keep(self, session: Session) -> Session:
        """Put a session, or its next state, in its place."""
        self._held[session.id] = session
        return session

    def find(self, request: Request) -> Session | None:
        """The session that the address names."""
        return self._held.get(request.query_params.get("upload_id", ""))


def routes(world: PlatformWorld, quotas: Quotas) -> list[Route]:
    """Begin an upload, and put bytes into it."""
    sessions = Sessions()

    async def begin(call: Call) -> Response:
        return await _begin(call, quotas, sessions)

    async def put(call: Call) -> Response:
        return await _put(call, sessions)

    async def group(request: Request) -> str:
        session, chunk = sessions.find(request), _chunk(request)
        last = session is not None and chunk is not None and chunk[1] + 1 == session.size
        return "publish" if last else "prepare"

    return [
        endpoint(world, MANNERS, PATH, "POST", "prepare", begin),
        endpoint(world, MANNERS, PATH, "PUT", group, put),
    ]


async def _begin(call: Call, quotas: Quotas, sessions: Sessions) -> Response:
    grant = await authorized(call, UPLOAD)
    need_channel(call)
    if call.request.query_params.get("uploadType") != "resumable":
        raise refused(400, "badRequest", "Only resumable uploads are taken here.", "global")
    parts = parts_of(call, PARTS)
    quotas.count(call, grant, "uploads", 1)
    size = _declared(call)
    snippet, status = check_metadata(call, await json_object(call), parts)
    session = sessions.keep(
        Session(
            id=secrets.token_urlsafe(48),
            account=call.account,
            client_id=grant.client_id,
            parts=parts,
            snippet=snippet,
            status=status,
            size=size,
            made_at=call.world.now(),
        )
    )
    call.world.ledger.write(
        "container_created", "youtube", call.account, id=f"s{call.world.serial()}", size=size
    )
    address = f"https://www.googleapis.com{PATH}?uploadType=resumable&upload_id={session.id}"
    return Response(status_code=200, headers={"location": address, "x-guploader-uploadid": session.id})


def _declared(call: Call) -> int:
    """The length of the file to come, in bytes. Raises Refused."""
    headers = call.request.headers
    kind, length = headers.get("x-upload-content-type", ""), headers.get("x-upload-content-length", "")
    if content_type(call.request) != "application/json":
        raise refused(
            400, "badContent", f"Unsupported content with type: {content_type(call.request)}", "global"
        )
    if not kind.startswith("video/") and kind != "application/octet-stream":
        raise refused(400, "badContent", f"Media type '{kind}' is not supported.", "global")
    if not length.isdecimal() or not 0 < int(length) <= MOST_BYTES:
        raise refused(
            400, "mediaBodyRequired", "The request does not include the video content.", "youtube.video"
        )
    return int(length)


async def _put(call: Call, sessions: Sessions) -> Response:
    session = sessions.find(call.request)
    if session is None:
        return Response("Not Found", 404)
    await call.about(session.account)
    if fault := call.fault("upload_expired"):
        return Response("Gone", int(fault.value or 404))
    if call.world.now() - session.made_at >= LIFE:
        return Response("Not Found", 404)
    if session.video:
        return _finished(call, session)
    data = await call.request.body()
    if not data and PROBE.fullmatch(call.request.headers.get("content-range", "")):
        return _incomplete(session)
    return _take(call, sessions, session, data)


def _chunk(request: Request) -> tuple[int, int, int] | None:
    """First and last byte and total of a Content-Range; without one, the whole of the body."""
    header, length = request.headers.get("content-range"), request.headers.get("content-length", "0")
    if header is None:
        return 0, int(length) - 1, int(length)
    match = CHUNK.fullmatch(header)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def _take(call: Call, sessions: Sessions, session: Session, data: bytes) -> Response:
    chunk = _chunk(call.request)
    if chunk is None or chunk[1] - chunk[0] + 1 != len(data) or chunk[2] != session.size:
        return Response("Failed to parse Content-Range header.", 400)
    first, last, total = chunk
    if first != session.received or last >= total:
        return _incomplete(session)
    if last + 1 < total and len(data) % UNIT:
        return Response("The size of a chunk must be a multiple of 262144 bytes.", 400)
    if len(data) > UNIT and call.fault("chunk_cut"):
        data = data[:UNIT]
    session = sessions.keep(
        replace(session, received=session.received + len(data), head=session.head or data[:16])
    )
    if session.received < session.size:
        return _incomplete(session)
    video = create_video(call, session.client_id, session.snippet, session.status, session.head)
    return _finished(call, sessions.keep(replace(session, video=video)))


def _incomplete(session: Session) -> Response:
    stored = {"range": f"bytes=0-{session.received - 1}"} if session.received else {}
    return Response(status_code=308, headers=stored)


def _finished(call: Call, session: Session) -> Response:
    status = int(call.world.modes.get("youtube.created_status", "200"))
    return JSONResponse(video_resource(call, session.video, session.parts), status)
