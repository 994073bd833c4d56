"""What a pin may hold, how it is written, and the upload of its film.

A film goes out as one form, as its store takes it: it cannot be split, so its size is bounded here.
Handles: `media_id` of the film, `address` and `form` of its upload, then `uploaded`; `looks` at its
processing; `tries` of uploads that were begun anew.
Sources: developers.pinterest.com (API v5: create a pin, register a media upload).
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from urllib.parse import urlsplit

from bot.http import Response
from bot.platforms import oauth, pinterest_errors, reading
from bot.platforms.base import Call, Handles, Ready, Target, Wait
from bot.platforms.content import Content, ContentProblem, Media, MediaKind
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict

API = "https://api.pinterest.com/v5"
HOSTS = frozenset({"api.pinterest.com"})
UPLOAD_HOSTS = frozenset({"pinterest-media-upload.s3-accelerate.amazonaws.com"})  # no bearer goes there
WRITE = "pins:write"

TITLE_MAX, TEXT_MAX, LINK_MAX, ALT_MAX = 100, 800, 2048, 500
PICTURES_MAX = 5
PICTURE_TYPES = frozenset({"image/jpeg", "image/png"})
PICTURE_BYTES_MAX = 20 * 1000 * 1000
VIDEO_TYPES = frozenset({"video/mp4", "video/quicktime"})
VIDEO_BYTES_MAX = 300 * 1000 * 1000  # Pinterest takes 2 GB; this is what goes out within one call
VIDEO_SECONDS = (4.0, 900.0)
COVER_SECOND = 1  # of the film, taken as its cover

UPLOAD_DEADLINE = 60.0  # seconds, within a lease
PAUSE = 15.0  # seconds between two looks at a film in processing
LOOKS_MOST = 120
TRIES = 3


async def api(
    call: Call,
    method: str,
    path: str,
    token: str,
    needs: str,
    *,
    params: Mapping[str, str] | None = None,
    body: Mapping[str, object] | None = None,
) -> oauth.Body:
    """One call; the reply's object, or PlatformError."""
    response = await call.http.request(
        method,
        API + path,
        hosts=HOSTS,
        deadline=call.deadline,
        not_after=call.not_after,
        headers={"Authorization": f"Bearer {token}"},
        params=params,
        json=body,
    )
    parsed = oauth.read_object(response)
    if parsed is None or not 200 <= response.status < 300:
        raise PlatformError(pinterest_errors.classify(response, needs=needs))
    return parsed


async def film_step(call: Call, target: Target, film: Media, handles: Handles) -> Ready | Wait:
    """Registers the film, sends it, watches its processing."""
    if "media_id" not in handles:
        return await _register(call, target, handles)
    if "uploaded" not in handles:
        return await _upload(call, film, handles)
    body = await api(call, "GET", f"/media/{handles['media_id']}", target.token, "pins:read")
    status = body.get("status")
    if status == "succeeded":
        return Ready(handles)
    if status == "failed":
        raise PlatformError(Verdict(Kind.CONTENT, Reason.MEDIA_FORMAT, "media/failed"))
    looks = (oauth.whole(handles.get("looks")) or 0) + 1
    if looks > LOOKS_MOST:
        raise PlatformError(Verdict(Kind.NOT_READY, Reason.PLATFORM_DOWN, "media/processing"))
    return Wait({**handles, "looks": str(looks)}, PAUSE)


async def _register(call: Call, target: Target, handles: Handles) -> Wait:
    body = await api(call, "POST", "/media", target.token, WRITE, body={"media_type": "video"})
    media_id, address = oauth.word(body.get("media_id")), oauth.word(body.get("upload_url"))
    fields = {name: oauth.word(value) for name, value in reading.member(body, "upload_parameters").items()}
    if media_id is None or address is None or not re.fullmatch(r"\w{1,64}", media_id, re.ASCII):
        raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_upload_url"))
    form = json.dumps({name: value for name, value in fields.items() if value is not None})
    return Wait({**handles, "media_id": media_id, "address": address, "form": form}, 0.0)


async def _upload(call: Call, film: Media, handles: Handles) -> Wait:
    form: dict[str, str] = json.loads(handles["form"])
    response = await _post_form(call, handles["address"], form, film)
    tries = oauth.whole(handles.get("tries")) or 0
    if 200 <= response.status < 300 and not reading.is_page(response):
        return Wait({"media_id": handles["media_id"], "uploaded": "1"}, PAUSE)
    if 400 <= response.status < 500 and tries < TRIES:  # the store's permission does not last
        return Wait({"tries": str(tries + 1)}, 0.0)
    raise PlatformError(Verdict(Kind.UNCLEAR, Reason.PLATFORM_DOWN, f"upload/{response.status}"))


