"""What a post on a Facebook Page is made of: what it may hold, what is uploaded first, what is sent last.

Handles: `photo0`, `photo1`… are unpublished photos; `video` and `upload` are a Reel and where its film goes,
`uploaded` marks that the film is there; `tries` counts what had to be done again, `polls` the looks at a film
that is on its way.
Sources: developers.facebook.com (Page posts, Page photos, Page videos, Reels publishing); figures that these
pages do not show are those of integrators.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.platforms import meta, oauth, text
from bot.platforms.base import Handles, Ready, Target, Wait
from bot.platforms.content import Content, ContentProblem, Media, MediaKind
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from bot.platforms.facebook_graph import HOSTS, UPLOADS, Graph
from bot.platforms.facebook_pages import PUBLISH
from bot.platforms.facebook_reading import state_of
from bot.platforms.instagram_media import not_yet, ready
from bot.platforms.reading import member

VIDEO = "video"

TEXT_MAX = 63_206
PHOTOS_MAX = 10
IMAGE_TYPES = frozenset({"image/jpeg", "image/png"})
VIDEO_TYPES = frozenset({"video/mp4", "video/quicktime"})
IMAGE_BYTES_MAX = 10 * 1000 * 1000
VIDEO_BYTES_MAX = 1000 * 1000 * 1000
VIDEO_SECONDS_MAX = 20 * 60.0

REEL_SECONDS = (3.0, 90.0)
REEL_RATIO = 9 / 16
REEL_RATIO_SLACK = 0.01
REEL_WIDTH_MIN = 540

FRESH_FOR = 23 * 3600.0  # seconds; unpublished uploads are kept for about a day
UPLOAD_PAUSE = 5.0  # seconds between the first looks at a film that Facebook fetches
TRIES = 3


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one Page is worked on."""

    graph: Graph
    target: Target

    async def post(self, edge: str, form: Mapping[str, str]) -> oauth.Body:
        """Makes something on the Page."""
        return await self.graph.post(f"/{self.target.account_id}/{edge}", self.target.token, PUBLISH, form)


def is_reel(content: Content) -> bool:
    """Whether the post is one upright film of a Reel's size and length; other films are ordinary videos."""
    if len(content.media) != 1 or content.media[0].kind is not MediaKind.VIDEO:
        return False
    film = content.media[0]
    if not film.width or not film.height or film.duration is None:
        return False
    upright = abs(film.width / film.height - REEL_RATIO) <= REEL_RATIO_SLACK
    shortest, longest = REEL_SECONDS
    return upright and film.width >= REEL_WIDTH_MIN and shortest <= film.duration <= longest


def message_of(content: Content) -> str:
    """The words of the post. A link without media is a field of its own, and stands beside them."""
    return text.with_link(content.text, content.link) if content.media else content.text


def appearance(content: Content) -> Content:
    """The post as its readers see it. Only films have titles, and only texts a link beside them."""
    is_film = any(item.kind is MediaKind.VIDEO for item in content.media)
    title, link = content.title if is_film else None, None if content.media else content.link
    return Content(message_of(content), content.media, title, link)


async def next_step(desk: Desk, content: Content, handles: Handles) -> Ready | Wait:
    """One safe step: an unpublished photo, or a part of a Reel; nothing for texts and ordinary videos."""
    if is_reel(content):
        return await _reel_step(desk, content.media[0], handles)
    if any(item.kind is MediaKind.VIDEO for item in content.media):
        return Ready(handles)  # Facebook fetches it in the call that creates the post
    for index, item in enumerate(content.media):
        if f"photo{index}" not in handles:
            return await _photo(desk, item, handles, f"photo{index}")
    return Ready(handles, FRESH_FOR if content.media else None)


async def _photo(desk: Desk, item: Media, handles: Handles, key: str) -> Wait:
    form = {"url": item.url, "published": "false"} | ({"alt_text_custom": item.alt} if item.alt else {})
    try:
        body = await desk.post("photos", form)
    except PlatformError as error:
        if error.verdict.reason is Reason.MEDIA_UNREACHABLE:  # often passes; nothing is published yet
            return _again(handles, error.verdict)
        raise
    return Wait({**handles, key: _made(body, "id")}, 0.0, FRESH_FOR)


async def _reel_step(desk: Desk, film: Media, handles: Handles) -> Ready | Wait:
    """Start, let Facebook fetch the film, wait until it has it. Finishing is for `send`."""
    if VIDEO not in handles or "upload" not in handles:
        body = await desk.post("video_reels", {"upload_phase": "start"})
        made = {VIDEO: _made(body, "video_id"), "upload": _upload_address(_made(body, "upload_url"))}
        return Wait({**handles, **made}, 0.0, FRESH_FOR)
    if "uploaded" not in handles:
        verdict = await _given(desk, film, handles)
        return _again(handles, verdict) if verdict else Wait({**handles, "uploaded": "1"}, 0.0, FRESH_FOR)
    state = await state_of(desk.graph, desk.target.token, handles[VIDEO])
    if state.failed:
        verdict = Verdict(Kind.CONTENT, Reason.MEDIA_FORMAT, state.label)
        return _again({"tries": handles.get("tries", "0")}, verdict)
    return not_yet(handles, UPLOAD_PAUSE) if state.arriving else Ready(ready(handles), FRESH_FOR)


