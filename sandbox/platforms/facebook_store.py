"""What Facebook keeps beside posts: photos and videos on their way (meta facts §2.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.platforms.containers import Containers
from sandbox.platforms.core import Call
from sandbox.platforms.fetch import Fetcher
from sandbox.platforms.model import Account, Post

MOST_TEXT = 63_206
HEAD = 64  # bytes of a file that are kept, to know what it is


@dataclass(frozen=True, kw_only=True)
class Photo:
    """A photo that was uploaded and is in no post yet, or in `post`."""

    id: str
    page: str
    address: str
    post: str = ""


@dataclass(frozen=True, kw_only=True)
class Video:
    """A video: `kind` is `video`, `reel` or `story`; `size` and `received` count bytes.

    `state` is `waiting`, `uploaded`, `accepted` or `draft`; `error` says what processing will find wrong.
    """

    id: str
    page: str
    kind: str
    session: str = ""
    size: int = 0
    received: int = 0
    head: bytes = b""
    address: str = ""
    state: str = "waiting"
    error: str = ""
    post: str = ""
    polls: int = 0


@dataclass
class Store:
    """All of it, the containers of linked Instagram accounts, and the fetcher that gets media by address."""

    fetcher: Fetcher
    containers: Containers
    photos: dict[str, Photo] = field(default_factory=dict)
    videos: dict[str, Video] = field(default_factory=dict)

    def keep(self, video: Video) -> Video:
        """Put a video, or its next state, in its place."""
        self.videos[video.id] = video
        return video

    def own_video(self, id: str, page: str) -> Video | None:
        """The Page's own video."""
        video = self.videos.get(id)
        return video if video is not None and video.page == page else None


def object_id(call: Call) -> str:
    """A new id of a post, photo or video: 15 digits and more."""
    return str(122_100_000_000_000 + call.world.serial() * 1013)


def add_post(
    call: Call,
    page: Account,
    text: str,
    *,
    kind: str,
    media: tuple[str, ...] = (),
    link: str = "",
    published: bool = True,
    at: float | None = None,
) -> Post:
    """Make a Page's post. `at` is when an unpublished one appears, in Unix seconds; without it, never.

    The ledger says `roles_only` for a post of an app that is in development: only its own people see it.
    """
    number = object_id(call)
    app = call.world.apps["facebook", call.world.grants[call.token.grant].client_id] if call.token else None
    kept: Mapping[str, Any] = {
        "kind": kind,
        "link": link,
        "published": published,
        "at": at,
    }
    return call.world.add_post(
        page,
        f"{page.id}_{number}",
        text,
        shown=text,
        media=media,
        permalink=_permalink(page, kind, number),
        extra=kept,
        kind=kind,
        link=link,
        published=published,
        roles_only=app is not None and not app.reviewed,
    )


def _permalink(page: Account, kind: str, number: str) -> str:
    place = {"reel": f"reel/{number}", "story": f"stories/{page.id}/{number}"}
    return f"https://www.facebook.com/{place.get(kind) or f'{page.handle}/posts/{number}'}"


def is_out(call: Call, post: Post) -> bool:
    """Whether people see the post now."""
    at = post.extra["at"]
    return bool(post.extra["published"]) or (at is not None and call.world.now().timestamp() >= at)
