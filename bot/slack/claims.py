"""The outbox's statements: who holds a notice, and what became of it.

A claim is `lease_owner` (fresh for every claim) and `posting_since`; it holds for `LEASE`. Every statement
that ends a claim names the lease, so one that was lost changes nothing. All times are real time.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, case, func, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import Notice

__all__ = [
    "LEASE",
    "claim",
    "finish",
    "mark",
    "new_lease",
    "next_moment",
    "post_anew",
    "release",
    "returned",
    "settle",
    "unanswered",
    "workspaces_due",
]

LEASE = timedelta(seconds=90)
LIVE = ("due", "posting", "posted")


def new_lease(owner: str) -> str:
    """The name of one claim; `owner` is the process."""
    return f"{owner[:40]}:{uuid.uuid4().hex[:16]}"


def _free(now: datetime) -> ColumnElement[bool]:
    return or_(
        Notice.lease_owner.is_(None), Notice.posting_since.is_(None), Notice.posting_since <= now - LEASE
    )


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (Notice.next_at <= now, Notice.state.in_(LIVE), _free(now))


async def workspaces_due(session: AsyncSession, now: datetime) -> Sequence[str]:
    """The workspaces with something to say. A cheap look, so that an idle outbox writes nothing."""
    return (await session.scalars(select(Notice.workspace_id).where(*_due(now)).distinct())).all()


async def claim(
    session: AsyncSession, workspace_id: str, lease: str, now: datetime, limit: int
) -> list[Notice]:
    """Takes a workspace's oldest due notices that nobody holds, in order of creation."""
    oldest = (
        select(Notice.id)
        .where(Notice.workspace_id == workspace_id, *_due(now))
        .order_by(Notice.created_at, Notice.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("oldest")
    )
    taken = (
        update(Notice)
        .where(Notice.id.in_(select(oldest.c.id)))
        .values(lease_owner=lease, posting_since=now, next_at=now + LEASE)
        .returning(Notice)
        .execution_options(synchronize_session=False)
    )
    found = list(await session.scalars(taken))
    return sorted(found, key=lambda notice: (notice.created_at, notice.id))


async def unanswered(
    session: AsyncSession, workspace_id: str, lease: str, now: datetime
) -> dict[str, datetime]:
    """Channels that somebody is posting to with an unknown end, with the oldest such notice's creation. In a
    channel that workspaces share, each waits for its own messages only."""
    rows = select(Notice.channel_id, func.min(Notice.created_at)).where(
        Notice.workspace_id == workspace_id,
        Notice.next_at <= now + LEASE,
        Notice.state == "posting",
        Notice.lease_owner != lease,
        Notice.posting_since > now - LEASE,
        Notice.channel_id.is_not(None),
    )
    found = await session.execute(rows.group_by(Notice.channel_id))
    return {str(channel): created for channel, created in found}


async def mark(session: AsyncSession, notice: Notice, lease: str, now: datetime, channel: str | None) -> bool:
    """Renews the claim just before Slack is called; with `channel`, marks the notice as `posting` there."""
    values: dict[str, Any] = {"posting_since": now, "next_at": now + LEASE, "problem": notice.problem}
    if channel is not None:
        values |= {"state": "posting", "channel_id": channel}
    return await _changed(session, notice.id, lease, values)


async def finish(
    session: AsyncSession, notice: Notice, lease: str, now: datetime, version: int, **said: str
) -> bool:
    """Records that `version` is what Slack shows now; due again at once when a newer one is wanted."""
    values: dict[str, Any] = {
        **said,
        "state": "posted",
        "sent_version": version,
        "tries": 0,
        "next_at": case((Notice.version > version, now), else_=null()),
        **_FREED,
    }
    return await _changed(session, notice.id, lease, values, Notice.sent_version <= version)


async def release(
    session: AsyncSession, ids: Sequence[str], lease: str, until: datetime, **values: object
) -> None:
    """Gives notices back, to be looked at again at `until`."""
    await session.execute(
        update(Notice)
        .where(Notice.id.in_(ids), Notice.lease_owner == lease)
        .values(next_at=until, **_FREED, **values)
        .execution_options(synchronize_session=False)
    )


async def settle(
    session: AsyncSession, notice: Notice, lease: str, state: str, problem: str | None = None
) -> bool:
    """Ends a notice as `undeliverable` or `dropped`."""
    values = {"state": state, "problem": problem, "next_at": None, **_FREED}
    return await _changed(session, notice.id, lease, values)


async def post_anew(session: AsyncSession, notice: Notice, lease: str, now: datetime) -> bool:
    """Forgets where a notice stood: its message cannot be changed any more."""
    return await _changed(session, notice.id, lease, {"state": "due", "ts": None, "next_at": now, **_FREED})


async def adopt_root(session: AsyncSession, root_id: str, old_ts: str, channel: str, new_ts: str) -> None:
    """The root was deleted in Slack; its thread goes on under the reply that Slack put into the channel."""
    await session.execute(
        update(Notice)
        .where(Notice.id == root_id, Notice.ts == old_ts)
        .values(channel_id=channel, ts=new_ts)
        .execution_options(synchronize_session=False)
    )


async def wake_replies(session: AsyncSession, root_id: str, now: datetime) -> None:
    """The root's fate is known: whoever waited for it goes on now, and what says where it stands says so."""
    await session.execute(
        update(Notice)
        .where(Notice.follows_id == root_id, Notice.kind == "view")
        .values(version=Notice.version + 1, next_at=now)
        .execution_options(synchronize_session=False)
    )
    await session.execute(
        update(Notice)
        .where(Notice.root_id == root_id, Notice.state == "due", Notice.next_at > now)
        .where(Notice.lease_owner.is_(None))
        .values(next_at=now)
        .execution_options(synchronize_session=False)
    )


async def show_again(session: AsyncSession, notice_id: str, now: datetime) -> None:
    """A view may show an old state because its claim was lost on the way: it is due once more."""
    await session.execute(
        update(Notice)
        .where(Notice.id == notice_id, Notice.kind == "view", Notice.state == "posted")
        .values(version=Notice.version + 1, next_at=now)
        .execution_options(synchronize_session=False)
    )


async def returned(session: AsyncSession, notice_id: str, workspace_id: str, channel: str, ts: str) -> bool:
    """Slack told of a message whose answer was lost. The claim stays, in case its holder lives after all."""
    result = await session.execute(
        update(Notice)
        .where(Notice.id == notice_id, Notice.workspace_id == workspace_id)
        .where(Notice.ts.is_(None), Notice.state.in_(("due", "posting")))
        .values(state="posted", channel_id=channel, ts=ts)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


async def next_moment(session: AsyncSession, now: datetime) -> datetime | None:
    """When there is something to do next: a due notice, or the end of somebody's claim."""
    waiting = Notice.next_at.is_not(None) & Notice.state.in_(LIVE)
    free = (await session.execute(select(func.min(Notice.next_at)).where(waiting, _free(now)))).scalar()
    held = (
        await session.execute(select(func.min(Notice.posting_since)).where(waiting, ~_free(now)))
    ).scalar()
    moments = [moment for moment in (free, held + LEASE if held else None) if moment is not None]
    return min(moments, default=None)


_FREED: dict[str, Any] = {"lease_owner": None, "posting_since": None}


async def _changed(
    session: AsyncSession, notice_id: str, lease: str, values: dict[str, Any], *also: ColumnElement[bool]
) -> bool:
    result = await session.execute(
        update(Notice)
        .where(Notice.id == notice_id, Notice.lease_owner == lease, *also)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount == 1
