"""On SQLite one running bot owns the file: a second is refused, by a lock that dies with its process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import make_url


class AlreadyRunning(Exception):
    """Another bot runs on the same database file."""


@contextmanager
def only_one(url: str) -> Iterator[None]:
    """Holds the file's lock while the block runs; nothing to hold on PostgreSQL. Raises AlreadyRunning."""
    path = make_url(url).database
    if make_url(url).get_backend_name() != "sqlite" or not path:
        yield
        return
    with open(f"{os.path.realpath(path)}.lock", "w") as file:  # one lock by whatever name the file goes
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(path) from None
        yield
