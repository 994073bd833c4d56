"""The upload host: bytes of Reels, video stories and Instagram's containers (meta facts §2.5, §3.6)."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.platforms import facebook_instagram
from sandbox.platforms.core import Call, Refused
from sandbox.platforms.facebook_access import newest_consent, ticked
from sandbox.platforms.facebook_store import HEAD, Store, Video
from sandbox.platforms.facebook_videos import taken
from sandbox.platforms.fetch import Unfetchable
from sandbox.platforms.meta import token_error


@dataclass(frozen=True)
class Sent:
    """What one request brought: bytes from `offset` on of `size`, or a whole file from `address`."""

    data: bytes
    offset: int
    size: int
    address: str = ""


def refused(kind: str, message: str, code: int = 400, *, retriable: bool = False) -> Refused:
    """The upload host's own error shape."""
    text = json.dumps({"error": {"message": message, "type": kind, "code": code}})
    info = {"retriable": retriable, "type": kind, "message": text}
    return Refused(JSONResponse({"debug_info": info}, 400))


def unknown(request: Request, known_path: bool) -> Response:
    """A path that the upload host has not."""
    return refused("NotFoundError", "There is no such upload.", 404).response


async def take_video(call: Call, store: Store) -> Response:
    """`POST /video-upload/{version}/{id}`: the bytes of a Reel or a video story."""
    await _enter(call)
    video = store.own_video(str(call.request.path_params["id"]), call.account)
    if video is None or video.kind == "video" or video.state != "waiting":
        raise refused("NotFoundError", "There is no such upload.", 404)
    sent = await _sent(call, store, video.received)
    store.keep(_with(call, video, sent))
    return JSONResponse({"success": True})


def _with(call: Call, video: Video, sent: Sent) -> Video:
    if sent.address:
        head = sent.data[:HEAD]
        return replace(
            video, address=sent.address, head=head, size=sent.size, received=sent.size, state="uploaded"
        )
    if video.size not in (0, sent.size):
        raise refused("OffsetInvalidError", "The file_size changed during the upload.")
    video = taken(call, replace(video, size=sent.size, address=f"upload:{video.id}"), sent.data)
    return replace(video, state="uploaded") if video.received == video.size else video


async def take_container(call: Call, store: Store) -> Response:
    """`POST /ig-api-upload/{version}/{id}`: the whole file of a resumable container."""
    await _enter(call)
    id = str(call.request.path_params["id"])
    container = store.containers.waiting(id)
    page = call.who()
    if container is None or page.extra.get("instagram") != container.account:
        raise refused("NotFoundError", "There is no such upload.", 404)
    sent = await _sent(call, store, 0)
    if len(sent.data) != sent.size:
        raise refused("ProcessingFailedError", "The file is not complete.", retriable=True)
    facebook_instagram.take_bytes(call, store.containers, container, sent.data[:HEAD])
    return JSONResponse({"success": True, "message": "Upload successful."})


async def _enter(call: Call) -> None:
    """Only `Authorization: OAuth TOKEN` counts here, and only a Page's token."""
    scheme, _, value = call.request.headers.get("authorization", "").partition(" ")
    if scheme != "OAuth" or not value:
        raise refused("NotAuthorizedError", "The Authorization header must be OAuth and a token.", 401)
    presented = await call.present(value.strip())
    if presented.state != "fresh" or presented.token is None or presented.grant is None:
        raise refused("NotAuthorizedError", token_error(call, presented).message, 190)
    newest = newest_consent(call.world, presented.grant)
    if presented.token.kind != "page" or call.account not in ticked(newest):
        raise refused("NotAuthorizedError", "A Page access token is required.", 200)


async def _sent(call: Call, store: Store, received: int) -> Sent:
    headers = call.request.headers
    if address := headers.get("file_url", ""):
        return await _fetched(call, store, address)
    offset, size = headers.get("offset", ""), headers.get("file_size", "")
    if not offset.isdecimal() or not size.isdecimal() or int(size) == 0:
        raise refused("PartialRequestError", "The headers offset and file_size, or file_url, are required.")
    data = await call.request.body()
    if int(offset) != received or received + len(data) > int(size) or not data:
        raise refused("OffsetInvalidError", f"The upload stands at {received}.", retriable=True)
    return Sent(data, received, int(size))


async def _fetched(call: Call, store: Store, address: str) -> Sent:
    failed = refused("ProcessingFailedError", "The file could not be fetched from file_url.")
    if call.fault("media_unfetchable"):
        raise failed
    try:
        data = (await store.fetcher(address)).data
    except Unfetchable:
        raise failed from None
    return Sent(data, 0, len(data), address)
