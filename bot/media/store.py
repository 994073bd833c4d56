"""Where the bytes lie: a folder for one machine, an object store for many, through one library (obstore)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

PIECE_BYTES = 1024 * 1024


class StoreTrouble(Exception):
    """The store does not have the file, or does not answer. The text names the kind of trouble only."""


class MediaStore:
    """Files by key. Every method raises StoreTrouble."""

    def __init__(self, url: str) -> None:
        """`url` as LAMPLIGHTER_MEDIA_URL: file:///folder, s3://bucket/prefix, gs://, az://, or memory:///.

        A store's credentials come from where that store's own tools take them. Raises ValueError.
        """
        try:
            if urlsplit(url).scheme == "file":
                Path(unquote(urlsplit(url).path)).mkdir(parents=True, exist_ok=True)
            self._store: Any = from_url(url)
        except (BaseError, OSError) as error:
            raise ValueError(f"cannot be opened ({type(error).__name__})") from None

    async def keep(self, key: str, source: Path) -> None:
        """Stores a file; it is there whole or not at all."""
        with _trouble():
            await obstore.put_async(self._store, key, source)

    async def read(self, key: str, start: int, length: int) -> bytes:
        """`length` bytes from `start`, fewer at the file's end."""
        with _trouble():
            return bytes(await obstore.get_range_async(self._store, key, start=start, length=length))

    async def stream(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `start` up to and without `end`, piece by piece; `start` is before `end`."""
        with _trouble():
            found = await obstore.get_async(self._store, key, options={"range": (start, end)})
            async for piece in found.stream(min_chunk_size=PIECE_BYTES):
                yield bytes(piece)

    async def drop(self, keys: Sequence[str]) -> None:
        """Removes files; those that are gone already are no trouble."""
        for key in keys:
            try:
                with _trouble():
                    await obstore.delete_async(self._store, key)
            except Gone:
                continue


class Gone(StoreTrouble):
    """The store does not have the file."""


@contextmanager
def _trouble() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise Gone("no such file") from None
    except (BaseError, OSError) as error:
        raise StoreTrouble(type(error).__name__) from None
