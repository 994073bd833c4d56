"""Holding posts while their connection cannot carry them, and letting them go again.

What is held is not burnt. After the cure, what is still on time goes out by itself; what is late is offered
in one message per client, never fired all at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.house import House
from bot.domain.telling import show_view, team, tell_event
from storage import deliveries as store
from storage.deliveries import Work
from storage.models import Connection, Delivery, Grant, Notice, new_id

# The cure lets held posts go in its own transaction; this catches one that is held in that very moment.
HELD_RECHECK = timedelta(hours=1)
WAITING_PAUSE = timedelta(minutes=1)


class Hold(StrEnum):
    """Why a delivery waits."""

    PAUSED = "paused"
    DEAD = "dead"
    WAITING = "waiting"  # for the platform to answer
    LATE = "late"  # past its time: a person decides
    RESTORED = "restored"  # as a backup had it: a person knows what has happened to it since


def why_held(work: Work) -> Hold | None:
    """Whether a delivery must wait, from the facts of its connection. Pure."""
    if work.workspace.paused_at is not None or work.client.paused_at is not None:
        return Hold.PAUSED
    if work.workspace.uninstalled_at is not None:
        return Hold.PAUSED
    return Hold.DEAD if cannot_post(work.connection, work.grant) else None


def cannot_post(connection: Connection, grant: Grant) -> bool:
    """Whether nothing goes out on an account until a person put it right."""
    return (
        connection.state != "live" or connection.problem is not None or grant.state in ("dead", "forgotten")
    )


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


async def offer(
    session: AsyncSession, held: Sequence[Delivery], now: datetime, why: Hold = Hold.LATE
) -> None:
    """Asks about posts that do not go out by themselves any more, all of a client in one message.

    While something in that message is undecided, what comes later joins it, and a reply says so."""
    by_client: dict[str, list[Delivery]] = {}
    for item in held:
        by_client.setdefault(item.client_id, []).append(item)
    for items in by_client.values():
        notice = await _open_offer(session, items[0])
        asked = {"state": "blocked", "next_at": None, "reason": why, "late": True, "offer_id": notice.id}
        for item in items:
            await _set(session, item, now, **asked)
        if notice.sent_version:
            await _tell_more(session, notice, items)


async def _open_offer(session: AsyncSession, item: Delivery) -> Notice:
    """The message in which a client's posts are asked about: the one that still asks, or a new one."""
    key = f"late:{item.client_id}"
    await store.retire_offer(session, key, f"{key}:{new_id()}")
    place = item.workspace_id, "late", key, team(item.client_id)
    return await show_view(session, *place, subject_id=item.client_id)


async def _tell_more(session: AsyncSession, notice: Notice, items: Sequence[Delivery]) -> None:
    first = items[0]
    await tell_event(
        session,
        first.workspace_id,
        "late.more",
        f"late:{notice.id}:{first.id}:{first.attempt}:{first.revision}",
        team(first.client_id),
        subject_id=first.client_id,
        facts={"posts": len({item.post_id for item in items})},
        root=notice,
        broadcast=True,
    )


async def offer_late_of_client(session: AsyncSession, house: House, found: Delivery, now: datetime) -> None:
    """After a gap: everything of `found`'s client that is past its time, in one message."""
    past = now - house.late_after
    late = await store.overdue(session, found.client_id, past, Hold.WAITING, found.id)
    await offer(session, late, now)


async def _set(session: AsyncSession, delivery: Delivery, now: datetime, **values: object) -> None:
    await session.execute(
        update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.state == delivery.state)
        .values(changed_at=now, lease_owner=None, lease_until=None, **values)
        .execution_options(synchronize_session=False)
    )
