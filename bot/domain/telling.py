"""Writing notices: what must be told is stored in the transaction of what happened.

Audiences: `team` and `client` (a client id), `operations` (no id), `channel` (a Slack channel id), `user`
(a Slack user id). The outbox turns notices into messages; the rules never talk to Slack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.house import wall_now
from storage.models import Notice, new_id
from storage.upsert import insert_new


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a notice is for."""

    kind: str
    id: str | None = None


def team(client_id: str) -> Audience:
    return Audience("team", client_id)


def client_side(client_id: str) -> Audience:
    return Audience("client", client_id)


def channel(channel_id: str) -> Audience:
    return Audience("channel", channel_id)


def user(user_id: str) -> Audience:
    return Audience("user", user_id)


OPERATIONS = Audience("operations")


async def tell_event(
    session: AsyncSession,
    workspace_id: str,
    topic: str,
    key: str,
    audience: Audience,
    *,
    subject_id: str | None = None,
    facts: dict[str, Any] | None = None,
    root: Notice | None = None,
    broadcast: bool = False,
) -> Notice | None:
    """Says a fact once: a second call with the same `key` writes nothing and returns None."""
    values = _values(workspace_id, "event", topic, key, audience, subject_id, facts, root)
    values["broadcast"] = broadcast
    if not await insert_new(session, Notice, values, "unique_key"):
        return None
    return await find(session, key)


async def show_view(
    session: AsyncSession,
    workspace_id: str,
    topic: str,
    key: str,
    audience: Audience,
    *,
    subject_id: str | None = None,
    facts: dict[str, Any] | None = None,
    root: Notice | None = None,
) -> Notice:
    """Makes sure that a message shows the present state: posts it, or has it rendered again."""
    values = _values(workspace_id, "view", topic, key, audience, subject_id, facts, root)
    if not await insert_new(session, Notice, values, "unique_key"):
        await touch(session, key)
    notice = await find(session, key)
    assert notice is not None
    return notice


async def touch(session: AsyncSession, *keys: str) -> None:
    """Has views rendered again, those that exist."""
    await _raise_version(session, Notice.unique_key.in_(keys))


async def touch_notices(session: AsyncSession, *notice_ids: str | None) -> None:
    """Has views rendered again by their ids; None stands for none."""
    ids = [notice_id for notice_id in notice_ids if notice_id is not None]
    if ids:
        await _raise_version(session, Notice.id.in_(ids))


async def touch_subject(session: AsyncSession, topic: str, subject_id: str) -> None:
    """Has every view of a topic about one subject rendered again."""
    await _raise_version(session, (Notice.topic == topic) & (Notice.subject_id == subject_id))


async def find(session: AsyncSession, key: str) -> Notice | None:
    return (await session.execute(select(Notice).where(Notice.unique_key == key))).scalar_one_or_none()


async def _raise_version(session: AsyncSession, which: Any) -> None:
    await session.execute(
        update(Notice)
        .where(which, Notice.kind == "view")
        .values(version=Notice.version + 1, next_at=wall_now())
        .execution_options(synchronize_session=False)
    )


def _values(
    workspace_id: str,
    kind: str,
    topic: str,
    key: str,
    audience: Audience,
    subject_id: str | None,
    facts: dict[str, Any] | None,
    root: Notice | None,
) -> dict[str, Any]:
    now = wall_now()
    return {
        "id": new_id(),
        "workspace_id": workspace_id,
        "kind": kind,
        "topic": topic,
        "unique_key": key,
        "subject_id": subject_id,
        "facts": facts or {},
        "audience": audience.kind,
        "audience_id": audience.id,
        "root_id": root.id if root else None,
        "broadcast": False,
        "state": "due",
        "version": 1,
        "sent_version": 0,
        "tries": 0,
        "next_at": now,
        "created_at": now,
    }
