"""Holding posts while their connection cannot carry them, and letting them go again.

What is held is not burnt. After the cure, what is still on time goes out by itself; what is late is offered
in one message per client, never fired all at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.house import House
from bot.domain.telling import show_view, team
from storage import deliveries as store
from storage.deliveries import Work
from storage.models import Delivery


class Hold(StrEnum):
    """Why a delivery waits."""

    PAUSED = "paused"
    DEAD = "dead"
    WAITING = "waiting"  # for the platform to answer
    LATE = "late"  # past its time: a person decides


def why_held(work: Work, now: datetime) -> Hold | None:
    """Whether a delivery must wait, from the facts of its connection. Pure."""
    if work.workspace.paused_at is not None or work.client.paused_at is not None:
        return Hold.PAUSED
    if work.workspace.uninstalled_at is not None:
        return Hold.PAUSED
    connection, grant = work.connection, work.grant
    if connection.state != "live" or connection.problem is not None:
        return Hold.DEAD
    if grant.state in ("dead", "forgotten"):
        return Hold.DEAD
    return None


def is_late(delivery: Delivery, house: House, now: datetime) -> bool:
    """Past its planned moment by more than the tolerance: a person decides."""
    return now - delivery.planned_at > house.late_after


async def release(
    session: AsyncSession, house: House, connection_ids: Iterable[str], now: datetime
) -> tuple[int, int]:
    """Lets go what waited on these connections: (sent on their way, offered because they are late)."""
    held = await store.held(session, connection_ids, now - house.late_after)
    on_time = [item for item in held if not item.late and not is_late(item, house, now)]
    late = [item for item in held if not item.late and is_late(item, house, now)]
    for item in on_time:
        await _set(session, item, now, state="scheduled", next_at=max(item.due_at, now), reason=None)
    await offer(session, late, now)
    return len(on_time), len(late)


async def offer(session: AsyncSession, late: Sequence[Delivery], now: datetime) -> None:
    """Asks about late posts, all of a client in one message."""
    by_client: dict[str, list[Delivery]] = {}
    for item in late:
        await _set(session, item, now, state="blocked", next_at=None, reason=Hold.LATE, late=True)
        by_client.setdefault(item.client_id, []).append(item)
    for client_id, items in by_client.items():
        await show_view(
            session,
            items[0].workspace_id,
            "late",
            f"late:{items[0].id}:{items[0].attempt}",
            team(client_id),
            subject_id=client_id,
            facts={"deliveries": [item.id for item in items]},
        )


async def offer_late_of_client(session: AsyncSession, house: House, found: Delivery, now: datetime) -> None:
    """After a gap: everything of `found`'s client that is past its time, in one message."""
    late = await store.overdue(session, found.client_id, now - house.late_after, found.id)
    await offer(session, late, now)


async def _set(session: AsyncSession, delivery: Delivery, now: datetime, **values: object) -> None:
    await session.execute(
        update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.state == delivery.state)
        .values(changed_at=now, lease_owner=None, lease_until=None, **values)
        .execution_options(synchronize_session=False)
    )
