"""What people decide about deliveries: retry, release, confirm, drop.

Every decision carries the attempt and revision that the person saw: a press whose numbers are not current
changes nothing and says so. Ten presses are one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import reports
from bot.domain.auditing import Actor, record
from bot.domain.errors import NotCurrent
from storage import queue as store
from storage import watching
from storage.models import Delivery

MOVED_ON = "Nothing was changed: this has moved on since the message was written."
FRESH: dict[str, Any] = {
    "handles": None,
    "progress": None,
    "handles_until": None,
    "handles_revision": None,
    "handles_generation": None,
    "steps": 0,
}
"""What was prepared belongs to what was before."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision about one delivery as the person saw it."""

    delivery_id: str
    attempt: int
    revision: int

    @property
    def numbers(self) -> tuple[str, int, int]:
        """As the tables' conditional update takes them."""
        return self.delivery_id, self.attempt, self.revision


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a press came to: deliveries that changed, and the choices that had moved on and were left alone.

    `repeated`: the same was submitted before, and stands already."""

    changed: tuple[Delivery, ...]
    left: tuple[Choice, ...] = ()
    repeated: bool = False


Decision = Callable[[AsyncSession, Actor, Sequence[Choice], datetime], Awaitable[Outcome]]
"""What a person decides about deliveries."""


async def retry(session: AsyncSession, actor: Actor, choices: Iterable[Choice], now: datetime) -> Outcome:
    """Sends failed deliveries again: only those, each once. Raises NotCurrent when none is."""
    return await _decide(session, actor, choices, "post.retried", now, Delivery.state == "failed", again(now))


async def post_again(
    session: AsyncSession, actor: Actor, choices: Iterable[Choice], now: datetime
) -> Outcome:
    """A person looked and it is not there. Raises NotCurrent."""
    values = again(now) | {"looks": 0, "sending_id": None, "sending_at": None}
    return await _decide(session, actor, choices, "post.sent_again", now, _nobody_knows(), values)


async def it_is_live(
    session: AsyncSession, actor: Actor, choices: Iterable[Choice], now: datetime
) -> Outcome:
    """A person looked and it is there. Raises NotCurrent."""
    values = {"state": "published", "published_at": now, "settled_by": actor.user_id, "reason": None}
    return await _decide(session, actor, choices, "post.confirmed", now, _nobody_knows(), values)


def _nobody_knows() -> ColumnElement[bool]:
    """Unconfirmed, and no look is to come."""
    return (Delivery.state == "unconfirmed") & Delivery.next_at.is_(None)


def again(now: datetime) -> dict[str, Any]:
    """The columns of a delivery that goes out again at once, as a new attempt."""
    return FRESH | {
        "state": "scheduled",
        "attempt": Delivery.attempt + 1,
        "next_at": now,
        "planned_at": now,
        "late": False,
        "reason": None,
        "code": None,
    }


async def send_late(session: AsyncSession, actor: Actor, choices: Iterable[Choice], now: datetime) -> Outcome:
    """Lets go what waited for a person's word, in its order: now, or at its time where that is to come.

    Raises NotCurrent."""
    moment = case((Delivery.due_at > now, Delivery.due_at), else_=now)
    values = {"state": "scheduled", "late": False, "next_at": moment, "planned_at": moment, "reason": None}
    waits = (Delivery.state == "blocked") & Delivery.late
    return await _decide(session, actor, choices, "post.late_sent", now, waits, values)


def put_off(outcome: Outcome, moments: Mapping[str, datetime]) -> None:
    """Gives what was just released moments of its own (UTC-aware), by the delivery."""
    for row in outcome.changed:
        at = moments.get(row.id)
        if at is not None and row.next_at is not None and at > row.next_at:
            row.due_at = row.planned_at = row.next_at = at


async def drop(session: AsyncSession, actor: Actor, choices: Iterable[Choice], now: datetime) -> Outcome:
    """Gives up deliveries that have not gone out. Raises NotCurrent."""
    not_out = Delivery.state.in_(("blocked", "failed", "scheduled"))
    values = {"state": "cancelled", "next_at": None, "late": False}
    return await _decide(session, actor, choices, "post.dropped", now, not_out, values)


async def _decide(
    session: AsyncSession,
    actor: Actor,
    choices: Iterable[Choice],
    action: str,
    now: datetime,
    condition: ColumnElement[bool],
    values: dict[str, Any],
) -> Outcome:
    """The conditional updates, all in the caller's transaction."""
    changed: list[Delivery] = []
    left: list[Choice] = []
    for choice in choices:
        row = await store.change(session, actor.workspace_id, choice.numbers, condition, now, **values)
        if row is None:
            left.append(choice)
        else:
            changed.append(row)
    return await decided(session, actor, action, changed, left, now)


async def decided(
    session: AsyncSession,
    actor: Actor,
    action: str,
    changed: Sequence[Delivery],
    left: Sequence[Choice],
    now: datetime,
) -> Outcome:
    """What follows from a decision, in its transaction: alerts that show these posts, the audit, reports.

    Raises NotCurrent where nothing was changed."""
    if not changed:
        raise NotCurrent(MOVED_ON)
    await watching.look_soon(session, (row.connection_id for row in changed), now)
    for row in changed:
        detail = {"delivery": row.id, "attempt": row.attempt, "revision": row.revision}
        mine = {"client_id": row.client_id, "connection_id": row.connection_id}
        record(session, actor, action, now, **mine, detail=detail)
        await reports.settled(session, row)
    return Outcome(tuple(changed), tuple(left))
