"""The engine's own rows: the next due moment, living processes, the last sweep, keys in use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.crypto import CryptoError, Place, Vault
from storage.models import (
    Breaker,
    Connection,
    Delivery,
    EngineFact,
    Grant,
    Incident,
    KeyCheck,
    Notice,
    Process,
    Routine,
    SeenEvent,
    Workspace,
)
from storage.upsert import insert_new
from storage.watching import BEFORE_POSTS

LAST_SWEEP = "last_sweep"
CHECK_TEXT = "this key opens what it sealed"
SEEN_EVENTS_KEPT = timedelta(days=1)
PROCESS_SILENT_AFTER = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class LastSweep:
    """When the last sweep finished, in house time and in real time."""

    house: datetime
    real: datetime


def _first(column: Any, after: str) -> Any:
    return select(func.min(column)).where(column > bindparam(after)).scalar_subquery()


NEXT_MOMENTS = select(
    *(
        _first(column, "after")
        for column in (
            Grant.next_due_at,
            Delivery.next_at,
            Connection.next_change_at,
            Incident.next_at,
            Incident.remind_at,
            Breaker.retry_at,
            Workspace.remove_at,
            Routine.next_at,
        )
    ),
    _first(Delivery.next_at, "after_posts"),
)


async def next_moment(session: AsyncSession, after: datetime) -> datetime | None:
    """The first moment after `after` at which something falls due: nine index look-ups in one statement."""
    later = {"after": after, "after_posts": after + BEFORE_POSTS}
    *moments, post = (await session.execute(NEXT_MOMENTS, later)).one()
    moments.append(post - BEFORE_POSTS if post is not None else None)  # the look before a post
    return min((moment for moment in moments if moment is not None), default=None)


async def sweep_finished(session: AsyncSession, house: datetime, real: datetime, seconds: float) -> None:
    values: dict[str, Any] = {"real": real.isoformat(), "seconds": round(seconds, 3)}
    fresh = {"name": LAST_SWEEP, "value": values, "at": house}
    if not await insert_new(session, EngineFact, fresh, "name"):
        await session.execute(
            update(EngineFact).where(EngineFact.name == LAST_SWEEP).values(value=values, at=house)
        )


async def last_sweep(session: AsyncSession) -> LastSweep | None:
    fact = await session.get(EngineFact, LAST_SWEEP, populate_existing=True)
    if fact is None or fact.at is None:
        return None
    return LastSweep(fact.at, datetime.fromisoformat(fact.value["real"]))


async def count_unsent(session: AsyncSession, now: datetime) -> int:
    """Slack messages whose time has come and that are not out yet (real time)."""
    query = select(func.count()).select_from(Notice).where(Notice.next_at <= now)
    return int(await session.scalar(query) or 0)


async def beat(
    session: AsyncSession, process_id: str, code_version: int, key_ids: list[str], lease_now: datetime
) -> None:
    """Says that a process lives, and forgets those that have been silent for long."""
    fresh = {"id": process_id, "code_version": code_version, "key_ids": key_ids}
    times = {"started_at": lease_now, "seen_at": lease_now}
    if not await insert_new(session, Process, fresh | times, "id"):
        await session.execute(update(Process).where(Process.id == process_id).values(seen_at=lease_now))
    silent = Process.seen_at < lease_now - PROCESS_SILENT_AFTER
    await session.execute(delete(Process).where(silent))


async def leave(session: AsyncSession, process_id: str) -> None:
    await session.execute(delete(Process).where(Process.id == process_id))


async def forget_seen_events(session: AsyncSession, now: datetime) -> None:
    await session.execute(delete(SeenEvent).where(SeenEvent.seen_at < now - SEEN_EVENTS_KEPT))


async def check_keys(session: AsyncSession, vault: Vault, now: datetime) -> list[str]:
    """Ids of keys that this database needs and that are not configured; new keys are noted."""
    rows = (await session.execute(select(KeyCheck))).scalars().all()
    missing = [row.key_id for row in rows if row.key_id not in vault.key_ids]
    known = {row.key_id: row.check for row in rows}
    for key_id in vault.key_ids:
        if key_id in known:
            _verify(vault, key_id, known[key_id])
    if vault.current not in known:
        check = vault.seal(CHECK_TEXT, _place(vault.current))
        values = {"key_id": vault.current, "check": check, "created_at": now}
        await insert_new(session, KeyCheck, values, "key_id")
    return missing


def _verify(vault: Vault, key_id: str, check: str) -> None:
    if vault.open(check, _place(key_id)) != CHECK_TEXT:
        raise CryptoError(f"the key {key_id} does not open what it sealed")


def _place(key_id: str) -> Place:
    return Place("key_checks", key_id, "check")
