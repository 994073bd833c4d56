"""What a post is made of, and what a platform takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from bot.platforms.errors import Reason


class MediaKind(StrEnum):
    IMAGE = "image"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Media:
    """One picture or film of a post. `url` is public and short-lived; sizes in bytes, durations in seconds.

    `stored`: our id of it where we keep the file ourselves; platforms only hand it on to the reader."""

    url: str
    kind: MediaKind
    mime: str
    size: int
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    alt: str | None = None
    stored: str | None = None


class MediaReader(Protocol):
    """Reads a post's media for platforms that want the bytes instead of an address."""

    async def read(self, media: Media, start: int, length: int) -> bytes:
        """At most `length` bytes from `start`. Raises `MediaGone`, or `MediaSilent` if it may come later."""


class MediaGone(Exception):
    """A medium of a post is not there any more."""


class MediaSilent(MediaGone):
    """A medium of a post could not be read just now."""


@dataclass(frozen=True, slots=True)
class PostLimits:
    """What a post on this platform may hold. `None` means: no such limit, save where it says otherwise."""

    text_max: int
    titled: str = ""  # what has a title of its own, in a word or two; empty: nothing
    media_min: int = 0
    media_max: int = 0
    daily_cap: int | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What is to be published on one account."""

    text: str = ""
    media: tuple[Media, ...] = ()
    title: str | None = None
    link: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ContentProblem:
    """Why a post cannot be accepted, beside the field it belongs to ("text", "media", "title", "link")."""

    field: str
    reason: Reason
    text: str