async def _given(desk: Desk, film: Media, handles: Handles) -> Verdict | None:
    """As `_fetched_by_facebook`. An upload whose answer was lost is refused the second time, and what a good
    answer holds is not certain: a film that has arrived is not given again."""
    try:
        return await _fetched_by_facebook(desk, film, handles["upload"])
    except PlatformError as error:
        if error.verdict.kind not in (Kind.CONTENT, Kind.UNCLEAR):
            raise
        if (await state_of(desk.graph, desk.target.token, handles[VIDEO])).arrived:
            return None
        raise


async def _fetched_by_facebook(desk: Desk, film: Media, upload: str) -> Verdict | None:
    """Gives Facebook the film's address. None when it took it, the verdict when another try may succeed."""
    call = desk.graph.call
    response = await call.http.request(
        "POST",
        upload,
        hosts=HOSTS,
        deadline=call.deadline,
        not_after=call.not_after,
        headers={"Authorization": f"OAuth {desk.target.token}", "file_url": film.url},
    )
    body = oauth.read_object(response)
    failure = member(body, "debug_info")
    if body is not None and 200 <= response.status < 300 and not failure and not meta.is_error(body):
        return None
    if not failure:
        raise PlatformError(meta.classify(response, needs=PUBLISH))
    verdict = Verdict(Kind.CONTENT, Reason.MEDIA_FORMAT, "rupload")
    if failure.get("retriable") is True:
        return verdict
    raise PlatformError(verdict)


def _upload_address(url: str) -> str:
    """Where the film goes with its token: nowhere but to Facebook's host for uploads."""
    if not url.isascii() or not url.startswith(f"https://{UPLOADS}/"):
        raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "upload_url"))
    return url


def request_of(content: Content, handles: Handles) -> tuple[str, dict[str, str]]:
    """The one call that publishes: its edge of the Page and its form."""
    message = message_of(content)
    if is_reel(content):
        form = {"upload_phase": "finish", "video_id": _handle(handles, VIDEO), "video_state": "PUBLISHED"}
        return "video_reels", form | _filled(description=message, title=content.title)
    if any(item.kind is MediaKind.VIDEO for item in content.media):
        film = content.media[0]
        return "videos", {"file_url": film.url} | _filled(description=message, title=content.title)
    if content.media:
        photos = [{"media_fbid": _handle(handles, f"photo{index}")} for index in range(len(content.media))]
        return "feed", {"attached_media": json.dumps(photos)} | _filled(message=message)
    return "feed", _filled(message=message, link=content.link)


def _again(handles: Handles, verdict: Verdict) -> Wait:
    """Once more, a few times; then it is the file's fault."""
    tries = oauth.whole(handles.get("tries")) or 0
    if tries >= TRIES:
        raise PlatformError(Verdict(Kind.CONTENT, verdict.reason, verdict.code))
    return Wait({**handles, "tries": str(tries + 1)}, meta.CONTAINER_PAUSE)


def _made(body: oauth.Body, name: str) -> str:
    made = oauth.word(body.get(name))
    if made is None:
        raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, f"no_{name}"))
    return made


def _handle(handles: Handles, key: str) -> str:
    if key not in handles:
        raise PlatformError(Verdict(Kind.NOT_READY, Reason.UNKNOWN, f"no_{key}"))
    return handles[key]


def _filled(**fields: str | None) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}


def problems(content: Content) -> Iterator[ContentProblem]:
    """What Facebook would refuse, in words for the author."""
    message = message_of(content)
    films = [item for item in content.media if item.kind is MediaKind.VIDEO]
    if len(message) > TEXT_MAX:
        words = f"The text has {len(message)} characters; Facebook takes at most {TEXT_MAX}."
        yield ContentProblem("text", Reason.TEXT_TOO_LONG, words)
    if not content.media and not message.strip() and not content.link:
        yield ContentProblem("text", Reason.TEXT_REFUSED, "A post on Facebook needs a text or a picture.")
    if films and len(content.media) > 1:
        words = "Facebook takes either pictures or one film in a post."
        yield ContentProblem("media", Reason.MEDIA_FORMAT, words)
    elif len(content.media) > PHOTOS_MAX:
        words = f"Facebook takes at most {PHOTOS_MAX} pictures in one post."
        yield ContentProblem("media", Reason.MEDIA_FORMAT, words)
    for item in content.media:
        yield from _film(item) if item.kind is MediaKind.VIDEO else _picture(item)


def _picture(item: Media) -> Iterator[ContentProblem]:
    if item.mime not in IMAGE_TYPES:
        yield ContentProblem("media", Reason.MEDIA_FORMAT, "Facebook takes pictures as JPEG or PNG.")
    if item.size >= IMAGE_BYTES_MAX:
        yield ContentProblem("media", Reason.MEDIA_SIZE, "Facebook takes pictures of less than 10 MB.")


def _film(item: Media) -> Iterator[ContentProblem]:
    if item.mime not in VIDEO_TYPES:
        yield ContentProblem("media", Reason.MEDIA_FORMAT, "Facebook takes films as MP4 or MOV.")
    if item.size > VIDEO_BYTES_MAX:
        yield ContentProblem("media", Reason.MEDIA_SIZE, "Facebook takes films of up to 1 GB.")
    if item.duration is not None and item.duration > VIDEO_SECONDS_MAX:
        yield ContentProblem("media", Reason.MEDIA_DURATION, "Facebook takes films of up to 20 minutes.")
