"""TikTok's publishes on their way, and the host that takes files in chunks (TikTok facts §2.5)."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.platforms.clients import content_type
from sandbox.platforms.core import Call, endpoint
from sandbox.platforms.images import kind_of
from sandbox.platforms.tiktok_manners import MANNERS
from sandbox.world import PlatformWorld

HOST = "open-upload.tiktokapis.com"
LIFE = timedelta(hours=1)
RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
VIDEO_TYPES = ("video/mp4", "video/quicktime", "video/webm")
POLLS = 2  # how often something is seen in processing
MODERATION_POLLS = 1  # how often a finished public post is seen without its id
SLOW_POLLS = 5


@dataclass(frozen=True, kw_only=True)
class Publish:
    """One init call and what became of it.

    `kind` is VIDEO, PHOTO or INBOX. `size`, `chunk`, `chunks` and `received` count bytes and chunks of a
    file upload; `polls` and `hidden` are the status calls that will still see it in processing, or without
    its id; `post` is the live post, "" for drafts and failures; `fail` is the reason of a failure.
    """

    id: str
    account: str
    kind: str
    text: str
    privacy: str
    media: tuple[str, ...]
    made_at: datetime
    secret: str = ""
    size: int = 0
    chunk: int = 0
    chunks: int = 0
    received: int = 0
    accepted: bool = False
    polls: int = 0
    hidden: int = 0
    post: str = ""
    fail: str = ""

    @property
    def pulled(self) -> bool:
        return not self.secret


class Publishes:
    """All publishes of the twin."""

    def __init__(self) -> None:
        self._held: dict[str, Publish] = {}
        self._by_secret: dict[str, str] = {}

    def keep(self, publish: Publish) -> Publish:
        """Put a publish, or its next state, in its place."""
        self._held[publish.id] = publish
        if publish.secret:
            self._by_secret[publish.secret] = publish.id
        return publish

    def find(self, id: str) -> Publish | None:
        """The publish with this id."""
        return self._held.get(id)

    def by_secret(self, secret: str) -> Publish | None:
        """The publish whose upload address carries this secret."""
        return self._held.get(self._by_secret.get(secret, ""))

    def within_a_day(self, call: Call, drafts: bool) -> int:
        """How many drafts, or direct posts, the caller began in the last 24 hours."""
        since = call.world.now() - timedelta(hours=24)
        mine = [p for p in self._held.values() if p.account == call.account and p.made_at > since]
        return sum((p.kind == "INBOX") == drafts and not p.fail for p in mine)


def routes(world: PlatformWorld, publishes: Publishes) -> list[Route]:
    """Where chunks are put."""

    async def group(request: Request) -> str:
        match = RANGE.fullmatch(request.headers.get("content-range", ""))
        last = match is not None and int(match[2]) + 1 == int(match[3])
        return "publish" if last else "prepare"

    async def put(call: Call) -> Response:
        return await _put(call, publishes)

    return [endpoint(world, MANNERS, "/video/", "PUT", group, put)]


def upload_address(world: PlatformWorld) -> tuple[str, str]:
    """A new upload address and the secret in it."""
    secret = secrets.token_urlsafe(32)
    world.see(secret)
    return f"https://{HOST}/video/?upload_id={world.serial()}&upload_token={secret}", secret


async def _put(call: Call, publishes: Publishes) -> Response:
    publish = publishes.by_secret(call.request.query_params.get("upload_token", ""))
    if publish is None:
        return Response(status_code=404)
    await call.about(publish.account)
    late = call.world.now() - publish.made_at >= LIFE
    if late or publish.accepted or call.fault("upload_expired"):
        return Response(status_code=403)
    if content_type(call.request) not in VIDEO_TYPES:
        return Response(status_code=400)
    data = await call.request.body()
    last = _next_chunk(call.request.headers.get("content-range", ""), data, publish)
    if last is None:
        return Response(status_code=416, headers=_range(publish))
    broken = publish.fail or ("" if publish.received or _is_video(data) else "file_format_check_failed")
    publish = publishes.keep(replace(publish, received=publish.received + len(data), fail=broken))
    if last:
        publishes.keep(accept(call, publish))
    return Response(status_code=201 if last else 206, headers=_range(publish))


def _range(publish: Publish) -> dict[str, str]:
    return {"content-range": f"bytes 0-{max(0, publish.received - 1)}/{publish.size}"}


def _next_chunk(header: str, data: bytes, publish: Publish) -> bool | None:
    """Whether this is the last chunk; None when it is not the one whose turn it is."""
    match = RANGE.fullmatch(header)
    if match is None:
        return None
    first, end, total = (int(group) for group in match.groups())
    last_start = publish.chunk * (publish.chunks - 1)
    right_end = publish.size - 1 if first >= last_start else first + publish.chunk - 1
    fits = first == publish.received and end == right_end and total == publish.size
    return end + 1 == total if fits and len(data) == end - first + 1 else None


def _is_video(data: bytes) -> bool:
    return kind_of(data) == "video/mp4" or data.startswith(b"\x1a\x45\xdf\xa3")


def accept(call: Call, publish: Publish) -> Publish:
    """All media is there: from here on the post appears by itself, or fails."""
    if fault := call.fault("container_error"):
        publish = replace(publish, fail=fault.text or "file_format_check_failed")
    slow, late = call.fault("container_slow"), call.fault("id_late")
    polls = POLLS + (int(slow.value or SLOW_POLLS) if slow else 0)
    hidden = MODERATION_POLLS + (int(late.value or SLOW_POLLS) if late else 0)
    publish = replace(publish, accepted=True, polls=polls, hidden=hidden)
    call.world.ledger.write("container_published", "tiktok", call.account, id=publish.id, kind=publish.kind)
    if publish.fail or publish.kind == "INBOX":
        return publish
    return replace(publish, post=_go_live(call, publish))


def _go_live(call: Call, publish: Publish) -> str:
    id = str(7_500_000_000_000_000_000 + call.world.serial() * 7919)
    account, word = call.who(), "photo" if publish.kind == "PHOTO" else "video"
    call.world.add_post(
        account,
        id,
        publish.text,
        shown=publish.text,
        media=publish.media,
        permalink=f"https://www.tiktok.com/@{account.handle}/{word}/{id}",
        extra={"privacy": publish.privacy, "publish_id": publish.id},
        privacy=publish.privacy,
        publish_id=publish.id,
    )
    return id
