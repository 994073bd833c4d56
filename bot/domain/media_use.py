"""Stored media: kept once, held by posts, offered at signed addresses, removed when nothing needs them.

A row without its digest is not to be used: it is being stored, or on its way out. So a process that dies in
the middle of either leaves something that the next look finds on the index and removes.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.errors import Refused
from bot.domain.house import House
from bot.media.looks import EXTENSIONS, Looks
from bot.media.store import StoreTrouble
from bot.platforms.content import Media, MediaKind
from storage import media as store
from storage.media import Need
from storage.models import Post, StoredMedia, new_id

log = structlog.get_logger(__name__)

ADDRESS_LIFE = timedelta(hours=24)  # of an address: the retries of one step end within an hour
UNUSED = timedelta(days=1)  # an upload whose post was not queued yet
STORING = timedelta(hours=1)  # far more than any upload takes
AGAIN = timedelta(days=1)  # between two looks at a file that waits
DROPPING = timedelta(minutes=10)
KEPT_AFTER = {"failed": timedelta(days=30), "cancelled": timedelta(days=2)}  # a retry, or a change of mind
DONE = frozenset({"published"})
BATCH = 100

NOT_STORED = "That file could not be kept just now. Try again in a moment."
FILE_GONE = "A file of this post is not stored any more. Attach it again."


async def keep(house: House, workspace_id: str, source: Path, looks: Looks) -> Media:
    """Stores a file that was looked at, the same content once a workspace. Raises Refused."""
    digest = await asyncio.to_thread(_digest_of, source)
    now = house.clock.now()
    async with house.db.write() as session:
        known = await _known(session, workspace_id, digest, now)
        if known is not None:
            return offered(house, known)
        row = _new_row(workspace_id, source.stat().st_size, looks, now)
        session.add(row)
    try:
        await house.shelf.store.keep(row.id, source)
    except StoreTrouble as trouble:
        log.error("media_not_stored", problem=str(trouble))
        raise Refused(NOT_STORED) from None
    async with house.db.write() as session:
        if not await store.settle(session, row.id, digest, house.clock.now() + UNUSED):
            known = await _known(session, workspace_id, digest, now)
            if known is None:
                raise Refused(NOT_STORED)
            return offered(house, known)
    return offered(house, row)


async def again(house: House, workspace_id: str, media_id: str | None) -> Media | None:
    """A file that was stored before, used now; None where it is gone, or another workspace's."""
    if media_id is None:
        return None
    now = house.clock.now()
    async with house.db.write() as session:
        row = await store.find(session, media_id)
        if row is None or not await store.used(session, workspace_id, [media_id], now, now + UNUSED):
            return None
        return offered(house, row)


async def _known(session: AsyncSession, workspace_id: str, digest: str, now: datetime) -> StoredMedia | None:
    known = await store.same(session, workspace_id, digest)
    if known is None or not await store.used(session, workspace_id, [known.id], now, now + UNUSED):
        return None
    return known


def _new_row(workspace_id: str, size: int, looks: Looks, now: datetime) -> StoredMedia:
    return StoredMedia(
        id=new_id(),
        workspace_id=workspace_id,
        kind=looks.kind.value,
        mime=looks.mime,
        size=size,
        width=looks.width,
        height=looks.height,
        duration=looks.duration,
        created_at=now,
        used_at=now,
        next_at=now + STORING,
    )


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def offered(house: House, row: StoredMedia) -> Media:
    """A stored file as platforms are given it, with an address that lives long enough for all retries."""
    return Media(
        url=address(house, row.id, row.mime),
        kind=MediaKind(row.kind),
        mime=row.mime,
        size=row.size,
        width=row.width,
        height=row.height,
        duration=row.duration,
        stored=row.id,
    )


def address(house: House, media_id: str, mime: str) -> str:
    """Where a platform fetches a stored file; a capability that ends."""
    signed = house.shelf.signer.sign(media_id, house.clock.now() + ADDRESS_LIFE)
    return f"{house.public_url}/media/{signed}{EXTENSIONS.get(mime, '')}"


async def hold(session: AsyncSession, post: Post, media: Iterable[Media], now: datetime) -> None:
    """In the transaction that queues or edits a post: its files stay as long as it needs them.

    Raises Refused when one is not there, or belongs to another workspace."""
    ids = {item.stored for item in media if item.stored is not None}
    if not ids:
        return
    until = max(post.due_at, now) + UNUSED
    if await store.used(session, post.workspace_id, ids, now, until) != ids:
        raise Refused(FILE_GONE)
    for media_id in sorted(ids):
        await store.remember_use(session, media_id, post.id)


async def tidy(house: House) -> int:
    """Removes files that nothing needs any more, at most a batch; how many."""
    now = house.clock.now()
    async with house.db.read() as session:
        if not await store.due(session, now, 1):
            return 0
    async with house.db.write() as session:
        due = sorted(
            await store.due(session, now, BATCH), key=lambda row: row.id
        )  # the order of `store.used`
        in_order = sorted(due, key=lambda row: row.id)  # as `store.used` holds them
        gone = [row.id for row in in_order if not await _is_kept(session, row, now)]
    if not gone:
        return 0
    try:
        await house.shelf.store.drop(gone)
    except StoreTrouble as trouble:  # the rows stay, and are found again
        log.warning("media_not_removed", problem=str(trouble))
        return 0
    async with house.db.write() as session:
        await store.forget(session, gone)
    log.info("media_removed", count=len(gone))
    return len(gone)


async def _is_kept(session: AsyncSession, row: StoredMedia, now: datetime) -> bool:
    until = needed_until(await store.needs(session, row.id), now) if row.digest is not None else now
    if until > now:
        await store.look_again(session, row.id, row.next_at, until)
        return True
    return not await store.withdraw(session, row.id, row.next_at, now + DROPPING)


def needed_until(needs: Iterable[Need], now: datetime) -> datetime:
    """When to look again whether a file is needed; `now` where nothing needs it."""
    until = now
    for need in needs:
        if need.state in KEPT_AFTER:
            until = max(until, need.changed_at + KEPT_AFTER[need.state])
        elif need.state not in DONE:
            until = max(until, need.due_at + AGAIN, now + AGAIN)
    return until
