"""A post's rows as the value platforms publish, and the handles that publishing makes on the way.

Handles are sealed (upload addresses are credentials) and fit only the revision of the post and the generation
of the connection they were made for; otherwise they are made anew.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from bot.domain.house import House
from bot.domain.media_use import address
from bot.domain.tokens import after
from bot.platforms.base import Ready, Wait
from bot.platforms.content import Content, Media, MediaKind
from storage.crypto import Place
from storage.deliveries import Work
from storage.models import Delivery, Post


def content_of(house: House, post: Post, delivery: Delivery | None = None) -> Content:
    """The post as platforms are given it, with the text of its own that a delivery may have; what is stored
    here gets a fresh address each time."""
    own = delivery.text if delivery is not None else None
    return Content(
        text=post.text if own is None else own,
        media=tuple(media_from(house, item) for item in post.media),
        title=post.title,
        link=post.link,
    )


def media_from(house: House, item: dict[str, Any]) -> Media:
    stored = item.get("id")
    return Media(
        url=address(house, stored, item["mime"]) if stored else item["url"],
        kind=MediaKind(item["kind"]),
        mime=item["mime"],
        size=item["size"],
        width=item.get("width"),
        height=item.get("height"),
        duration=item.get("duration"),
        alt=item.get("alt"),
        stored=stored,
    )


def media_row(media: Media) -> dict[str, Any]:
    """A medium as the post's row keeps it: a link, or the id of what is stored here."""
    return {
        "id": media.stored,
        "url": None if media.stored else media.url,
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
    """The columns that keep handles. A later step never makes the earlier ones among them live longer."""
    body = json.dumps(dict(made.handles))
    until = after(now, made.fresh_for)
    before = work.delivery.handles_until
    if until is not None and before is not None and stored_handles(house, work, now):
        until = min(before, until)
    return {
        "handles": house.vault.seal(body, _place(work.delivery.id)),
        "handles_until": until,
        "handles_revision": work.post.revision,
        "handles_generation": work.connection.generation,
    }


def _place(delivery_id: str) -> Place:
    return Place("deliveries", delivery_id, "handles")
