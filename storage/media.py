"""Stored media by id and by content, and which of them anything still needs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import Delivery, MediaUse, StoredMedia
from storage.upsert import insert_new


@dataclass(frozen=True, slots=True)
class Need:
    """The deliveries of one file in one state: when the last of them is due, and when one last changed."""

    state: str
    due_at: datetime
    changed_at: datetime


async def find(session: AsyncSession, media_id: str) -> StoredMedia | None:
    """A file that may be used."""
    query = select(StoredMedia).where(StoredMedia.id == media_id, StoredMedia.digest.is_not(None))
    return (await session.execute(query)).scalar_one_or_none()


async def used(
    session: AsyncSession, workspace_id: str, ids: Collection[str], now: datetime, until: datetime
) -> set[str]:
    """Files of a workspace that are used now, and not looked at before `until`; those that were there.

    Rows are held in the order of their ids, as by all who hold several: so nobody waits in a circle."""
    await session.execute(
        select(StoredMedia.id).where(StoredMedia.id.in_(list(ids))).order_by(StoredMedia.id).with_for_update()
    )
    later = case((StoredMedia.next_at < until, until), else_=StoredMedia.next_at)
    kept = await session.execute(
        update(StoredMedia)
        .where(
            StoredMedia.id.in_(list(ids)),
            StoredMedia.workspace_id == workspace_id,
            StoredMedia.digest.is_not(None),
        )
        .values(used_at=now, next_at=later)
        .returning(StoredMedia.id)
        .execution_options(synchronize_session=False)
    )
    return set(kept.scalars())


async def same(session: AsyncSession, workspace_id: str, digest: str) -> StoredMedia | None:
    """The workspace's file with this content."""
    query = select(StoredMedia).where(StoredMedia.workspace_id == workspace_id, StoredMedia.digest == digest)
    return (await session.execute(query)).scalar_one_or_none()


async def settle(session: AsyncSession, media_id: str, digest: str, until: datetime) -> bool:
    """A file is stored whole; false where the same content was settled first, or the row was taken away."""
    try:
        async with session.begin_nested():
            done = await session.execute(
                update(StoredMedia)
                .where(StoredMedia.id == media_id, StoredMedia.digest.is_(None))
                .values(digest=digest, next_at=until)
                .returning(StoredMedia.id)
                .execution_options(synchronize_session=False)
            )
            return done.first() is not None
    except IntegrityError:
        return False


async def remember_use(session: AsyncSession, media_id: str, post_id: str) -> None:
    """A post holds a file; said once however often."""
    values = {"media_id": media_id, "post_id": post_id}
    await insert_new(session, MediaUse, values, "media_id", "post_id")


async def due(session: AsyncSession, now: datetime, limit: int) -> Sequence[StoredMedia]:
    """Files whose need has to be looked at, from the index."""
    query = select(StoredMedia).where(StoredMedia.next_at <= now).order_by(StoredMedia.next_at).limit(limit)
    return (await session.execute(query)).scalars().all()


async def needs(session: AsyncSession, media_id: str) -> list[Need]:
    """What rests on a file."""
    query = (
        select(Delivery.state, func.max(Delivery.due_at), func.max(Delivery.changed_at))
        .join(MediaUse, MediaUse.post_id == Delivery.post_id)
        .where(MediaUse.media_id == media_id)
        .group_by(Delivery.state)
    )
    return [Need(*row) for row in (await session.execute(query)).all()]


async def look_again(session: AsyncSession, media_id: str, seen: datetime, until: datetime) -> None:
    """The file is needed: the next look is at `until`, unless somebody moved it meanwhile."""
    await session.execute(
        update(StoredMedia)
        .where(StoredMedia.id == media_id, StoredMedia.next_at == seen)
        .values(next_at=until)
        .execution_options(synchronize_session=False)
    )


async def withdraw(session: AsyncSession, media_id: str, seen: datetime, until: datetime) -> bool:
    """Nothing needs the file: from here on nobody can use it. False where somebody began to meanwhile.

    A process that dies before the bytes are gone leaves the rest to whoever looks at `until`."""
    done = await session.execute(
        update(StoredMedia)
        .where(StoredMedia.id == media_id, StoredMedia.next_at == seen)
        .values(digest=None, next_at=until)
        .returning(StoredMedia.id)
        .execution_options(synchronize_session=False)
    )
    return done.first() is not None


async def forget(session: AsyncSession, ids: Collection[str]) -> None:
    """Takes away rows whose bytes are gone."""
    withdrawn = select(StoredMedia.id).where(StoredMedia.id.in_(list(ids)), StoredMedia.digest.is_(None))
    await session.execute(
        delete(MediaUse).where(MediaUse.media_id.in_(withdrawn)).execution_options(synchronize_session=False)
    )
    await session.execute(
        delete(StoredMedia)
        .where(StoredMedia.id.in_(list(ids)), StoredMedia.digest.is_(None))
        .execution_options(synchronize_session=False)
    )
