"""What comes before an X post with media: pictures in one call each, a GIF or film piece by piece.

Handles: `media0`, `media1`… are X's ids of pictures that it has. Of a GIF or film, `media` is the id, `next`
the piece that comes, `finalized` that all came, `looks` how often its processing was seen, `processed` that
it is done, `tries` how often it was begun anew. What X was given it keeps for a day.
Sources: docs.x.com (media upload: initialize, append, finalize, status; best practices; metadata).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.http import Response
from bot.platforms import oauth, reading
from bot.platforms.base import Call, Handles, Ready, Wait
from bot.platforms.content import Content, ContentProblem, Media, MediaKind
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from bot.platforms.x_errors import classify

UPLOAD = "https://api.x.com/2/media"
HOSTS = frozenset({"api.x.com"})
NEEDS = "media.write"
MB = 1024 * 1024
PICTURES_MAX = 4
PICTURE_TYPES = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})
PICTURE_BYTES_MAX, GIF_BYTES_MAX, VIDEO_BYTES_MAX = 5 * MB, 15 * MB, 512 * MB
GIF_SIDES_MAX = (1280, 1080)
SECONDS_MIN, SECONDS_MAX = 0.5, 140.0
RATIO_MAX = 3.0  # the longer side to the shorter one
ALT_MAX = 1000
PIECE_BYTES = 4 * MB  # the most that X takes is 5 MB
FRESH_FOR = 23 * 3600.0  # seconds; X says 24 hours
PAUSE, PAUSE_MOST = 5.0, 60.0  # seconds between two looks at a film, where X names none, and the longest
LOOKS_MOST = 360
TRIES = 1  # an upload whose pieces are refused is begun anew; a file that is refused again is at fault
STATES_ON = ("pending", "in_progress")
UNREADABLE = Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "media/unreadable")


@dataclass(frozen=True, slots=True)
class Desk:
    """How the calls of one account travel, and the token that they carry."""

    call: Call
    token: str

    async def ask(self, method: str, path: str, **request: Any) -> oauth.Body:
        """One call; the `data` of its answer. PlatformError unless it succeeded."""
        response = await self.call.http.request(
            method,
            UPLOAD + path,
            hosts=HOSTS,
            deadline=self.call.deadline,
            not_after=self.call.not_after,
            headers={"Authorization": f"Bearer {self.token}"},
            **request,
        )
        if not 200 <= response.status < 300:
            raise PlatformError(_judge(response))
        body = oauth.read_object(response) or {}
        if reading.is_page(response) or ("errors" in body and "data" not in body):  # whatever its status says
            raise PlatformError(UNREADABLE)
        return reading.member(body, "data")

    async def made(self, method: str, path: str, **request: Any) -> tuple[str, oauth.Body]:
        """A call that makes something: its id, and all that was said of it."""
        data = await self.ask(method, path, **request)
        media_id = oauth.word(data.get("id"))
        if media_id is None:
            raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_media_id"))
        return media_id, data


def _judge(response: Response) -> Verdict:
    """An invalid request is here about the file, not about the text; a plain 403 about the permission."""
    verdict = classify(response, needs=NEEDS)
    if verdict.kind is Kind.CONTENT and verdict.reason is Reason.TEXT_REFUSED:
        return Verdict(Kind.CONTENT, Reason.MEDIA_FORMAT, verdict.code)
    if verdict.kind is Kind.UNKNOWN and verdict.code == "403":
        return Verdict(Kind.PERMISSION, Reason.PERMISSION_MISSING, verdict.code, permission=NEEDS)
    return verdict


def in_pieces(media: Sequence[Media]) -> Media | None:
    """The GIF or film that is uploaded piece by piece; None where there are only pictures.

    A small GIF beside others is a still picture to X; alone it moves."""
    if len(media) == 1 and (media[0].kind is MediaKind.VIDEO or media[0].mime == "image/gif"):
        return media[0]
    return None


async def next_step(desk: Desk, content: Content, handles: Handles) -> Ready | Wait:
    """Uploads the next picture or piece, or watches the film."""
    whole = in_pieces(content.media)
    if whole is not None:
        return await _piece_step(desk, whole, handles)
    for index, item in enumerate(content.media):
        key = f"media{index}"
        if key not in handles:
            return Wait({**handles, key: await _picture(desk, item)}, 0.0, FRESH_FOR)
        if item.alt and f"alt{index}" not in handles:
            return await _describe(desk, handles, handles[key], item.alt, f"alt{index}")
    return Ready(handles, FRESH_FOR if content.media else None)


async def _picture(desk: Desk, item: Media) -> str:
    data = await reading.read_piece(desk.call, item, 0, item.size)
    form, files = {"media_category": "tweet_image"}, {"media": ("media", data, item.mime)}
    media_id, _ = await desk.made("POST", "/upload", data=form, files=files)
    return media_id


async def _describe(desk: Desk, handles: Handles, media_id: str, alt: str, key: str) -> Wait:
    body = {"id": media_id, "metadata": {"alt_text": {"text": alt[:ALT_MAX]}}}
    await desk.ask("POST", "/metadata", json=body)
    return Wait({**handles, key: "1"}, 0.0, FRESH_FOR)


async def _piece_step(desk: Desk, item: Media, handles: Handles) -> Ready | Wait:
    """What it shows is said last, of a file that X has whole."""
    step = await _whole_step(desk, item, handles)
    if isinstance(step, Ready) and item.alt and "alt" not in handles:
        return await _describe(desk, step.handles, step.handles["media"], item.alt, "alt")
    return step


async def _whole_step(desk: Desk, item: Media, handles: Handles) -> Ready | Wait:
    if "media" not in handles:
        return await _begin(desk, item, handles)
    if "processed" in handles:
        return Ready(handles, FRESH_FOR)
    if "finalized" in handles:
        return await _watch(desk, handles)
    media_id, number = handles["media"], oauth.whole(handles.get("next")) or 0
    start = number * PIECE_BYTES
    if start >= item.size:
        return await _finalize(desk, handles)
    piece = await reading.read_piece(desk.call, item, start, min(PIECE_BYTES, item.size - start))
    form, files = {"segment_index": str(number)}, {"media": ("media", piece, "application/octet-stream")}
    try:
        await desk.ask("POST", f"/upload/{media_id}/append", data=form, files=files)
    except PlatformError as error:
        return _anew(handles, error)
    there = min(start + PIECE_BYTES, item.size) / item.size
    return Wait({**handles, "next": str(number + 1)}, 0.0, FRESH_FOR, done=there)


async def _finalize(desk: Desk, handles: Handles) -> Ready | Wait:
    """A call whose answer was lost may have done it already, and be refused now."""
    try:
        data = await desk.ask("POST", f"/upload/{handles['media']}/finalize")
    except PlatformError as error:
        return _anew(handles, error)
    return _processed({**handles, "finalized": "1"}, data)


def _anew(handles: Handles, error: PlatformError) -> Wait:
    """Begins the upload again, once; what is not about this upload is raised."""
    tries = oauth.whole(handles.get("tries")) or 0
    if tries >= TRIES or error.verdict.kind not in (Kind.CONTENT, Kind.UNKNOWN):
        raise error
    return Wait({"tries": str(tries + 1)}, 0.0)


async def _begin(desk: Desk, item: Media, handles: Handles) -> Wait:
    category = "tweet_video" if item.kind is MediaKind.VIDEO else "tweet_gif"
    body = {"media_type": item.mime, "total_bytes": item.size, "media_category": category}
    media_id, _ = await desk.made("POST", "/upload/initialize", json=body)
    return Wait({**handles, "media": media_id, "next": "0"}, 0.0, FRESH_FOR)


async def _watch(desk: Desk, handles: Handles) -> Ready | Wait:
    params = {"command": "STATUS", "media_id": handles["media"]}
    looks = (oauth.whole(handles.get("looks")) or 0) + 1
    if looks > LOOKS_MOST:
        raise PlatformError(Verdict(Kind.NOT_READY, Reason.PLATFORM_DOWN, "media/processing"))
    return _processed({**handles, "looks": str(looks)}, await desk.ask("GET", "/upload", params=params))


def _processed(handles: Handles, data: oauth.Body) -> Ready | Wait:
    """Where the processing stands; an answer about it that names none has nothing left to process."""
    info = reading.member(data, "processing_info")
    state = reading.lower(info.get("state"))
    if state == "failed":
        raise PlatformError(Verdict(Kind.CONTENT, Reason.MEDIA_FORMAT, "media/failed"))
    if state in STATES_ON or not data:
        asked = oauth.whole(info.get("check_after_secs"))
        return Wait(handles, min(max(float(asked or PAUSE), 1.0), PAUSE_MOST), FRESH_FOR)
    return Ready({**handles, "processed": "1"}, FRESH_FOR)


def ids_of(content: Content, handles: Handles) -> list[str]:
    """X's ids of the post's media, in their order."""
    if in_pieces(content.media) is not None:
        return [handles["media"]]
    return [handles[f"media{index}"] for index in range(len(content.media))]


def attached(content: Content, handles: Handles) -> Mapping[str, object]:
    """The post's `media` member; nothing for text alone."""
    return {"media": {"media_ids": ids_of(content, handles)}} if content.media else {}


