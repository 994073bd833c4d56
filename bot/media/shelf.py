"""The store together with what signs its addresses: handed around as one."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.media.signing import Signer
from bot.media.store import MediaStore


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where stored media lie, and who signs for them."""

    store: MediaStore
    signer: Signer


def open_shelf(url: str | None, data_dir: Path, keys: Sequence[bytes]) -> Shelf:
    """The shelf of the settings: without an address, a folder beside the database. Raises ValueError."""
    return Shelf(MediaStore(url or (data_dir / "media").resolve().as_uri()), Signer(keys))


def memory_shelf() -> Shelf:
    """A shelf that is empty again with each process."""
    return Shelf(MediaStore("memory:///"), Signer([secrets.token_bytes(32)]))
