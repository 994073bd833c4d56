"""Pictures and films of posts: known by their bytes, kept in a store, offered at signed addresses."""

from __future__ import annotations

from bot.media.looks import Looks, look_at, sniff
from bot.media.reader import HouseMedia
from bot.media.shelf import Shelf, memory_shelf, open_shelf
from bot.media.signing import Signer
from bot.media.store import MediaStore, StoreTrouble

__all__ = [
    "HouseMedia",
    "Looks",
    "MediaStore",
    "Shelf",
    "Signer",
    "StoreTrouble",
    "look_at",
    "memory_shelf",
    "open_shelf",
    "sniff",
]
