"""Every sealed column, read and replaced in batches, and which keys the database still needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.crypto import CryptoError, Place, Vault
from storage.engine import CHECK_TEXT, PROCESS_SILENT_AFTER
from storage.models import (
    Connection,
    Consent,
    Delivery,
    Grant,
    Invitation,
    KeyCheck,
    Process,
    Workspace,
)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A column whose values are sealed. `generation`: the column that they are bound to besides their row."""

    model: Any
    column: str
    generation: str | None = None

    @property
    def name(self) -> str:
        return f"{self.model.__tablename__}.{self.column}"

    @property
    def values(self) -> Any:
        return getattr(self.model, self.column)


@dataclass(frozen=True, slots=True)
class Found:
    """One sealed value where it stands."""

    row_id: str
    text: str
    place: Place


SEALED = (
    Sealed(Grant, "access_token", "generation"),
    Sealed(Grant, "refresh_token", "generation"),
    Sealed(Connection, "own_token", "own_token_generation"),
    Sealed(Invitation, "token"),
    Sealed(Consent, "verifier"),
    Sealed(Consent, "answer"),
    Sealed(Delivery, "handles"),
    Sealed(Workspace, "bot_token", "token_generation"),
)


async def others(
    session: AsyncSession, sealed: Sealed, key_id: str, after: str, limit: int
) -> Sequence[Found]:
    """Values that another key than `key_id` sealed, in rows whose id follows `after`, in their order."""
    row = sealed.model
    generation = getattr(row, sealed.generation) if sealed.generation else row.id
    query = (
        select(row.id, sealed.values, generation)
        .where(row.id > after, sealed.values.is_not(None), sealed.values.not_like(f"1.{key_id}.%"))
        .order_by(row.id)
        .limit(limit)
    )
    return [
        Found(item[0], item[1], _place(sealed, item[0], item[2] if sealed.generation else 0))
        for item in (await session.execute(query)).all()
    ]


def _place(sealed: Sealed, row_id: str, generation: int | None) -> Place:
    return Place(sealed.model.__tablename__, row_id, sealed.column, generation or 0)


async def replace(session: AsyncSession, sealed: Sealed, found: Found, fresh: str) -> bool:
    """Writes `fresh` where still exactly that stands which was read; false where somebody was faster."""
    row = sealed.model
    changed = await session.execute(
        update(row)
        .where(row.id == found.row_id, sealed.values == found.text)
        .values({sealed.column: fresh})
        .returning(row.id)
        .execution_options(synchronize_session=False)
    )
    return changed.first() is not None


async def in_use(session: AsyncSession) -> Mapping[str, int]:
    """How many values each key has sealed, by key id."""
    found: dict[str, int] = {}
    for sealed in SEALED:
        key_id = func.substr(sealed.values, 3, 8)
        query = select(key_id, func.count()).where(sealed.values.is_not(None)).group_by(key_id)
        for name, count in (await session.execute(query)).all():
            found[str(name)] = found.get(str(name), 0) + int(count)
    return found


async def living(session: AsyncSession, lease_now: datetime) -> Sequence[Process]:
    """The processes that have shown themselves within the last minutes."""
    query = select(Process).where(Process.seen_at > lease_now - PROCESS_SILENT_AFTER)
    return (await session.execute(query)).scalars().all()


async def missing(session: AsyncSession, vault: Vault) -> list[str]:
    """Ids of keys that the database needs and that are not configured. Raises CryptoError where one that is
    configured is not what it seems. Writes nothing."""
    rows = (await session.execute(select(KeyCheck))).scalars().all()
    for row in rows:
        known = row.key_id in vault.key_ids
        if known and vault.open(row.check, Place("key_checks", row.key_id, "check")) != CHECK_TEXT:
            raise CryptoError(f"the key {row.key_id} does not open what it sealed")
    return [row.key_id for row in rows if row.key_id not in vault.key_ids]


async def forget_unused(session: AsyncSession, keep: frozenset[str]) -> list[str]:
    """Forgets the keys that sealed nothing that is here now, but those in `keep`; returns their ids."""
    needed = keep | set(await in_use(session))
    gone = await session.execute(
        delete(KeyCheck).where(KeyCheck.key_id.not_in(needed)).returning(KeyCheck.key_id)
    )
    return sorted(gone.scalars().all())
