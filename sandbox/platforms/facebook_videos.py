"""Videos, Reels and stories of Pages: by address, in chunks, through the upload host (meta facts §2.5).

A post is entered when Facebook accepts it, that is the point of no return; `processing` only hides it.

Modes: `facebook.reel_post_id` = `given` names the post when a Reel is finished;
`facebook.video_permalink` is `path` or `full`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.platforms.containers import SLOW_POLLS, VIDEO_POLLS
from sandbox.platforms.core import Call, Refused
from sandbox.platforms.facebook_access import authorized, posting_page
from sandbox.platforms.facebook_fields import shown
from sandbox.platforms.facebook_manners import REELS_CAP
from sandbox.platforms.facebook_store import HEAD, Store, Video, add_post, object_id
from sandbox.platforms.fetch import Unfetchable
from sandbox.platforms.images import kind_of
from sandbox.platforms.meta import bad_parameter, parameters
from sandbox.platforms.model import Account

CHUNK = 1024 * 1024  # bytes that the platform asks for at once
MOST_BYTES = 1024 * 1024 * 1024
REELS_A_DAY = 30
DAY = timedelta(days=1)


async def video_group(request: Request) -> str:
    """Only the finish of an upload, or a video by its address, can make a post appear."""
    try:
        given = await parameters(request)
    except Refused:
        return "publish"
    return "prepare" if given.get("upload_phase") in ("start", "transfer") else "publish"


async def create_video(call: Call, store: Store) -> Response:
    """`POST /{page}/videos`: by `file_url`, as one file, or a phase of an upload in chunks."""
    given = await parameters(call.request)
    page = posting_page(call, await authorized(call, given))
    phase = given.get("upload_phase", "")
    if phase == "start":
        return _start_chunks(call, store, page, given)
    if phase == "transfer":
        return await _take_chunk(call, store, page, given)
    if phase == "finish":
        return _finish_chunks(call, store, page, given)
    if phase:
        raise bad_parameter("Param upload_phase must be one of {START, TRANSFER, FINISH}")
    video = await _whole(call, store, page, given)
    video = accept(call, store, page, video, given)
    fields = {"id": video.id, "permalink_url": _permalink(call, video)}
    return JSONResponse(shown(fields, given.get("fields", ""), ("id",)))


async def _whole(call: Call, store: Store, page: Account, given: Mapping[str, str]) -> Video:
    """A video that comes at once, by address or as a file; what is wrong with it shows in processing."""
    video = Video(id=object_id(call), page=page.id, kind="video")
    source = (await call.request.form()).get("source")
    if isinstance(source, UploadFile):
        video = replace(video, head=await source.read(HEAD), address=f"upload:{source.filename or 'video'}")
    elif given.get("file_url"):
        video = await fetch(call, store, replace(video, address=given["file_url"]))
    else:
        raise bad_parameter("The parameter file_url is required")
    return video


async def fetch(call: Call, store: Store, video: Video) -> Video:
    """The video with the bytes at its address; an address that gives none is told in processing."""
    if call.fault("media_unfetchable"):
        return replace(video, error="The video file could not be downloaded.")
    try:
        file = await store.fetcher(video.address)
    except Unfetchable:
        return replace(video, error="The video file could not be downloaded.")
    return replace(video, head=file.data[:HEAD], size=len(file.data), received=len(file.data))


def _start_chunks(call: Call, store: Store, page: Account, given: Mapping[str, str]) -> Response:
    size = given.get("file_size", "")
    if not size.isdecimal() or not 0 < int(size) <= MOST_BYTES:
        raise bad_parameter("The parameter file_size is required")
    video = Video(id=object_id(call), page=page.id, kind="video", session=object_id(call), size=int(size))
    store.keep(replace(video, address=f"upload:{video.id}"))
    call.world.ledger.write("container_created", "facebook", page.id, id=video.id, kind="video")
    return JSONResponse(
        {"upload_session_id": video.session, "video_id": video.id, **_offsets(video.received, video.size)}
    )


def _offsets(received: int, size: int) -> dict[str, str]:
    return {"start_offset": str(received), "end_offset": str(min(received + CHUNK, size))}


def _session(store: Store, page: Account, given: Mapping[str, str]) -> Video:
    session = given.get("upload_session_id", "")
    for video in store.videos.values():
        if session and video.session == session and video.page == page.id and video.state == "waiting":
            return video
    raise bad_parameter("Param upload_session_id must be a valid upload session")


async def _take_chunk(call: Call, store: Store, page: Account, given: Mapping[str, str]) -> Response:
    video = _session(store, page, given)
    chunk = (await call.request.form()).get("video_file_chunk")
    if given.get("start_offset") != str(video.received) or not isinstance(chunk, UploadFile):
        raise bad_parameter("Param start_offset and video_file_chunk must go on where the upload stands")
    data = await chunk.read()
    if not data or len(data) > min(CHUNK, video.size - video.received):
        raise bad_parameter("Param video_file_chunk must fit the offsets that were given")
    video = store.keep(taken(call, video, data))
    return JSONResponse(_offsets(video.received, video.size))


def taken(call: Call, video: Video, data: bytes) -> Video:
    """The video with these bytes added, or with only half of them when the line breaks."""
    if call.fault("chunk_cut"):
        data = data[: len(data) // 2]
    return replace(video, received=video.received + len(data), head=(video.head + data)[:HEAD])


def _finish_chunks(call: Call, store: Store, page: Account, given: Mapping[str, str]) -> Response:
    video = _session(store, page, given)
    if video.received != video.size:
        raise bad_parameter("The upload is not complete")
    accept(call, store, page, video, given)
    return JSONResponse({"success": True})


def accept(
    call: Call, store: Store, page: Account, video: Video, given: Mapping[str, str], published: bool = True
) -> Video:
    """Let Facebook have the video: unless processing will fail, its post is now on its way."""
    error = video.error or ("" if kind_of(video.head) == "video/mp4" else "The video file is not supported.")
    if fault := call.fault("container_error"):
        error = fault.text or f"Video processing failed with error {int(fault.value or 1363128)}."
    slow = call.fault("container_slow")
    polls = VIDEO_POLLS + (int(slow.value or SLOW_POLLS) if slow else 0)
    post = ""
    if not error:
        text = given.get("description", "") or given.get("title", "")
        published = published and given.get("published", "true") not in ("false", "0")
        post = add_post(call, page, text, kind=video.kind, media=(video.address,), published=published).id
    return store.keep(replace(video, state="accepted", error=error, post=post, polls=polls))


def start_upload(call: Call, store: Store, page: Account, kind: str) -> Response:
    """Begin a Reel or a video story: its bytes go to the upload host."""
    video = store.keep(Video(id=object_id(call), page=page.id, kind=kind))
    call.world.ledger.write("container_created", "facebook", page.id, id=video.id, kind=kind)
    version = call.request.path_params["version"]
    address = f"https://rupload.facebook.com/video-upload/{version}/{video.id}"
    return JSONResponse({"video_id": video.id, "upload_url": address})


async def create_reel(call: Call, store: Store) -> Response:
    """`POST /{page}/video_reels`: start and finish."""
    given = await parameters(call.request)
    page = posting_page(call, await authorized(call, given))
    if given.get("upload_phase") == "start":
        return start_upload(call, store, page, "reel")
    video = _uploaded(store, page, given, "reel")
    state = given.get("video_state", "")
    if state not in ("PUBLISHED", "DRAFT", "SCHEDULED"):
        raise bad_parameter("Param video_state must be one of {DRAFT, PUBLISHED, SCHEDULED}")
    if _reels_today(call, page) >= REELS_A_DAY:
        raise REELS_CAP.refused()
    video = accept(call, store, page, video, given, published=state == "PUBLISHED")
    named = call.world.modes.get("facebook.reel_post_id") == "given" and video.post
    return JSONResponse({"success": True, **({"post_id": video.post} if named else {})})


def _uploaded(store: Store, page: Account, given: Mapping[str, str], kind: str) -> Video:
    if given.get("upload_phase") != "finish":
        raise bad_parameter("Param upload_phase must be one of {START, FINISH}")
    video = store.own_video(given.get("video_id", ""), page.id)
    if video is None or video.kind != kind or video.state != "uploaded":
        raise bad_parameter("Param video_id must be a video whose upload is complete")
    return video


def _reels_today(call: Call, page: Account) -> int:
    now = call.world.now()
    posts = call.world.all_posts_of("facebook", page.id)
    return sum(post.extra["kind"] == "reel" and now - post.at < DAY for post in posts)


async def create_video_story(call: Call, store: Store) -> Response:
    """`POST /{page}/video_stories`: start and finish."""
    given = await parameters(call.request)
    page = posting_page(call, await authorized(call, given))
    if given.get("upload_phase") == "start":
        return start_upload(call, store, page, "story")
    video = accept(call, store, page, _uploaded(store, page, given, "story"), {})
    if not video.post:
        raise bad_parameter(video.error)
    return JSONResponse({"success": True, "post_id": video.post})


async def create_photo_story(call: Call, store: Store) -> Response:
    """`POST /{page}/photo_stories` with a photo that is in no post yet."""
    given = await parameters(call.request)
    page = posting_page(call, await authorized(call, given))
    photo = store.photos.get(given.get("photo_id", ""))
    if photo is None or photo.page != page.id or photo.post:
        raise bad_parameter("Param photo_id must be an unpublished photo of this Page")
    post = add_post(call, page, "", kind="story", media=(photo.address,))
    store.photos[photo.id] = replace(photo, post=post.id)
    return JSONResponse({"success": True, "post_id": post.id})


def _permalink(call: Call, video: Video) -> str:
    path = f"/reel/{video.id}/"
    full = call.world.modes.get("facebook.video_permalink") == "full"
    return f"https://www.facebook.com{path}" if full else path


def video_fields(call: Call, store: Store, video: Video) -> dict[str, Any]:
    """Every field of a video; asking brings its processing one step further."""
    over = video.state == "accepted" and video.polls == 0
    if video.state == "accepted" and video.polls > 0:
        store.keep(replace(video, polls=video.polls - 1))
    return {
        "id": video.id,
        "status": _status(video, over),
        "post_id": video.post if over and video.post else None,
        "permalink_url": _permalink(call, video),
        "published": over and not video.error,
    }


def _status(video: Video, over: bool) -> dict[str, Any]:
    word = {"waiting": "processing", "uploaded": "upload_complete"}.get(video.state, "processing")
    if over:
        word = "error" if video.error else "ready"
    done = {"status": "complete"}
    uploading = done if video.state != "waiting" else {"status": "in_progress"}
    processing: dict[str, Any] = done if over else {"status": "not_started"}
    if video.state == "accepted" and not over:
        processing = {"status": "in_progress"}
    if over and video.error:
        processing = {"status": "error", "error": {"message": video.error}}
    return {
        "video_status": word,
        "uploading_phase": {**uploading, "bytes_transferred": video.received},
        "processing_phase": processing,
        "publishing_phase": done if over and not video.error else {"status": "not_started"},
    }
