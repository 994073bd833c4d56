"""What comes before a TikTok post: what its creator allows, and the upload of a film.

Films are uploaded by us in chunks, because pulls depend on a domain that TikTok verified; pictures can only
be pulled. Handles: `publish_id` and `upload_url` of the upload, `chunks` that TikTok has, `until` when the
address ends (real time, in seconds), `privacy` and `tries`.
Sources: developers.tiktok.com (creator info, direct post, media transfer guide, video status).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.clock import utc_now
from bot.http import Response
from bot.platforms import oauth, reading, tiktok_errors
from bot.platforms import tiktok_limits as limits
from bot.platforms.base import Call, Handles, Ready, Target, Wait
from bot.platforms.content import Content, Media
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict

API = "https://open.tiktokapis.com/v2"
HOSTS = frozenset({"open.tiktokapis.com"})
UPLOAD_DOMAINS = (".tiktokapis.com", ".tiktok.com")  # no page names the hosts; they get no bearer
PUBLISH = "video.publish"

CHUNK = 5 * 1024 * 1024  # bytes; the least that TikTok takes, so that every step is short
URL_LIVES = 55 * 60.0  # seconds; TikTok says an hour
TRIES = 3
PAUSE = 60.0  # seconds before an upload is begun anew

PUBLISH_ID = "publish_id"
PRIVATE = "SELF_ONLY"
WIDEST = ("PUBLIC_TO_EVERYONE", "FOLLOWER_OF_CREATOR", "MUTUAL_FOLLOW_FRIENDS", PRIVATE)
FINISHED = frozenset({"PROCESSING_DOWNLOAD", "SEND_TO_USER_INBOX", "PUBLISH_COMPLETE"})
FINISHED_ALREADY = Verdict(Kind.DUPLICATE, Reason.DUPLICATE, "upload/finished")


@dataclass(frozen=True, slots=True)
class Creator:
    """What TikTok lets this account's posts be: must be asked before each post."""

    privacy: str
    comment_off: bool
    duet_off: bool
    stitch_off: bool
    seconds_max: float | None

    def post_info(self) -> dict[str, object]:
        return {"privacy_level": self.privacy, "disable_comment": self.comment_off}


@dataclass(frozen=True, slots=True)
class Progress:
    """What TikTok says of a publish id. `post_id` is there only once a public post passed moderation."""

    status: str
    fail_reason: object = None
    uploaded: int | None = None  # bytes
    post_id: str | None = None


async def api(call: Call, path: str, token: str, body: Mapping[str, object]) -> oauth.Body:
    """One posting call; the reply's `data`."""
    response = await call.http.request(
        "POST",
        API + path,
        hosts=HOSTS,
        deadline=call.deadline,
        not_after=call.not_after,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json; charset=UTF-8"},
        json=body,
    )
    return tiktok_errors.data_of(response, needs=PUBLISH)


async def creator(call: Call, token: str) -> Creator:
    """The account's options. The widest audience is chosen; an unaudited app may only post privately."""
    data = await api(call, "/post/publish/creator_info/query/", token, {})
    offered = data.get("privacy_level_options")
    options = [item for item in offered if isinstance(item, str)] if isinstance(offered, list) else []
    choices = WIDEST if call.app.reviewed else (PRIVATE, *WIDEST)
    privacy = next((choice for choice in choices if choice in options), None)
    if privacy is None:
        raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_privacy_level"))
    return Creator(
        privacy,
        data.get("comment_disabled") is True,
        data.get("duet_disabled") is True,
        data.get("stitch_disabled") is True,
        oauth.seconds(data.get("max_video_post_duration_sec")),
    )


async def upload_step(call: Call, target: Target, content: Content, handles: Handles) -> Ready | Wait:
    """Begins the upload, or sends one more chunk, up to the last but one."""
    film = content.media[0]
    if PUBLISH_ID not in handles:
        return await _begin(call, target, content, film, handles)
    done = oauth.whole(handles.get("chunks")) or 0
    if done >= chunk_count(film.size) - 1:
        return await _before_the_last(call, target, film, handles, done)
    if _life(handles) <= 0:
        return _anew(handles, 0.0)
    response = await put_chunk(call, film, handles["upload_url"], done)
    if response.status in (200, 201, 206):
        there = (done + 1) / chunk_count(film.size)
        return Wait({**handles, "chunks": str(done + 1)}, 0.0, _life(handles), done=there)
    if response.status in (403, 404, 410, 416):  # the address has ended, or TikTok holds other bytes
        return _anew(handles, 0.0)
    raise PlatformError(tiktok_errors.classify(response))


