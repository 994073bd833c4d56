"""X's media upload: initialize, append, finalize, STATUS, and one call for images (x facts §1.5)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.platforms.core import Call, endpoint
from sandbox.platforms.images import kind_of
from sandbox.platforms.x_oauth import authorized
from sandbox.platforms.x_problems import MANNERS, Limits, invalid, only, snowflake
from sandbox.world import PlatformWorld

LIFE = timedelta(seconds=86_400)
CHUNK = 5 * 1024 * 1024
SIZES = {"tweet_image": 5, "tweet_gif": 15, "tweet_video": 512, "amplify_video": 512}  # MiB
KINDS = {
    "tweet_image": ("image/jpeg", "image/png", "image/webp", "image/gif"),
    "tweet_gif": ("image/gif",),
    "tweet_video": ("video/mp4",),
    "amplify_video": ("video/mp4",),
}
POLLS = 1  # how often a video is seen in progress


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One media object. `state` is open, then pending, in_progress, succeeded or failed."""

    id: str
    account: str
    category: str
    type: str
    total: int
    expires_at: datetime
    chunks: dict[int, bytes] = field(default_factory=dict)
    state: str = "open"
    polls: int = 0

    @property
    def video(self) -> bool:
        return self.category.endswith("video")


class Uploads:
    """All media objects of the twin."""

    def __init__(self) -> None:
        self._held: dict[str, Upload] = {}

    def keep(self, upload: Upload) -> Upload:
        """Put an upload, or its next state, in its place."""
        self._held[upload.id] = upload
        return upload

    def mine(self, call: Call, id: str) -> Upload:
        """The caller's own living upload. Raises Refused."""
        upload = self._held.get(id)
        if upload is None or upload.account != call.account or upload.expires_at <= call.world.now():
            raise invalid("Your media IDs are invalid.", media_id=[id])
        return upload

    def attach(self, call: Call, media: dict[str, Any]) -> tuple[str, ...]:
        """The ids of a post's media, if it may have them. Raises Refused."""
        ids = media.get("media_ids")
        if not set(media) <= {"media_ids", "tagged_user_ids"} or not isinstance(ids, list):
            raise invalid("$.media: media_ids is required")
        if not 1 <= len(ids) <= 4 or not all(isinstance(id, str) and id.isdecimal() for id in ids):
            raise invalid("$.media.media_ids: 1 to 4 numeric strings expected")
        uploads = [self.mine(call, id) for id in ids]
        if any(upload.state != "succeeded" for upload in uploads):
            raise invalid("Your media IDs are invalid.", media_ids=ids)
        if len(uploads) > 1 and any(upload.category != "tweet_image" for upload in uploads):
            raise invalid("A post has up to 4 images, or 1 GIF, or 1 video.", media_ids=ids)
        return tuple(ids)


def routes(world: PlatformWorld, limits: Limits, uploads: Uploads) -> list[Route]:
    """The endpoints of media."""
    base = "/2/media/upload"

    def route(
        path: str, method: str, handler: Callable[[Call, Uploads], Awaitable[Response]], limit: int
    ) -> Route:
        async def run(call: Call) -> Response:
            await authorized(call, "media.write")
            limits.count(call, f"media {handler.__name__}", limit)
            return await handler(call, uploads)

        return endpoint(world, MANNERS, path, method, "prepare", run)

    return [
        route(f"{base}/initialize", "POST", _initialize, 1875),
        route(base + "/{id}/append", "POST", _append, 1875),
        route(base + "/{id}/finalize", "POST", _finalize, 1875),
        route(base, "GET", _status, 1000),
        route(base, "POST", _one_shot, 500),
        route("/2/media/metadata", "POST", _metadata, 500),
    ]


