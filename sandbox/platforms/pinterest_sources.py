"""What a pin may be made of: the kinds of `media_source` (Pinterest facts §5.5)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from sandbox.platforms.core import Call
from sandbox.platforms.fetch import Fetcher, Unfetchable
from sandbox.platforms.images import jpeg_size, kind_of
from sandbox.platforms.pinterest_manners import invalid, refused
from sandbox.platforms.pinterest_media import MediaShelf

BIGGEST = 20 * 1024 * 1024
IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
INLINE = ("image/jpeg", "image/png")
FIELDS = {
    "image_url": {"url", "is_standard"},
    "image_base64": {"content_type", "data", "is_standard"},
    "multiple_image_urls": {"items", "index"},
    "multiple_image_base64": {"items", "index"},
    "video_id": {
        "media_id",
        "cover_image_url",
        "cover_image_content_type",
        "cover_image_data",
        "cover_image_key_frame_time",
        "is_standard",
    },
    "pin_url": {"url"},
}
TEXTS = {"title", "description", "link"}


@dataclass(frozen=True)
class Sources:
    """Checks media sources against the videos that are there and the images that can be fetched."""

    media: MediaShelf
    fetcher: Fetcher

    async def checked(self, call: Call, source: object) -> tuple[str, ...]:
        """What the pin shows: addresses, a video's id, or `inline`. Raises Refused."""
        if not isinstance(source, dict):
            raise invalid("'media_source' is a required property")
        kind = source.get("source_type")
        if kind not in FIELDS or not set(source) <= FIELDS[kind] | {"source_type"}:
            raise invalid(f"media_source: '{kind}' with {sorted(source)} is not valid under any schema")
        if kind == "image_url":
            await self._fetched(call, source.get("url"))
            return (str(source["url"]),)
        if kind == "image_base64":
            _decoded(source)
            return ("inline",)
        if kind == "video_id":
            return await self._video(call, source)
        if kind == "pin_url":
            return self._pin(call, source)
        return await self._several(call, source, kind == "multiple_image_urls")

    async def _fetched(self, call: Call, address: object) -> tuple[int, int] | None:
        """Width and height of the image at the address, None when they cannot be told. Raises Refused."""
        if not isinstance(address, str) or not address.startswith(("https://", "http://")):
            raise invalid("'url' must be an address")
        if call.fault("media_unfetchable"):
            raise refused(400, 1, "Unable to reach the URL.")
        try:
            file = await self.fetcher(address)
        except Unfetchable:
            raise refused(400, 1, "Unable to reach the URL.") from None
        if kind_of(file.data) not in IMAGES or len(file.data) > BIGGEST:
            raise invalid("the image is too big or of an unsupported type")
        return jpeg_size(file.data)

    async def _several(self, call: Call, source: dict[str, Any], by_address: bool) -> tuple[str, ...]:
        items, index = source.get("items"), source.get("index", 0)
        if not isinstance(items, list) or not 2 <= len(items) <= 5:
            raise invalid("media_source.items: minItems=2, maxItems=5")
        if not isinstance(index, int) or not 0 <= index < len(items):
            raise invalid("media_source.index is out of range")
        named = {"url"} if by_address else {"content_type", "data"}
        sizes = set()
        for item in items:
            if not isinstance(item, dict) or not named <= set(item) <= named | TEXTS:
                raise invalid("media_source.items: an item is not valid")
            sizes.add(await self._fetched(call, item["url"]) if by_address else _decoded(item))
        if len(sizes) > 1:
            raise invalid("all images of a carousel must have the same size")
        return tuple(str(item.get("url", "inline")) for item in items)

    async def _video(self, call: Call, source: dict[str, Any]) -> tuple[str, ...]:
        inline = "cover_image_content_type" in source and "cover_image_data" in source
        if not inline and "cover_image_url" not in source and "cover_image_key_frame_time" not in source:
            raise invalid("media_source: cover_image_url is required for a video")
        if inline:
            cover = {"content_type": source["cover_image_content_type"], "data": source["cover_image_data"]}
            _decoded(cover)
        if "cover_image_url" in source:
            await self._fetched(call, source["cover_image_url"])
        media = self.media.mine(call, str(source.get("media_id", "")))
        if media.state != "succeeded":
            raise invalid(f"media {media.id} is {media.state}, not succeeded")
        return (media.id,)

    def _pin(self, call: Call, source: dict[str, Any]) -> tuple[str, ...]:
        id = str(source.get("url", "")).rstrip("/").rpartition("/")[2]
        post = call.world.posts.get(("pinterest", id))
        if post is None or post.deleted:
            raise refused(404, 50, "Pin not found.")
        return post.media


def _decoded(item: dict[str, Any]) -> tuple[int, int] | None:
    """Width and height of an image that came in the request. Raises Refused."""
    if item.get("content_type") not in INLINE or not isinstance(item.get("data"), str):
        raise invalid("content_type image/jpeg or image/png, and data, are required")
    try:
        data = base64.b64decode(item["data"], validate=True)
    except binascii.Error:
        raise invalid("'data' is not base64") from None
    if kind_of(data) != item["content_type"] or len(data) > BIGGEST:
        raise invalid("the image is too big or not of its content_type")
    return jpeg_size(data)
