"""What comes before a LinkedIn post: its pictures and its film, uploaded one short step at a time.

Handles: `image0`, `image1`… are pictures that LinkedIn has. `video` is the film; while it is uploaded,
`parts` holds where each slice goes, `etags` what was answered, `token` the upload's own; `finalized` follows.
`tries` counts uploads that had to be begun anew.
Sources: learn.microsoft.com/linkedin (images API, videos API).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from bot.http import Response
from bot.platforms import linkedin_errors, oauth, reading
from bot.platforms.base import Call, Handles, Ready, Wait
from bot.platforms.content import Content, Media, MediaKind
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict

REST = "https://api.linkedin.com/rest"
HOSTS = frozenset({"api.linkedin.com", "www.linkedin.com"})
UPLOAD_DOMAINS = (".linkedin.com", ".licdn.com")  # of a film's slices, which carry no bearer
SLICE_MAX = 32 * 1024 * 1024  # bytes; LinkedIn asks for about 4 MB
TRIES = 3
PAUSE = 15.0  # seconds between two looks at a film in processing
LOOKS_MOST = 240  # at a film that stays in processing
PAGE = Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "page")  # with status 200, by a proxy


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one author's posts are made: the API's month, the way to travel, token and author."""

    version: str
    call: Call
    token: str
    author: str  # urn:li:person:… or urn:li:organization:…
    needs: str
    denied: Reason = Reason.PERMISSION_MISSING

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> Response:
        """One call to the versioned API; PlatformError unless it succeeded."""
        response = await self.call.http.request(
            method,
            REST + path,
            hosts=HOSTS,
            deadline=self.call.deadline,
            not_after=self.call.not_after,
            headers={
                "Authorization": f"Bearer {self.token}",
                "LinkedIn-Version": self.version,
                "X-Restli-Protocol-Version": "2.0.0",
            },
            params=params,
            json=body,
        )
        if not 200 <= response.status < 300:
            raise PlatformError(self.judge(response))
        if reading.is_page(response):
            raise PlatformError(PAGE)
        return response

    def judge(self, response: Response) -> Verdict:
        return linkedin_errors.classify(response, needs=self.needs, denied=self.denied)

    async def value(self, path: str, request: str, body: Mapping[str, object]) -> oauth.Body:
        """The `value` that an action answers."""
        response = await self.ask("POST", path, params={"action": request}, body={f"{request}Request": body})
        return reading.member(oauth.read_object(response), "value")


async def next_step(desk: Desk, content: Content, handles: Handles) -> Ready | Wait:
    """Uploads the next picture or slice, or watches the film."""
    if content.media and content.media[0].kind is MediaKind.VIDEO:
        return await _film_step(desk, content.media[0], handles)
    for index, item in enumerate(content.media):
        if f"image{index}" not in handles:
            return Wait({**handles, f"image{index}": await _picture(desk, item)}, 0.0)
    return Ready(handles)


async def _picture(desk: Desk, item: Media) -> str:
    """A picture is begun and sent in one step: a half of it is worth nothing."""
    value = await desk.value("/images", "initializeUpload", {"owner": desk.author})
    url, urn = oauth.word(value.get("uploadUrl")), oauth.word(value.get("image"))
    if url is None or urn is None:
        raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_upload_url"))
    piece = await reading.read_piece(desk.call, item, 0, item.size)
    headers = {"Authorization": f"Bearer {desk.token}", "Content-Type": item.mime}
    response = await _put(desk, url, HOSTS, piece, headers)
    if not 200 <= response.status < 300:
        raise PlatformError(desk.judge(response))
    if reading.is_page(response):
        raise PlatformError(PAGE)
    return urn


async def _film_step(desk: Desk, film: Media, handles: Handles) -> Ready | Wait:
    if "video" not in handles:
        return await _begin(desk, film, handles)
    if "finalized" in handles:
        return await _watch(desk, handles)
    parts: list[list[object]] = json.loads(handles["parts"])
    etags: list[str] = json.loads(handles["etags"])
    if len(etags) < len(parts):
        return await _slice(desk, film, handles, parts[len(etags)], etags)
    body = {"video": handles["video"], "uploadToken": handles["token"], "uploadedPartIds": etags}
    try:
        await desk.value("/videos", "finalizeUpload", body)
    except PlatformError as error:
        if error.verdict.kind is Kind.NOT_READY:
            return _anew(handles, error)
        refused = error.verdict.kind in (Kind.CONTENT, Kind.UNKNOWN)
        if not refused or await _status(desk, handles["video"]) not in ("PROCESSING", "AVAILABLE"):
            raise  # otherwise it was finalized by a call whose answer was lost
    return Wait({"video": handles["video"], "finalized": "1", **_tries(handles)}, PAUSE)


