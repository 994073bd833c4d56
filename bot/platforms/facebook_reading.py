"""What can be read back of a Page's posts: a film's state, a post's address, and the one post that is ours.

Sources: developers.facebook.com (video status, Page feed). What a film's phases hold is not shown there:
it is read where it comes and never needed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.http import HttpError
from bot.platforms import oauth, text
from bot.platforms.base import Found, Look, Target
from bot.platforms.errors import PlatformError
from bot.platforms.facebook_graph import Graph, not_a_post
from bot.platforms.instagram_media import of_container
from bot.platforms.reading import lower, member, moment, objects

READ = "pages_read_engagement"
SITE = "https://www.facebook.com"
PERMALINK_DEADLINE = 5.0  # seconds: a link is not worth more once the post is out
LIST_SIZE = 25


@dataclass(frozen=True, slots=True)
class VideoState:
    """How far a film is. `label` is safe to log; `post_id` may come with or without the Page's id; what its
    phases say of themselves is `uploading` and `publishing`, empty where they say nothing."""

    status: str
    post_id: str | None
    permalink: str | None
    uploading: str = ""
    publishing: str = ""

    @property
    def label(self) -> str:
        known = ("ready", "processing", "upload_complete", "in_progress", "error", "expired")
        return f"video/{self.status if self.status in known else 'other'}"

    @property
    def failed(self) -> bool:
        return self.status in ("error", "expired")

    @property
    def published(self) -> bool:
        """A post was made of it, which may still be in processing."""
        return self.post_id is not None or self.publishing == "published"

    @property
    def is_out(self) -> bool:
        """People can see it. A post that has its id may still be in processing, and fail there."""
        working = self.status in ("processing", "in_progress") and self.publishing != "published"
        return self.status == "ready" or (self.published and not working)

    @property
    def arriving(self) -> bool:
        """Facebook is still fetching it. Waiting for "ready" alone would hang."""
        return self.status == "in_progress" and not self.uploading.startswith("complete")

    @property
    def arrived(self) -> bool:
        """The whole film is there."""
        return self.status in ("upload_complete", "processing", "ready")


async def state_of(graph: Graph, token: str, video_id: str) -> VideoState:
    """Raises PlatformError; a film that cannot be found says nothing about the Page, and a question that is
    refused nothing about the film."""
    try:
        body = await graph.get(f"/{video_id}", token, READ, fields="status,post_id,permalink_url")
    except PlatformError as error:
        raise PlatformError(not_a_post(of_container(error.verdict))) from None
    status = member(body, "status")
    return VideoState(
        status=lower(status.get("video_status")),
        post_id=oauth.word(body.get("post_id")),
        permalink=address(body.get("permalink_url")),
        uploading=lower(member(status, "uploading_phase").get("status")),
        publishing=lower(member(status, "publishing_phase").get("publish_status")),
    )


async def permalink(graph: Graph, token: str, post_id: str) -> str | None:
    """Where people see the post. Without it the post is no less published."""
    call = replace(graph.call, deadline=min(graph.call.deadline, PERMALINK_DEADLINE), not_after=None)
    try:
        body = await replace(graph, call=call).get(f"/{post_id}", token, READ, fields="permalink_url")
    except (PlatformError, HttpError):
        return None
    return address(body.get("permalink_url"))


def address(value: object) -> str | None:
    """A permalink, also where it came as a path."""
    found = oauth.word(value) or ""
    if found.startswith("https://"):
        return found
    return SITE + found if found.startswith("/") and not found.startswith("//") else None


async def only_twin(graph: Graph, target: Target, ours: str, since: datetime, taken: frozenset[str]) -> Look:
    """The one post since the marker that reads like ours and belongs to no other delivery.

    Never ABSENT, and nothing where the list does not reach back to the marker or the post has no words.
    """
    params = {"fields": "id,message,created_time,permalink_url", "limit": str(LIST_SIZE)}
    body = await graph.get(f"/{target.account_id}/feed", target.token, READ, **params)
    items = objects(body, "data")
    floor = since.astimezone(UTC).replace(microsecond=0)  # Facebook stamps whole seconds
    times = [moment(item.get("created_time")) for item in items]
    newer = [item for item, at in zip(items, times, strict=True) if at is not None and at >= floor]
    if not ours.strip() or len(newer) >= LIST_SIZE:
        return Look(Found.UNKNOWN)
    fitting = [item for item in newer if _reads_like(item, ours)]
    free = [item for item in fitting if _is_free(oauth.word(item.get("id")), taken)]
    if len(free) != 1:
        return Look(Found.UNKNOWN)
    return Look(Found.THERE, oauth.word(free[0].get("id")), address(free[0].get("permalink_url")))


def _reads_like(item: oauth.Body, ours: str) -> bool:
    message = item.get("message")
    return isinstance(message, str) and text.same_caption(ours, message)


def _is_free(post_id: str | None, taken: frozenset[str]) -> bool:
    """Posts are `<page>_<post>`; a film may be known to us by the second part alone."""
    return post_id is not None and not {post_id, post_id.rpartition("_")[2]} & taken


def full_id(page_id: str, post_id: str) -> str:
    """A post's id with its Page's in front, however it came."""
    return post_id if "_" in post_id else f"{page_id}_{post_id}"