async def _post_form(call: Call, address: str, form: Mapping[str, str], film: Media) -> Response:
    """Streamed, with its length said beforehand, as the store demands; the file comes last."""
    boundary = secrets.token_hex(16)
    head = _fields(boundary, form, film).encode()
    tail = f"\r\n--{boundary}--\r\n".encode()

    async def body() -> AsyncIterator[bytes]:
        yield head
        async for piece in reading.stream(call, film):
            yield piece
        yield tail

    await reading.read_piece(call, film, film.size - 1, 1)  # a file that is gone is found before the stream
    return await call.http.request(
        "POST",
        address,
        hosts=UPLOAD_HOSTS,
        deadline=max(call.deadline, UPLOAD_DEADLINE),
        not_after=call.not_after,
        headers={
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(head) + film.size + len(tail)),
        },
        content=body(),
    )


def _fields(boundary: str, form: Mapping[str, str], film: Media) -> str:
    named = f"--{boundary}\r\nContent-Disposition: form-data; name="
    parts = [f'{named}"{name}"\r\n\r\n{value}\r\n' for name, value in form.items()]
    name = "film.mov" if film.mime == "video/quicktime" else "film.mp4"
    last = f'{named}"file"; filename="{name}"\r\n'
    return "".join([*parts, last, f"Content-Type: {film.mime}\r\n\r\n"])


def pin(board: str, content: Content, handles: Handles) -> dict[str, object]:
    """The pin as Pinterest takes it."""
    alt = content.media[0].alt
    optional = {"title": content.title, "description": content.text, "link": content.link, "alt_text": alt}
    given = {name: value for name, value in optional.items() if value}
    return {"board_id": board, "media_source": _source(content, handles), **given}


def _source(content: Content, handles: Handles) -> dict[str, object]:
    if content.media[0].kind is MediaKind.VIDEO:
        return {
            "source_type": "video_id",
            "media_id": handles["media_id"],
            "cover_image_key_frame_time": COVER_SECOND,
        }
    if len(content.media) == 1:
        return {"source_type": "image_url", "url": content.media[0].url}
    return {"source_type": "multiple_image_urls", "items": [{"url": item.url} for item in content.media]}


def problems(content: Content) -> Iterator[ContentProblem]:
    """What Pinterest would refuse, in words for the author."""
    alts = max((len(item.alt or "") for item in content.media), default=0)
    lengths = (
        ("title", len(content.title or ""), TITLE_MAX, "The title"),
        ("text", len(content.text), TEXT_MAX, "The description"),
        ("link", len(content.link or ""), LINK_MAX, "The link"),
        ("media", alts, ALT_MAX, "The picture's description"),
    )
    for field, length, most, what in lengths:
        if length > most:
            words = f"{what} has {length} characters; Pinterest takes at most {most}."
            yield ContentProblem(field, Reason.TEXT_TOO_LONG, words)
    if content.link and not _is_web_address(content.link):
        yield ContentProblem("link", Reason.LINK_REFUSED, "The link has to begin with http:// or https://.")
    films = [item for item in content.media if item.kind is MediaKind.VIDEO]
    if not content.media:
        yield ContentProblem("media", Reason.MEDIA_MISSING, "Pinterest needs a picture or a film.")
    elif films and len(content.media) > 1:
        yield ContentProblem("media", Reason.MEDIA_FORMAT, "Pinterest takes one film, or pictures, not both.")
    elif len(content.media) > PICTURES_MAX:
        words = f"Pinterest takes at most {PICTURES_MAX} pictures in one pin."
        yield ContentProblem("media", Reason.MEDIA_FORMAT, words)
    for item in content.media:
        yield from _film(item) if item.kind is MediaKind.VIDEO else _picture(item)
    yield from _one_size(content)


def _is_web_address(link: str) -> bool:
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _one_size(content: Content) -> Iterator[ContentProblem]:
    sizes = {(item.width, item.height) for item in content.media if item.width and item.height}
    if len(content.media) > 1 and len(sizes) > 1:
        words = "The pictures of one pin all have to have the same size."
        yield ContentProblem("media", Reason.MEDIA_RATIO, words)


def _picture(item: Media) -> Iterator[ContentProblem]:
    if item.mime not in PICTURE_TYPES:
        yield ContentProblem("media", Reason.MEDIA_FORMAT, "Pinterest takes pictures as JPEG or PNG only.")
    if item.size > PICTURE_BYTES_MAX:
        yield ContentProblem("media", Reason.MEDIA_SIZE, "Pinterest takes pictures of up to 20 MB.")


def _film(item: Media) -> Iterator[ContentProblem]:
    if item.mime not in VIDEO_TYPES:
        yield ContentProblem("media", Reason.MEDIA_FORMAT, "Pinterest takes films as MP4 or MOV only.")
    if not 0 < item.size <= VIDEO_BYTES_MAX:
        words = "Films for Pinterest can have up to 300 MB."
        yield ContentProblem("media", Reason.MEDIA_SIZE, words)
    shortest, longest = VIDEO_SECONDS
    if item.duration is not None and not shortest <= item.duration <= longest:
        words = "A film on Pinterest lasts between 4 seconds and 15 minutes."
        yield ContentProblem("media", Reason.MEDIA_DURATION, words)
