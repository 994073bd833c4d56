"""After a restored backup: what may have gone out since it was made is looked up before anything is sent.

A backup does not know what happened after it. Whatever was due by now and had not gone out then is
`unconfirmed`: the bot looks for it, and asks where looking cannot know. Handles of that time prove nothing
any more, so they are dropped, and with them every proof that a post is not there.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, or_, select, update

from bot.domain.auditing import Actor, record
from bot.domain.errors import Refused
from bot.platforms.base import Reason
from storage import engine, rotation
from storage.database import Database
from storage.models import Delivery

OPEN = ("scheduled", "preparing", "sending", "blocked")
CODE = "restored"


@dataclass(frozen=True, slots=True)
class Restored:
    """From when on (UTC-aware) posts are doubted, and how many there are by their state in the backup."""

    since: datetime
    doubted: dict[str, int]


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
        which = (
            Delivery.due_at <= now,
            or_(Delivery.state.in_(OPEN), and_(Delivery.state == "failed", Delivery.due_at >= since)),
        )
        query = select(Delivery.workspace_id, Delivery.state).where(*which)
        rows = [(str(row[0]), str(row[1])) for row in (await session.execute(query)).all()]
        await session.execute(
            update(Delivery)
            .where(*which)
            .values(**_doubted(since, now))
            .execution_options(synchronize_session=False)
        )
        for workspace_id, count in Counter(workspace for workspace, _ in rows).items():
            detail = {"since": since.isoformat(), "posts": count}
            record(session, Actor(workspace_id), CODE, now, detail=detail)
    return Restored(since, dict(Counter(state for _, state in rows)))


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
