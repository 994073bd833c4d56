"""Pinterest's videos: register, post the file to a bucket as a form, poll (Pinterest facts §5.5)."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.platforms.clients import content_type
from sandbox.platforms.core import Call, endpoint
from sandbox.platforms.images import kind_of
from sandbox.platforms.pinterest_manners import MANNERS, authorized, invalid, json_object, refused
from sandbox.world import PlatformWorld

HOST = "pinterest-media-upload.s3-accelerate.amazonaws.com"
BIGGEST = 2 * 1024**3
POLLS = 1  # how often a video is seen in processing
SLOW_POLLS = 5


@dataclass(frozen=True, kw_only=True)
class Media:
    """One video; `state` is registered, processing, succeeded or failed."""

    id: str
    account: str
    parameters: dict[str, str]
    state: str = "registered"
    polls: int = 0
    fails: bool = False


class MediaShelf:
    """All videos of the twin, found by id and by the key of their upload."""

    def __init__(self) -> None:
        self._held: dict[str, Media] = {}
        self._keys: dict[str, str] = {}

    def keep(self, media: Media) -> Media:
        """Put a video, or its next state, in its place."""
        self._held[media.id] = media
        self._keys[media.parameters["key"]] = media.id
        return media

    def mine(self, call: Call, id: str) -> Media:
        """The caller's own video. Raises Refused."""
        media = self._held.get(id)
        if media is None or media.account != call.account:
            raise refused(404, 50, "Media not found.")
        return media

    def by_key(self, key: str) -> Media | None:
        """The video that an upload with this key is for."""
        return self._held.get(self._keys.get(key, ""))


def routes(world: PlatformWorld, shelf: MediaShelf) -> list[Route]:
    """Register and look at a video."""
    return [
        endpoint(world, MANNERS, "/v5/media", "POST", "prepare", _bound(_register, shelf)),
        endpoint(world, MANNERS, "/v5/media/{id}", "GET", "prepare", _bound(_status, shelf)),
    ]


def upload_routes(world: PlatformWorld, shelf: MediaShelf) -> list[Route]:
    """Where the file is posted."""
    return [endpoint(world, MANNERS, "/", "POST", "prepare", _bound(_upload, shelf))]


def _bound(
    handler: Callable[[Call, MediaShelf], Awaitable[Response]], shelf: MediaShelf
) -> Callable[[Call], Awaitable[Response]]:
    async def run(call: Call) -> Response:
        return await handler(call, shelf)

    return run


def unknown(request: Request, known_path: bool) -> Response:
    """A request that the bucket does not take."""
    return bucket_error(405 if known_path else 403, "MethodNotAllowed" if known_path else "AccessDenied")


def bucket_error(status: int, code: str) -> Response:
    """An error of the bucket, in XML."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>'
    return Response(body, status, media_type="application/xml")


async def _register(call: Call, shelf: MediaShelf) -> Response:
    await authorized(call, "pins:read", "pins:write")
    body = await json_object(call, "media_type")
    if body.get("media_type") != "video":
        raise invalid(f"'{body.get('media_type')}' is not one of ['video']")
    id, signature = str(5_000_000_000_000 + call.world.serial() * 7919), secrets.token_hex(32)
    call.world.see(signature)
    parameters = {
        "x-amz-date": call.world.now().strftime("%Y%m%dT%H%M%SZ"),
        "x-amz-signature": signature,
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "key": f"uploads/{id}/{secrets.token_hex(8)}:video",
        "policy": secrets.token_urlsafe(40),
        "Content-Type": "multipart/form-data",
    }
    shelf.keep(Media(id=id, account=call.account, parameters=parameters))
    call.world.ledger.write("container_created", "pinterest", call.account, id=id, kind="video")
    answer = {
        "media_id": id,
        "media_type": "video",
        "upload_url": f"https://{HOST}/",
        "upload_parameters": parameters,
    }
    return JSONResponse(answer, 201)


async def _upload(call: Call, shelf: MediaShelf) -> Response:
    if content_type(call.request) != "multipart/form-data":
        return bucket_error(412, "PreconditionFailed")
    form = (await call.request.form()).multi_items()
    fields = {name: value for name, value in form if isinstance(value, str)}
    media = shelf.by_key(fields.get("key", ""))
    if media is None or fields != media.parameters:
        return bucket_error(403, "AccessDenied")
    await call.about(media.account)
    if call.fault("upload_expired"):
        return bucket_error(403, "AccessDenied")
    name, file = form[-1]  # the bucket ignores what comes after the file
    if name != "file" or not isinstance(file, UploadFile):
        return bucket_error(400, "InvalidArgument")
    data = await file.read()
    if len(data) > BIGGEST:
        return bucket_error(400, "EntityTooLarge")
    slow, broken = call.fault("container_slow"), call.fault("container_error")
    polls = POLLS + (int(slow.value or SLOW_POLLS) if slow else 0)
    fails = broken is not None or kind_of(data) != "video/mp4"
    shelf.keep(replace(media, state="processing", polls=polls, fails=fails))
    return Response(status_code=204)


async def _status(call: Call, shelf: MediaShelf) -> Response:
    await authorized(call, "pins:read", "pins:write")
    media = shelf.mine(call, str(call.request.path_params["id"]))
    if media.state == "processing":
        done = replace(media, state="failed" if media.fails else "succeeded")
        media = shelf.keep(replace(media, polls=media.polls - 1) if media.polls > 0 else done)
    return JSONResponse({"media_id": media.id, "media_type": "video", "status": media.state})
