"""YouTube's resumable upload, one short step at a time, and what a video may hold.

The session's address is the handle: it makes one video at most and answers for itself how much it holds, so
it is asked before each step instead of trusting what we remember.
Handles: `session`, and `offset`, the bytes that YouTube held when the last step ended; `tries` counts
sessions that ended before their film was whole.
Sources: developers.google.com (resumable upload protocol, videos: insert).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urljoin

from bot.http import Response
from bot.platforms import oauth, reading, text, youtube_errors
from bot.platforms.base import Call, Handles, Ready, Target, Wait
from bot.platforms.content import Content, ContentProblem, Media, MediaKind
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict

HOSTS = frozenset({"www.googleapis.com", "oauth2.googleapis.com"})
UPLOADS = "https://www.googleapis.com/upload/youtube/v3/videos"
UPLOAD = "https://www.googleapis.com/auth/youtube.upload"
SESSION = "session"

TITLE_MAX = 100
DESCRIPTION_BYTES_MAX = 5000
VIDEO_BYTES_MAX = 256 * 1000**3
CATEGORY = "22"  # people and blogs
CHUNK = 16 * 262_144  # bytes; a multiple of what the protocol asks for
FRESH_FOR = 6 * 86_400.0  # seconds; a session lives about a week
PROBE_DEADLINE = 10.0  # seconds
TRIES = 3
FINISHED_ALREADY = Verdict(Kind.DUPLICATE, Reason.DUPLICATE, "session/finished")
SESSIONS_END = Verdict(Kind.CONTENT, Reason.PLATFORM_DOWN, "session/gave_up")
COMPLETE_BUT_OPEN = Verdict(Kind.NOT_READY, Reason.UNKNOWN, "session/complete")


@dataclass(frozen=True, slots=True)
class Session:
    """What a session says of itself. `video` is there once it is finished; `held` counts bytes."""

    held: int = 0
    video: oauth.Body | None = None
    gone: bool = False


async def step(call: Call, target: Target, content: Content, handles: Handles) -> Ready | Wait:
    """Opens the session, or sends one more chunk while more than one is left."""
    film = content.media[0]
    if SESSION not in handles:
        return await _open(call, target, content, film, handles)
    seen = await probe(call, target, film, handles[SESSION])
    if seen.gone:
        return _anew(handles)
    if seen.video is not None:  # by an attempt whose answer was lost
        raise PlatformError(FINISHED_ALREADY)
    if seen.held >= film.size:
        raise PlatformError(COMPLETE_BUT_OPEN)
    if film.size - seen.held <= CHUNK:
        return Ready({**handles, "offset": str(seen.held)}, FRESH_FOR)
    response = await put(call, target, film, handles[SESSION], seen.held, CHUNK)
    if response.status == 308:
        held = _held(response)
        return Wait({**handles, "offset": str(held)}, 0.0, FRESH_FOR, done=held / film.size)
    if response.status in (404, 410):
        return _anew(handles)
    raise PlatformError(youtube_errors.classify(response, needs=UPLOAD))


def _anew(handles: Handles) -> Wait:
    """With another session, a few times: each counts against the day's uploads of our app."""
    tries = oauth.whole(handles.get("tries")) or 0
    if tries >= TRIES:
        raise PlatformError(SESSIONS_END)
    return Wait({"tries": str(tries + 1)}, 0.0)


async def _open(call: Call, target: Target, content: Content, film: Media, handles: Handles) -> Wait:
    body = {
        "snippet": {"title": title_of(content), "description": description(content), "categoryId": CATEGORY},
        "status": {"privacyStatus": "public", "selfDeclaredMadeForKids": False},
    }
    response = await call.http.request(
        "POST",
        UPLOADS,
        hosts=HOSTS,
        deadline=call.deadline,
        not_after=call.not_after,
        headers={
            "Authorization": f"Bearer {target.token}",
            "Content-Type": "application/json; charset=UTF-8",
            "X-Upload-Content-Type": film.mime,
            "X-Upload-Content-Length": str(film.size),
        },
        params={"uploadType": "resumable", "part": "snippet,status"},
        json=body,
    )
    if not 200 <= response.status < 300:
        raise PlatformError(youtube_errors.classify(response, needs=UPLOAD))
    session = _session(response)
    if session is None:
        raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_session"))
    return Wait({**handles, SESSION: session, "offset": "0"}, 0.0, FRESH_FOR)


