"""LinkedIn's images, documents and videos: initialize, put, finalize, status (LinkedIn facts §4.5).

`world.modes["linkedin.member_reads"]` = `allowed` lets members without organisation scopes read the state
of images and documents, which LinkedIn does not always.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.platforms.core import Call, endpoint
from sandbox.platforms.images import jpeg_size, kind_of
from sandbox.platforms.linkedin_authors import author_account
from sandbox.platforms.linkedin_manners import (
    MANNERS,
    Quotas,
    authorized,
    bad_field,
    check_version,
    denied,
    json_object,
    new_urn,
    refused,
    trace,
)
from sandbox.world import PlatformWorld

KINDS = {"images": "image", "documents": "document", "videos": "video"}
WRITE = ("w_member_social", "w_organization_social")
LIFE = timedelta(hours=24)
PART = 4_194_304  # bytes of one slice of a video
SMALLEST_VIDEO, BIGGEST_VIDEO = 75_000, 500 * 1024 * 1024
BIGGEST_DOCUMENT = 100 * 1024 * 1024
MOST_PIXELS = 36_152_320
POLLS = 1  # how often a video is seen in processing
SLOW_POLLS = 5
IMAGES = ("image/jpeg", "image/png", "image/gif")
DOCUMENTS = (b"%PDF", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
FORBIDDEN = "Accessing this image resource is forbidden with the given permissions"


@dataclass(frozen=True, kw_only=True)
class Asset:
    """One image, document or video. `parts` holds the ETag of each slice that arrived."""

    urn: str
    owner: str
    account: str
    kind: str
    size: int
    made_at: datetime
    slices: tuple[str, ...]
    parts: dict[str, str] = field(default_factory=dict)
    state: str = "WAITING_UPLOAD"
    polls: int = 0
    fail: str = ""


class Assets:
    """All media of the twin, found by URN and by the secret of an upload address."""

    def __init__(self) -> None:
        self._held: dict[str, Asset] = {}
        self._slices: dict[str, str] = {}

    def keep(self, asset: Asset) -> Asset:
        """Put an asset, or its next state, in its place."""
        self._held[asset.urn] = asset
        self._slices.update(dict.fromkeys(asset.slices, asset.urn))
        return asset

    def find(self, urn: str) -> Asset | None:
        """The asset with this URN."""
        return self._held.get(urn)

    def by_slice(self, secret: str) -> Asset | None:
        """The asset of which this is one upload address."""
        return self._held.get(self._slices.get(secret, ""))

    def ready(self, call: Call, author: str, urn: object, kinds: tuple[str, ...], where: str) -> str:
        """The URN, if a post of this author may show it now. Raises Refused."""
        asset = self._held.get(urn) if isinstance(urn, str) else None
        if asset is None or asset.kind not in kinds:
            raise bad_field("INVALID_URN_ID", where, f"{where} names no media of a right kind")
        if asset.owner != author:
            raise refused(403, "ACCESS_DENIED", FORBIDDEN, 100)
        asset = self.stepped(asset)
        if asset.state in ("WAITING_UPLOAD", "PROCESSING"):
            raise refused(400, "MEDIA_ASSET_WAITING_UPLOAD", "Media asset is waiting upload")
        if asset.state == "PROCESSING_FAILED":
            raise refused(400, "MEDIA_ASSET_PROCESSING_FAILED", "Media asset failed processing")
        return asset.urn

    def stepped(self, asset: Asset) -> Asset:
        """The asset as this look finds it: one step further, if it is in processing."""
        if asset.state != "PROCESSING":
            return asset
        if asset.polls > 0:
            return self.keep(replace(asset, polls=asset.polls - 1))
        return self.keep(replace(asset, state="PROCESSING_FAILED" if asset.fail else "AVAILABLE"))


def routes(world: PlatformWorld, quotas: Quotas, assets: Assets) -> list[Route]:
    """Initialize, finalize and status, of all three kinds."""

    def route(
        path: str, method: str, handler: Callable[[Call, Quotas, Assets], Awaitable[Response]]
    ) -> Route:
        async def run(call: Call) -> Response:
            check_version(call)
            return await handler(call, quotas, assets)

        return endpoint(world, MANNERS, path, method, "prepare", run)

    found = [route(f"/rest/{name}", "POST", _act) for name in KINDS]
    return found + [route(f"/rest/{name}/{{urn}}", "GET", _status) for name in KINDS]


def upload_routes(world: PlatformWorld, assets: Assets) -> list[Route]:
    """Where bytes are put."""

    async def put(call: Call) -> Response:
        return await _put(call, assets)

    return [endpoint(world, MANNERS, "/dms-uploads/{secret}", "PUT", "prepare", put)]


def _kind(request: Request) -> str:
    return KINDS[request.url.path.partition("/rest/")[2].partition("/")[0]]


async def _act(call: Call, quotas: Quotas, assets: Assets) -> Response:
    kind, action = _kind(call.request), call.request.query_params.get("action", "")
    if action == "finalizeUpload" and kind == "video":
        return await _finalize(call, quotas, assets)
    if action != "initializeUpload":
        raise refused(400, "ILLEGAL_ARGUMENT", f"Action {action} is not supported")
    grant = await authorized(call, *WRITE, what=f"{kind}s.ACTION-initializeUpload")
    quotas.count(call, grant)
    wanted = (await json_object(call)).get("initializeUploadRequest")
    if not isinstance(wanted, dict):
        raise bad_field("MISSING_FIELD", "/initializeUploadRequest", "initializeUploadRequest is required")
    where = "/initializeUploadRequest/owner"
    await author_account(call, grant, wanted.get("owner"), where, f"{kind}s.ACTION-initializeUpload")
    size = _video_size(wanted) if kind == "video" else 0
    asset = assets.keep(_new(call, kind, str(wanted["owner"]), size))
    call.world.ledger.write("container_created", "linkedin", call.account, id=asset.urn, kind=kind)
    return JSONResponse({"value": _upload_value(asset)})


def _video_size(wanted: dict[str, Any]) -> int:
    size, where = wanted.get("fileSizeBytes"), "/initializeUploadRequest/fileSizeBytes"
    if not isinstance(size, int) or not SMALLEST_VIDEO <= size <= BIGGEST_VIDEO:
        raise bad_field("INVALID_VALUE_FOR_FIELD", where, "fileSizeBytes must be 75 KB to 500 MB")
    for name in ("uploadCaptions", "uploadThumbnail"):
        if not isinstance(wanted.get(name, False), bool):
            raise bad_field("INVALID_VALUE_FOR_FIELD", f"/initializeUploadRequest/{name}", "boolean expected")
    return size


def _new(call: Call, kind: str, owner: str, size: int) -> Asset:
    count = -(-size // PART) if kind == "video" else 1
    return Asset(
        urn=new_urn(call, kind),
        owner=owner,
        account=call.account,
        kind=kind,
        size=size,
        made_at=call.world.now(),
        slices=tuple(secrets.token_urlsafe(32) for _ in range(count)),
    )


def _upload_value(asset: Asset) -> dict[str, Any]:
    until = int((asset.made_at + LIFE).timestamp() * 1000)
    addresses = [f"https://www.linkedin.com/dms-uploads/{secret}" for secret in asset.slices]
    if asset.kind != "video":
        return {"uploadUrlExpiresAt": until, "uploadUrl": addresses[0], asset.kind: asset.urn}
    instructions = [
        {"uploadUrl": address, "firstByte": n * PART, "lastByte": min((n + 1) * PART, asset.size) - 1}
        for n, address in enumerate(addresses)
    ]
    return {
        "uploadUrlsExpireAt": until,
        "video": asset.urn,
        "uploadInstructions": instructions,
        "uploadToken": "",
    }


async def _put(call: Call, assets: Assets) -> Response:
    secret = str(call.request.path_params["secret"])
    asset = assets.by_slice(secret)
    if asset is None:
        trace(call)
        return Response(status_code=404)
    if asset.kind != "video":
        grant = await authorized(call, *WRITE)
        if grant.account != asset.account:
            raise denied("dms-uploads.PUT")
    await call.about(asset.account)
    if call.world.now() - asset.made_at >= LIFE or call.fault("upload_expired"):
        raise refused(400, "EXPIRED_UPLOAD_URL", "The upload URL has expired")
    data = await call.request.body()
    if asset.kind == "video":
        return _take_slice(assets, asset, secret, data)
    assets.keep(_received(call, asset, _usable(asset.kind, data), 0))
    return Response(status_code=201)


def _usable(kind: str, data: bytes) -> bool:
    if kind == "document":
        return data.startswith(DOCUMENTS) and len(data) <= BIGGEST_DOCUMENT
    width, height = jpeg_size(data) or (1, 1)
    return kind_of(data) in IMAGES and width * height < MOST_PIXELS


def _take_slice(assets: Assets, asset: Asset, secret: str, data: bytes) -> Response:
    index = asset.slices.index(secret)
    length = min((index + 1) * PART, asset.size) - index * PART
    if asset.state != "WAITING_UPLOAD" or len(data) != length:
        raise refused(400, "ILLEGAL_ARGUMENT", f"{length} bytes expected")
    etag = secrets.token_hex(16)
    usable = index > 0 or kind_of(data) == "video/mp4"
    assets.keep(
        replace(asset, parts={**asset.parts, secret: etag}, fail=asset.fail if usable else "not a video")
    )
    return Response(status_code=200, headers={"etag": f'"{etag}"'})


def _received(call: Call, asset: Asset, usable: bool, polls: int) -> Asset:
    """The asset once all its bytes came."""
    slow, broken = call.fault("container_slow"), call.fault("container_error")
    polls += int(slow.value or SLOW_POLLS) if slow else 0
    fail = (broken.text or "unsupported codec") if broken else ("" if usable else "unsupported format")
    state = "PROCESSING" if polls else ("PROCESSING_FAILED" if fail else "AVAILABLE")
    return replace(asset, state=state, polls=polls, fail=fail)


async def _finalize(call: Call, quotas: Quotas, assets: Assets) -> Response:
    grant = await authorized(call, *WRITE, what="videos.ACTION-finalizeUpload")
    quotas.count(call, grant)
    wanted = (await json_object(call)).get("finalizeUploadRequest")
    if not isinstance(wanted, dict) or not {"video", "uploadToken", "uploadedPartIds"} <= set(wanted):
        raise bad_field(
            "MISSING_FIELD", "/finalizeUploadRequest", "video, uploadToken, uploadedPartIds expected"
        )
    asset = assets.find(str(wanted["video"]))
    if asset is None or asset.account != call.account or asset.kind != "video":
        raise bad_field("INVALID_URN_ID", "/finalizeUploadRequest/video", "no such video")
    expected = [asset.parts.get(secret) for secret in asset.slices]
    if None in expected or wanted["uploadedPartIds"] != expected or wanted["uploadToken"] != "":
        where = "/finalizeUploadRequest/uploadedPartIds"
        raise bad_field("INVALID_VALUE_FOR_FIELD", where, "the ETags of all parts, in order, expected")
    if asset.state == "WAITING_UPLOAD":
        assets.keep(_received(call, asset, not asset.fail, POLLS))
    return Response(status_code=200)


async def _status(call: Call, quotas: Quotas, assets: Assets) -> Response:
    kind, scopes = _kind(call.request), [*WRITE, "r_organization_social"]
    if kind != "video" and call.world.modes.get("linkedin.member_reads") != "allowed":
        scopes = scopes[1:]
    grant = await authorized(call, *scopes, what=f"{kind}s.GET")
    quotas.count(call, grant)
    asset = assets.find(unquote(str(call.request.path_params["urn"])))
    if asset is None or asset.kind != kind:
        raise refused(404, "RESOURCE_NOT_FOUND", "Could not find entity", 0)
    if asset.account != call.account:
        raise refused(403, "ACCESS_DENIED", FORBIDDEN, 100)
    asset = assets.stepped(asset)
    failed = {"processingFailureReason": asset.fail} if asset.state == "PROCESSING_FAILED" else {}
    return JSONResponse({"id": asset.urn, "owner": asset.owner, "status": asset.state, **failed})
