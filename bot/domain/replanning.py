"""Whether and when queued posts go out: move, stagger, publish now, cancel, restore. See `revising`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.auditing import Actor
from bot.domain.checking_posts import STAGGER
from bot.domain.deciding import MOVED_ON, Choice, Outcome
from bot.domain.errors import NotCurrent, Refused
from bot.domain.posting import PAST_TOLERANCE
from bot.domain.revising import change, chosen
from storage import queue as store
from storage.deliveries import BEFORE_RETURN
from storage.models import Connection, Delivery

PAST = "That time is in the past. Choose a later one, or publish it now."


async def move(
    session: AsyncSession,
    actor: Actor,
    choices: Sequence[Choice],
    due_at: datetime,
    now: datetime,
    apart: timedelta = timedelta(0),
) -> Outcome:
    """Another moment (UTC-aware) for the first post, and for each further one that much later, in the order
    in which they were due. Raises Refused for a moment in the past, NotCurrent."""
    if due_at < now - PAST_TOLERANCE:
        raise Refused(PAST)
    rows = await chosen(session, actor, choices)
    seen = {choice.numbers for choice in choices}
    can = [row for row in rows if (row.id, row.attempt, row.revision) in seen and row.state in BEFORE_RETURN]
    wanted = _spread(can or rows, due_at, apart)
    stands = (row.state == "scheduled" and row.due_at == row.planned_at == wanted.get(row.id) for row in rows)
    if rows and all(stands):
        return Outcome(tuple(rows), repeated=True)

    def moved(choice: Choice, _: int) -> dict[str, Any]:
        due = wanted.get(choice.delivery_id, due_at)
        return _due(due, due)

    return await change(session, actor, choices, "post.moved", now, store.open_ones(), moved)


async def publish_now(
    session: AsyncSession, actor: Actor, choices: Sequence[Choice], now: datetime
) -> Outcome:
    """Due from now on. Raises NotCurrent."""
    return await change(
        session, actor, choices, "post.hurried", now, store.open_ones(), lambda *_: _due(now, now)
    )


async def stagger(
    session: AsyncSession, actor: Actor, choices: Sequence[Choice], now: datetime, step: timedelta = STAGGER
) -> Outcome:
    """Moves the chosen deliveries apart: the first stays, each further one goes `step` later. They are due
    at one moment, that of the first. Raises NotCurrent."""
    first = await session.get(Delivery, choices[0].delivery_id) if choices else None
    if first is None or first.workspace_id != actor.workspace_id:
        raise NotCurrent(MOVED_ON)
    start = max(first.due_at, now)

    def spread(_: Choice, number: int) -> dict[str, Any]:
        return _due(start + number * step, start + number * step)

    return await change(session, actor, choices, "post.staggered", now, store.open_ones(), spread)


async def cancel(session: AsyncSession, actor: Actor, choices: Sequence[Choice], now: datetime) -> Outcome:
    """Takes it out of the queue; it can be restored for a day. Raises NotCurrent."""
    values = {"state": "cancelled", "reason": store.CANCELLED, "next_at": None, "late": False}
    return await change(session, actor, choices, "post.cancelled", now, store.open_ones(), lambda *_: values)


async def restore(session: AsyncSession, actor: Actor, choices: Sequence[Choice], now: datetime) -> Outcome:
    """Puts back what was cancelled less than a day ago. What is late by then is asked about, not fired.

    Raises NotCurrent."""
    living = select(Connection.id).where(Connection.state == "live")
    condition = and_(store.restorable(now), Delivery.connection_id.in_(living))
    values = _due(Delivery.due_at, Delivery.due_at)
    return await change(session, actor, choices, "post.restored", now, condition, lambda *_: values)


def _spread(rows: Sequence[Delivery], due_at: datetime, apart: timedelta) -> dict[str, datetime]:
    """The first post's moment, and each further one's that much later, by the delivery."""
    moments = list(dict.fromkeys((row.due_at, row.post_id) for row in sorted(rows, key=_in_due_order)))
    return {row.id: due_at + moments.index((row.due_at, row.post_id)) * apart for row in rows}


def _in_due_order(row: Delivery) -> tuple[datetime, datetime, str]:
    return row.due_at, row.created_at, row.post_id


def _due(due_at: Any, next_at: Any) -> dict[str, Any]:
    return {
        "state": "scheduled",
        "due_at": due_at,
        "planned_at": due_at,
        "next_at": next_at,
        "late": False,
        "reason": None,
        "code": None,
    }