def _session(response: Response) -> str | None:
    """The session's address, which may be relative; the client goes only where a token may be shown."""
    named = response.headers.get("location", "")
    try:
        return urljoin(UPLOADS, named) if named else None
    except ValueError:
        return None


async def probe(call: Call, target: Target, film: Media, session: str) -> Session:
    """An empty PUT: how much the session holds, or that it is finished or gone."""
    brief = replace(call, deadline=min(call.deadline, PROBE_DEADLINE))
    response = await _put(brief, target, session, b"", f"bytes */{film.size}", film.mime)
    if response.status == 308:
        return Session(_held(response))
    if response.status in (404, 410):
        return Session(gone=True)
    return Session(film.size, finished(response))


async def put(call: Call, target: Target, film: Media, session: str, start: int, length: int) -> Response:
    """Sends `length` bytes of the film from `start`."""
    piece = await reading.read_piece(call, film, start, length)
    content_range = f"bytes {start}-{start + length - 1}/{film.size}"
    return await _put(call, target, session, piece, content_range, film.mime)


async def _put(
    call: Call, target: Target, session: str, piece: bytes, content_range: str, mime: str
) -> Response:
    return await call.http.request(
        "PUT",
        session,
        hosts=HOSTS,
        deadline=call.deadline,
        not_after=call.not_after,
        headers={
            "Authorization": f"Bearer {target.token}",
            "Content-Type": mime,
            "Content-Length": str(len(piece)),
            "Content-Range": content_range,
        },
        content=reading.in_pieces(piece) if piece else b"",
    )


def finished(response: Response) -> oauth.Body:
    """The video that a finished session names; PlatformError for any other reply."""
    body = oauth.read_object(response)
    if response.status in (200, 201) and body is not None and oauth.word(body.get("id")):
        return body
    raise PlatformError(youtube_errors.classify(response, needs=UPLOAD))


def _held(response: Response) -> int:
    """How many bytes are stored, from `Range: bytes=0-b`; without the header none are."""
    seen = re.fullmatch(r"(?:bytes[= ])?0-(\d{1,15})", response.headers.get("range", "").strip(), re.ASCII)
    return int(seen.group(1)) + 1 if seen else 0


def title_of(content: Content) -> str:
    """The title, or else the text's first line."""
    if content.title and content.title.strip():
        return content.title.strip()
    lines = content.text.strip().splitlines()
    return lines[0].strip() if lines else ""


def description(content: Content) -> str:
    return text.with_link(content.text, content.link)


def problems(content: Content) -> Iterator[ContentProblem]:
    """What YouTube would refuse, in words for the author."""
    title, about = title_of(content), description(content)
    if not title:
        yield ContentProblem("title", Reason.TEXT_REFUSED, "A video on YouTube needs a title.")
    if len(title) > TITLE_MAX:
        words = f"The title has {len(title)} characters; YouTube takes at most {TITLE_MAX}."
        if not (content.title or "").strip():
            words = (
                f"YouTube needs a title of at most {TITLE_MAX} characters: the text's first line is longer."
            )
        yield ContentProblem("title", Reason.TEXT_TOO_LONG, words)
    for field, words in (("title", title), ("text", about)):
        if "<" in words or ">" in words:
            what = f"YouTube does not take < or > in the {'title' if field == 'title' else 'description'}."
            yield ContentProblem(field, Reason.TEXT_REFUSED, what)
    size = len(about.encode("utf-8", "ignore"))
    if size > DESCRIPTION_BYTES_MAX:
        words = (
            f"The description has {size} bytes as YouTube counts them; the most is {DESCRIPTION_BYTES_MAX}."
        )
        yield ContentProblem("text", Reason.TEXT_TOO_LONG, words)
    yield from _film(content)


def _film(content: Content) -> Iterator[ContentProblem]:
    if len(content.media) != 1 or content.media[0].kind is not MediaKind.VIDEO:
        yield ContentProblem(
            "media", Reason.MEDIA_MISSING, "YouTube takes exactly one film, and no pictures."
        )
        return
    film = content.media[0]
    if not film.mime.startswith("video/"):
        yield ContentProblem("media", Reason.MEDIA_FORMAT, "This file is not a film that YouTube can read.")
    if not 0 < film.size <= VIDEO_BYTES_MAX:
        yield ContentProblem("media", Reason.MEDIA_SIZE, "YouTube takes films of up to 256 GB.")
