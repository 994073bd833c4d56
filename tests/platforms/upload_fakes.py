"""What the tests of uploading platforms share: a wire that keeps bodies and queries, and a file in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from pydantic import SecretStr

from bot.http import HostRefused, HttpError, PlatformHttp, Response
from bot.platforms.base import Call, Handles, Platform, Ready, Target
from bot.platforms.content import Content, Media, MediaGone, MediaKind
from bot.settings import AppCredentials
from tests.platforms.platform_fakes import APP

TRIAL_APP = AppCredentials(client_id="app-1", client_secret=SecretStr("app-secret"))


@dataclass(frozen=True)
class Seen:
    """One request as it would have gone out."""

    method: str
    host: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    form: Mapping[str, str]
    json: Any
    content: bytes
    deadline: float
    not_after: float | None

    @property
    def call(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def bearer(self) -> str | None:
        return self.headers.get("authorization")


Answer = Callable[[Seen], Response | HttpError]


class UploadHttp(PlatformHttp):
    """Hands each request to a callable and keeps what it saw; refuses hosts as the real client does."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.seen: list[Seen] = []

    async def request(
        self, method: str, url: str, *, hosts: frozenset[str], deadline: float, **rest: Any
    ) -> Response:
        parts = urlsplit(url)
        if parts.scheme != "https" or parts.hostname not in hosts:
            raise HostRefused(f"{method} {parts.hostname}")
        content = rest.get("content") or b""
        if not isinstance(content, bytes):
            content = b"".join([piece async for piece in content])
        seen = Seen(
            method,
            parts.hostname,
            parts.path,
            {**dict(parse_qsl(parts.query)), **(rest.get("params") or {})},
            httpx.Headers(rest.get("headers") or {}),
            rest.get("data") or {},
            rest.get("json"),
            content,
            deadline,
            rest.get("not_after"),
        )
        self.seen.append(seen)
        answer = self.answer(seen)
        if isinstance(answer, HttpError):
            raise answer
        return answer

    def calls(self) -> list[str]:
        return [seen.call for seen in self.seen]


@dataclass
class File:
    """A medium's bytes; gives them in pieces that are smaller than asked for."""

    data: bytes = b""
    gone: bool = False
    most: int = 7
    reads: list[tuple[int, int]] = field(default_factory=list)

    async def read(self, media: Media, start: int, length: int) -> bytes:
        if self.gone:
            raise MediaGone
        self.reads.append((start, length))
        return self.data[start : start + min(length, self.most)]


def call_of(
    answer: Answer, file: File | None = None, *, app: AppCredentials = APP, not_after: float | None = None
) -> tuple[Call, UploadHttp]:
    http = UploadHttp(answer)
    return Call(http=http, app=app, deadline=20.0, not_after=not_after, media=file or File()), http


def film_of(data: bytes, **more: Any) -> Media:
    return Media("https://bot.example/media/a.mp4", MediaKind.VIDEO, "video/mp4", len(data), **more)


def picture(number: int = 1, mime: str = "image/jpeg", size: int = 5, **more: Any) -> Media:
    return Media(f"https://bot.example/media/{number}.jpg", MediaKind.IMAGE, mime, size, **more)


async def walk(
    platform: Platform, call: Call, target: Target, content: Content, handles: Handles | None = None
) -> Ready:
    """Prepares to the end as the domain does, from the stored handles each time."""
    kept: dict[str, str] = dict(handles or {})
    for _ in range(40):
        made = await platform.prepare(call, target, content, kept)
        kept = dict(made.handles)
        assert all(type(key) is str and type(value) is str for key, value in kept.items())
        if isinstance(made, Ready):
            return made
    raise AssertionError("never ready")