async def _json(call: Call) -> dict[str, Any]:
    try:
        body = await call.request.json()
    except ValueError:
        raise invalid("Request body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise invalid("$: object expected")
    return body


def _new(call: Call, category: object, type: object, total: object) -> Upload:
    if not isinstance(category, str) or category not in KINDS:
        raise invalid("$.media_category: does not have a value in the enumeration", media_category=[])
    if not isinstance(type, str) or type not in KINDS[category]:
        raise invalid("$.media_type: not supported for this media_category", media_type=[])
    if not isinstance(total, int) or not 0 < total <= SIZES[category] * 1024 * 1024:
        raise invalid("$.total_bytes: out of range for this media_category", total_bytes=[])
    return Upload(
        id=snowflake(call),
        account=call.account,
        category=category,
        type=type,
        total=total,
        expires_at=call.world.now() + LIFE,
    )


async def _initialize(call: Call, uploads: Uploads) -> Response:
    body = await _json(call)
    if not set(body) <= {"media_category", "media_type", "total_bytes", "additional_owners", "shared"}:
        raise invalid("$: the schema does not allow additional properties")
    upload = _new(call, body.get("media_category"), body.get("media_type"), body.get("total_bytes"))
    uploads.keep(upload)
    call.world.ledger.write("container_created", "x", call.account, id=upload.id, kind=upload.category)
    return JSONResponse({"data": _shown(call, upload)})


async def _append(call: Call, uploads: Uploads) -> Response:
    upload = uploads.mine(call, str(call.request.path_params["id"]))
    index, data = await _segment(call)
    if upload.state != "open" or not 0 <= index <= 999 or not 0 < len(data) <= CHUNK:
        raise invalid("segment_index must be 0 to 999 and media at most 5 MB.", segment_index=[str(index)])
    upload.chunks[index] = data
    return JSONResponse({"data": {"expires_at": int(upload.expires_at.timestamp())}})


async def _segment(call: Call) -> tuple[int, bytes]:
    if call.request.headers.get("content-type", "").startswith("application/json"):
        body = await _json(call)
        index, media = body.get("segment_index"), body.get("media")
        try:
            return int(str(index)), base64.b64decode(str(media), validate=True)
        except (ValueError, binascii.Error):
            raise invalid("$.media: base64 expected, $.segment_index: integer expected") from None
    form = await call.request.form()
    index, media = form.get("segment_index"), form.get("media")
    if not isinstance(index, str) or not index.isdecimal() or not isinstance(media, UploadFile):
        raise invalid("Both segment_index and media are required.")
    return int(index), await media.read()


async def _finalize(call: Call, uploads: Uploads) -> Response:
    upload = uploads.mine(call, str(call.request.path_params["id"]))
    if upload.state == "open":
        data = b"".join(upload.chunks[index] for index in sorted(upload.chunks))
        if sorted(upload.chunks) != list(range(len(upload.chunks))) or len(data) != upload.total:
            raise invalid("Segments do not add up to total_bytes.", media_id=[upload.id])
        upload = uploads.keep(_received(call, upload, data))
    return JSONResponse({"data": _shown(call, upload)})


def _received(call: Call, upload: Upload, data: bytes) -> Upload:
    if kind_of(data) != upload.type:
        raise invalid("The file is not of the declared media type.", media_type=[upload.type])
    slow = call.fault("container_slow")
    polls = POLLS if upload.video else 0
    if slow is not None:
        polls += int(slow.value or 5)
    later = upload.video or polls > 0 or _fails(call)
    return replace(upload, chunks={}, polls=polls, state="pending" if later else "succeeded")


def _fails(call: Call) -> bool:
    board = call.world.faults.standing
    return any(
        fault.kind == "container_error" and fault.platform == "x" and fault.account in call.whose
        for fault in board
    )


async def _status(call: Call, uploads: Uploads) -> Response:
    only(call, "command", "media_id")
    if call.request.query_params.get("command", "STATUS") != "STATUS":
        raise invalid("The `command` query parameter value is not one of [STATUS]", command=[])
    upload = uploads.mine(call, call.request.query_params.get("media_id", ""))
    if upload.state in ("pending", "in_progress"):
        upload = uploads.keep(_advanced(call, upload))
    return JSONResponse({"data": _shown(call, upload)})


def _advanced(call: Call, upload: Upload) -> Upload:
    if upload.polls > 0:
        return replace(upload, state="in_progress", polls=upload.polls - 1)
    return replace(upload, state="failed" if call.fault("container_error") else "succeeded")


async def _one_shot(call: Call, uploads: Uploads) -> Response:
    form = await call.request.form()
    media, category = form.get("media"), form.get("media_category")
    if not isinstance(media, UploadFile) or not isinstance(category, str):
        raise invalid("Both media and media_category are required.", media=[], media_category=[])
    data = await media.read()
    if category not in ("tweet_image", "tweet_gif"):
        raise invalid("$.media_category: only images can be uploaded in one call", media_category=[category])
    upload = _new(call, category, kind_of(data), len(data))
    upload = uploads.keep(_received(call, upload, data))
    call.world.ledger.write("container_created", "x", call.account, id=upload.id, kind=upload.category)
    return JSONResponse({"data": _shown(call, upload)})


async def _metadata(call: Call, uploads: Uploads) -> Response:
    body = await _json(call)
    upload = uploads.mine(call, str(body.get("id", "")))
    metadata = body.get("metadata")
    alt = metadata.get("alt_text") if isinstance(metadata, dict) else None
    text = alt.get("text") if isinstance(alt, dict) else None
    if not isinstance(text, str) or len(text) > 1000:
        raise invalid("$.metadata.alt_text.text: at most 1000 characters")
    return JSONResponse({"data": {"id": upload.id, "associated_metadata": metadata}})


def _shown(call: Call, upload: Upload) -> dict[str, Any]:
    left = int((upload.expires_at - call.world.now()).total_seconds())
    prefix = "13" if upload.video else "3"
    data: dict[str, Any] = {"id": upload.id, "media_key": f"{prefix}_{upload.id}", "expires_after_secs": left}
    if upload.state == "open":
        return data
    data["size"] = upload.total
    if upload.state == "succeeded" and not upload.video:
        return data
    info: dict[str, Any] = {"state": upload.state}
    if upload.state in ("pending", "in_progress"):
        info["check_after_secs"] = 1
    if upload.state == "in_progress":
        info["progress_percent"] = 50
    if upload.state == "failed":
        info["error"] = {"code": 1, "name": "InvalidMedia", "message": "Unsupported or broken media"}
    return {**data, "processing_info": info}