def problems(media: Sequence[Media]) -> list[ContentProblem]:
    """What X would refuse of these, in words, each once."""
    films = [item for item in media if item.kind is MediaKind.VIDEO]
    if films and len(media) > 1:
        return [_problem(Reason.MEDIA_FORMAT, "A post on X takes one film alone, without pictures.")]
    if len(media) > PICTURES_MAX:
        words = f"A post on X takes at most {PICTURES_MAX} pictures; here are {len(media)}."
        return [_problem(Reason.MEDIA_FORMAT, words)]
    if films:
        return list(_film_problems(films[0]))
    if in_pieces(media) is not None:
        return list(_gif_problems(media[0]))
    return list(dict.fromkeys(found for item in media for found in _picture_problems(item)))


def _picture_problems(item: Media) -> Iterator[ContentProblem]:
    if item.mime not in PICTURE_TYPES:
        yield _problem(Reason.MEDIA_FORMAT, "X takes pictures as JPEG, PNG, WebP or GIF.")
    if item.size > PICTURE_BYTES_MAX:
        most = PICTURE_BYTES_MAX // MB
        words = f"A picture on X may have at most {most} MB; this one has {_mb(item.size)}."
        yield _problem(Reason.MEDIA_SIZE, words)


def _gif_problems(item: Media) -> Iterator[ContentProblem]:
    if item.size > GIF_BYTES_MAX:
        words = f"A GIF on X may have at most {GIF_BYTES_MAX // MB} MB; this one has {_mb(item.size)}."
        yield _problem(Reason.MEDIA_SIZE, words)
    if (item.width or 0) > GIF_SIDES_MAX[0] or (item.height or 0) > GIF_SIDES_MAX[1]:
        words = f"A GIF on X may be at most {GIF_SIDES_MAX[0]} pixels wide and {GIF_SIDES_MAX[1]} high."
        yield _problem(Reason.MEDIA_SIZE, words)


def _film_problems(film: Media) -> Iterator[ContentProblem]:
    if film.mime != "video/mp4":
        yield _problem(Reason.MEDIA_FORMAT, "X takes films as MP4 only.")
    if film.size > VIDEO_BYTES_MAX:
        words = f"A film on X may have at most {VIDEO_BYTES_MAX // MB} MB; this one has {_mb(film.size)}."
        yield _problem(Reason.MEDIA_SIZE, words)
    if film.duration is not None and not SECONDS_MIN <= film.duration <= SECONDS_MAX:
        span = f"from {SECONDS_MIN:g} to {SECONDS_MAX:g} seconds"
        words = f"A film on X lasts {span}; this one {film.duration:.1f}."
        yield _problem(Reason.MEDIA_DURATION, words)
    if film.width and film.height:
        longer, shorter = max(film.width, film.height), min(film.width, film.height)
        if longer > RATIO_MAX * shorter:
            words = "This film is too narrow or too wide for X, which takes from 1:3 to 3:1."
            yield _problem(Reason.MEDIA_RATIO, words)


def _problem(reason: Reason, words: str) -> ContentProblem:
    return ContentProblem("media", reason, words)


def _mb(size: int) -> str:
    return f"{size / MB:.1f} MB"
