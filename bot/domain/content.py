"""A post's rows as the value platforms publish, and the handles that publishing makes on the way.

Handles are sealed (upload addresses are credentials) and fit only the revision of the post and the generation
of the connection they were made for; otherwise they are made anew.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from bot.domain.house import House
from bot.domain.tokens import after
from bot.platforms.base import Content, Media, MediaKind, Ready, Wait
from storage.crypto import Place
from storage.deliveries import Work
from storage.models import Post


def content_of(post: Post) -> Content:
    return Content(
        text=post.text,
        media=tuple(media_from(item) for item in post.media),
        title=post.title,
        link=post.link,
    )


def media_from(item: dict[str, Any]) -> Media:
    return Media(
        url=item["url"],
        kind=MediaKind(item["kind"]),
        mime=item["mime"],
        size=item["size"],
        width=item.get("width"),
        height=item.get("height"),
        duration=item.get("duration"),
        alt=item.get("alt"),
    )


def media_row(media: Media) -> dict[str, Any]:
    """A medium as the post's row keeps it."""
    return {
        "url": media.url,
        "kind": media.kind.value,
        "mime": media.mime,
        "size": media.size,
        "width": media.width,
        "height": media.height,
        "duration": media.duration,
        "alt": media.alt,
    }


def stored_handles(house: House, work: Work, now: datetime) -> dict[str, str]:
    """The handles that still fit, or none."""
    delivery = work.delivery
    if delivery.handles is None or delivery.handles_revision != work.post.revision:
        return {}
    if delivery.handles_generation != work.connection.generation:
        return {}
    if delivery.handles_until is not None and delivery.handles_until <= now:
        return {}
    return open_handles(house, work)


def open_handles(house: House, work: Work) -> dict[str, str]:
    """The handles as they were made, whether or not they would be used again (a look needs the old ones)."""
    if work.delivery.handles is None:
        return {}
    opened: dict[str, str] = json.loads(house.vault.open(work.delivery.handles, _place(work.delivery.id)))
    return opened


def sealed_handles(house: House, work: Work, made: Ready | Wait, now: datetime) -> dict[str, Any]:
    """The columns that keep handles."""
    body = json.dumps(dict(made.handles))
    return {
        "handles": house.vault.seal(body, _place(work.delivery.id)),
        "handles_until": after(now, made.fresh_for),
        "handles_revision": work.post.revision,
        "handles_generation": work.connection.generation,
    }


def _place(delivery_id: str) -> Place:
    return Place("deliveries", delivery_id, "handles")
