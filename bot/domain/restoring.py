"""After a restored backup: what may have gone out since it was made is looked up before anything is sent.

A backup does not know what happened after it. Whatever was due by now and had not gone out then is
`unconfirmed`: the bot looks for it, and asks where looking cannot know. Handles of that time prove nothing
any more, so they are dropped, and with them every proof that a post is not there.

What is due later may have been sent early, changed or cancelled by somebody since. No platform can tell, so
nothing of it goes out by itself: each client is asked once, in one message, whether it is still as planned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import holding
from bot.domain.auditing import Actor, record
from bot.domain.deciding import FRESH
from bot.domain.errors import Refused
from bot.domain.holding import Hold
from bot.platforms.errors import Reason
from storage import engine, rotation
from storage.database import Database
from storage.deliveries import BEFORE_RETURN
from storage.models import Delivery

OPEN = ("scheduled", "preparing", "sending", "blocked")
CODE = "restored"


@dataclass(frozen=True, slots=True)
class Restored:
    """From when on (UTC-aware) posts are doubted, how many there are by their state in the backup, and how
    many that are due later wait for a person's word."""

    since: datetime
    doubted: dict[str, int]
    asked: int = 0


async def restored(db: Database, since: datetime | None, now: datetime) -> Restored:
    """Doubts what may have gone out since the backup (`since`; by default its last finished sweep).

    Doing it twice is harmless. Raises Refused while a bot runs, or where `since` is not known."""
    async with db.write() as session:
        if await rotation.living(session, await db.lease_now(session)):
            raise Refused(
                "Nothing was changed: a bot runs on this database, or ran until a moment ago. "
                "Stop it, wait three minutes, and try again."
            )
        last = await engine.last_sweep(session)
        since = since or (last.house if last else None)
        if since is None:
            raise Refused("This backup does not say when it was made: add --since 2026-12-24T08:00+00:00.")
        if since > now:
            raise Refused("--since is in the future. Give the moment at which the backup was made.")
        past = and_(
            Delivery.due_at <= now,
            or_(Delivery.state.in_(OPEN), and_(Delivery.state == "failed", Delivery.due_at >= since)),
        )
        which = (or_(past, Delivery.state == "sending"),)
        query = select(Delivery.workspace_id, Delivery.state).where(*which)
        rows = [(str(row[0]), str(row[1])) for row in (await session.execute(query)).all()]
        await session.execute(
            update(Delivery)
            .where(*which)
            .values(**_doubted(since, now))
            .execution_options(synchronize_session=False)
        )
        asked = await _ask_about_the_rest(session, now)
        counts = Counter(workspace for workspace, _ in rows) + Counter(row.workspace_id for row in asked)
        for workspace_id, count in counts.items():
            detail = {"since": since.isoformat(), "posts": count}
            record(session, Actor(workspace_id), CODE, now, detail=detail)
    return Restored(since, dict(Counter(state for _, state in rows)), len(asked))


async def _ask_about_the_rest(session: AsyncSession, now: datetime) -> Sequence[Delivery]:
    """Holds what is due later until a person has looked at it."""
    held = select(Delivery).where(
        Delivery.due_at > now,
        Delivery.state.in_(BEFORE_RETURN),
        or_(Delivery.reason.is_(None), Delivery.reason != Hold.RESTORED),
    )
    rows = (await session.execute(held.order_by(Delivery.due_at))).scalars().all()
    await holding.offer(session, rows, now, Hold.RESTORED)
    await session.execute(
        update(Delivery)
        .where(Delivery.reason == Hold.RESTORED, Delivery.state == "blocked")
        .values(**FRESH)
        .execution_options(synchronize_session=False)
    )
    return rows


def _doubted(since: datetime, now: datetime) -> dict[str, object]:
    """The columns of a delivery that is to be looked for, from the first moment at which it may be out."""
    return {
        "state": "unconfirmed",
        "reason": Reason.LOST_ANSWER,
        "code": CODE,
        "next_at": now,
        "changed_at": now,
        "looks": 0,
        "steps": 0,
        "late": False,
        "handles": None,
        "sending_id": None,
        "sending_at": case((Delivery.planned_at < since, Delivery.planned_at), else_=since),
        "sending_over_at": None,
        "lease_owner": None,
        "lease_until": None,
    }
