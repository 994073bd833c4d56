"""Reading a post's media for platforms that want the bytes: what is stored here is read from the store."""

from __future__ import annotations

from dataclasses import dataclass

from bot.media.store import MediaStore, StoreTrouble
from bot.platforms.content import Media, MediaGone, MediaReader


@dataclass(frozen=True, slots=True)
class HouseMedia:
    """A `MediaReader`: stored media from the store, everything else by `links`."""

    store: MediaStore
    links: MediaReader | None = None

    async def read(self, media: Media, start: int, length: int) -> bytes:
        """At most `length` bytes from `start`. Raises MediaGone."""
        if media.stored is None:
            if self.links is None:
                raise MediaGone("not stored here")
            return await self.links.read(media, start, length)
        length = min(length, media.size - start)
        if length <= 0:
            return b""
        try:
            return await self.store.read(media.stored, start, length)
        except StoreTrouble as trouble:
            raise MediaGone(str(trouble)) from None