async def _begin(call: Call, target: Target, content: Content, film: Media, handles: Handles) -> Wait:
    allowed = await creator(call, target.token)
    if allowed.seconds_max and film.duration and film.duration > allowed.seconds_max:
        raise PlatformError(Verdict(Kind.CONTENT, Reason.MEDIA_DURATION, "creator_max"))
    single = chunk_count(film.size) == 1
    body = {
        "post_info": allowed.post_info()
        | {
            "title": limits.caption(content),
            "disable_duet": allowed.duet_off,
            "disable_stitch": allowed.stitch_off,
        },
        "source_info": {
            "source": "FILE_UPLOAD",
            "video_size": film.size,
            "chunk_size": film.size if single else CHUNK,
            "total_chunk_count": chunk_count(film.size),
        },
    }
    data = await api(call, "/post/publish/video/init/", target.token, body)
    publish_id, url = oauth.word(data.get("publish_id")), oauth.word(data.get("upload_url"))
    if publish_id is None or url is None:
        raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_upload_url"))
    made = {PUBLISH_ID: publish_id, "upload_url": url, "chunks": "0", "privacy": allowed.privacy}
    until = str(int(utc_now().timestamp() + URL_LIVES))
    return Wait({**handles, **made, "until": until}, 0.0, URL_LIVES)


async def _before_the_last(
    call: Call, target: Target, film: Media, handles: Handles, done: int
) -> Ready | Wait:
    """What TikTok holds is compared before the chunk that publishes: it may be finished, or have failed."""
    seen = await status_of(call, target.token, handles[PUBLISH_ID])
    if seen.status == "FAILED":
        verdict = tiktok_errors.failure(seen.fail_reason)
        if verdict.kind is not Kind.TRY_LATER:
            raise PlatformError(verdict)
        return _anew(handles, verdict.retry_after or PAUSE, verdict)
    if seen.status in FINISHED or seen.uploaded == film.size:
        raise PlatformError(FINISHED_ALREADY)  # by an attempt whose answer was lost
    if seen.status != "PROCESSING_UPLOAD":
        raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_status"))
    left = _life(handles)
    if left <= 0 or (seen.uploaded and seen.uploaded != done * CHUNK):  # 0 may only lag behind
        return _anew(handles, 0.0)
    return Ready(handles, left)


def _anew(handles: Handles, pause: float, verdict: Verdict | None = None) -> Wait:
    """From the beginning, a few times."""
    tries = oauth.whole(handles.get("tries")) or 0
    if tries >= TRIES:
        raise PlatformError(verdict or Verdict(Kind.CONTENT, Reason.PLATFORM_DOWN, "upload/gave_up"))
    return Wait({"tries": str(tries + 1)}, pause)


def _life(handles: Handles) -> float:
    """Seconds that the upload address has left."""
    return (oauth.whole(handles.get("until")) or 0) - utc_now().timestamp()


async def put_chunk(call: Call, film: Media, url: str, index: int) -> Response:
    """Sends one chunk; the last one carries what is left. The address is the credential, so no bearer."""
    start = index * CHUNK
    last = index == chunk_count(film.size) - 1
    piece = await reading.read_piece(call, film, start, film.size - start if last else CHUNK)
    response = await call.http.request(
        "PUT",
        url,
        hosts=_upload_hosts(url),
        deadline=call.deadline,
        not_after=call.not_after,
        headers={
            "Content-Type": film.mime,
            "Content-Length": str(len(piece)),
            "Content-Range": f"bytes {start}-{start + len(piece) - 1}/{film.size}",
        },
        content=reading.in_pieces(piece),
    )
    if reading.is_page(response):  # whatever its status says: TikTok may hold the chunk or not
        raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, f"upload/page/{response.status}"))
    return response


def _upload_hosts(url: str) -> frozenset[str]:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    return frozenset({host}) if host.endswith(UPLOAD_DOMAINS) else frozenset()


def chunk_count(size: int) -> int:
    """How many chunks a film has: what would be only one and a bit goes whole."""
    return max(size // CHUNK, 1)


async def status_of(call: Call, token: str, publish_id: str) -> Progress:
    """What has become of a publish id."""
    try:
        data = await api(call, "/post/publish/status/fetch/", token, {"publish_id": publish_id})
    except PlatformError as error:
        raise PlatformError(tiktok_errors.not_a_post(error.verdict)) from None
    listed = data.get("publicaly_available_post_id")  # spelt so by TikTok; numbers of 64 bits
    ids = [oauth.word(item) for item in listed] if isinstance(listed, list) else []
    return Progress(
        oauth.word(data.get("status")) or "",
        data.get("fail_reason"),
        oauth.whole(data.get("uploaded_bytes")),
        next((post_id for post_id in ids if post_id), None),
    )