async def _begin(desk: Desk, film: Media, handles: Handles) -> Wait:
    body = {
        "owner": desk.author,
        "fileSizeBytes": film.size,
        "uploadCaptions": False,
        "uploadThumbnail": False,
    }
    value = await desk.value("/videos", "initializeUpload", body)
    urn = oauth.word(value.get("video"))
    parts = [_part(item) for item in reading.objects(value, "uploadInstructions")]
    whole = sorted((part for part in parts if part is not None), key=lambda part: part[1])
    if urn is None or len(whole) != len(parts) or not _covers(whole, film.size):
        raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_upload_instructions"))
    token = oauth.word(value.get("uploadToken")) or ""
    return Wait(
        {"video": urn, "token": token, "parts": json.dumps(whole), "etags": "[]", **_tries(handles)}, 0.0
    )


def _part(item: oauth.Body) -> tuple[str, int, int] | None:
    url, first, last = oauth.word(item.get("uploadUrl")), item.get("firstByte"), item.get("lastByte")
    start, end = oauth.whole(first), oauth.whole(last)
    return None if url is None or start is None or end is None else (url, start, end)


def _covers(parts: list[tuple[str, int, int]], size: int) -> bool:
    """Whether the slices follow one another from the first byte to the last."""
    at = 0
    for _, first, last in parts:
        if first != at or not first <= last < first + SLICE_MAX:
            return False
        at = last + 1
    return at == size


async def _slice(desk: Desk, film: Media, handles: Handles, part: list[object], etags: list[str]) -> Wait:
    url, first, last = str(part[0]), oauth.whole(part[1]) or 0, oauth.whole(part[2]) or 0
    piece = await reading.read_piece(desk.call, film, first, last - first + 1)
    response = await _put(desk, url, _slice_hosts(url), piece, {"Content-Type": "application/octet-stream"})
    if 400 <= response.status < 500 and response.status != 429:  # these addresses do not last
        return _anew(handles, PlatformError(desk.judge(response)))
    if not 200 <= response.status < 300:
        raise PlatformError(desk.judge(response))
    etag = response.headers.get("etag", "").removeprefix("W/").strip('"')
    if not etag:
        raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_etag"))
    return Wait({**handles, "etags": json.dumps([*etags, etag])}, 0.0, done=(last + 1) / film.size)


def _anew(handles: Handles, error: PlatformError) -> Wait:
    """Begins an upload again, a few times; what would be refused again is raised at once."""
    tries = oauth.whole(handles.get("tries")) or 0
    expected = error.verdict.kind in (Kind.NOT_READY, Kind.UNKNOWN, Kind.UNCLEAR)
    if tries >= TRIES or not expected:
        raise error
    return Wait({"tries": str(tries + 1)}, 0.0)


async def _watch(desk: Desk, handles: Handles) -> Ready | Wait:
    status = await _status(desk, handles["video"])
    if status in ("AVAILABLE", None):
        return Ready(handles)
    if status == "PROCESSING_FAILED":
        raise PlatformError(Verdict(Kind.CONTENT, Reason.MEDIA_FORMAT, "video/failed"))
    looks = (oauth.whole(handles.get("looks")) or 0) + 1
    if looks > LOOKS_MOST:
        raise PlatformError(Verdict(Kind.NOT_READY, Reason.PLATFORM_DOWN, "video/processing"))
    return Wait({**handles, "looks": str(looks)}, PAUSE)


async def _status(desk: Desk, video: str) -> str | None:
    """Where a film stands; None where the token may not see it: a member's may write what it may not read."""
    try:
        response = await desk.ask("GET", f"/videos/{quote(video, safe='')}")
    except PlatformError as error:
        if error.verdict.kind is Kind.PERMISSION:
            return None
        raise
    return oauth.word((oauth.read_object(response) or {}).get("status")) or ""


def _tries(handles: Handles) -> dict[str, str]:
    return {"tries": handles["tries"]} if "tries" in handles else {}


def _slice_hosts(url: str) -> frozenset[str]:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    return frozenset({host}) if host.endswith(UPLOAD_DOMAINS) else frozenset()


async def _put(
    desk: Desk, url: str, hosts: frozenset[str], piece: bytes, headers: Mapping[str, str]
) -> Response:
    return await desk.call.http.request(
        "PUT",
        url,
        hosts=hosts,
        deadline=desk.call.deadline,
        not_after=desk.call.not_after,
        headers={**headers, "Content-Length": str(len(piece))},
        content=reading.in_pieces(piece),
    )


def content_of(content: Content, handles: Handles) -> dict[str, object]:
    """The post's `content` member: a film, pictures, or nothing for text alone."""
    if "video" in handles:
        title = {"title": content.title} if content.title else {}
        return {"content": {"media": {"id": handles["video"], **title}}}
    pictures = [
        {"id": handles[f"image{index}"], **({"altText": item.alt} if item.alt else {})}
        for index, item in enumerate(content.media)
    ]
    if len(pictures) == 1:
        return {"content": {"media": pictures[0]}}
    return {"content": {"multiImage": {"images": pictures}}} if pictures else {}
