"""Queueing a post: stored with its deliveries once, however often it is submitted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import incident_threads, media_use
from bot.domain.auditing import Actor, record
from bot.domain.checking_posts import Proposed
from bot.domain.content import media_row
from bot.domain.errors import Refused
from bot.domain.examining import Refusal, refusals
from bot.domain.house import House
from bot.platforms.content import Content, ContentProblem
from storage import clients, connections, watching
from storage.models import Connection, Delivery, Post, new_id
from storage.upsert import insert_new

PAST_TOLERANCE = timedelta(minutes=2)
AHEAD_MOST = timedelta(days=100 * 366)
TOO_FAR = "That is more than a hundred years ahead."
CLIENT_GONE = "That client does not exist any more."


@dataclass(frozen=True, slots=True)
class Draft:
    """A post as its author submits it. `due_at` is UTC-aware; `request_key` makes a second Submit the same
    post; `texts`: what it says on platforms where the one text does not fit; `due_of`: other moments, by
    connection."""

    request_key: str
    client_id: str
    connection_ids: tuple[str, ...]
    content: Content
    due_at: datetime
    texts: Mapping[str, str] = field(default_factory=dict)
    due_of: Mapping[str, datetime] = field(default_factory=dict)

    def proposed(self, chosen: Iterable[Connection]) -> list[Proposed]:
        """The post on each of these accounts, as the shared check takes it."""
        return [
            Proposed(
                row.id,
                row.platform,
                replace(self.content, text=self.texts.get(row.platform, self.content.text)),
                self.due_of.get(row.id, self.due_at),
            )
            for row in chosen
        ]


class DraftProblems(Refused):
    """A draft that cannot be queued, with what each platform would refuse."""

    def __init__(self, refused: Sequence[Refusal]) -> None:
        super().__init__(" ".join(dict.fromkeys(item.problem.text for item in refused)))
        self.refused = tuple(refused)

    @property
    def problems(self) -> tuple[ContentProblem, ...]:
        """What is wrong, beside each field."""
        return tuple(item.problem for item in self.refused)

    def need_own_text(self, platforms: Collection[str], own: Collection[str]) -> frozenset[str]:
        """The platforms that need a text of their own: the one text is wrong for them, nothing else is wrong,
        and it fits another of `platforms`. None where a text of its `own` is wrong."""
        refused = {item.platform for item in self.refused}
        if any(item.problem.field != "text" for item in self.refused) or refused & set(own):
            return frozenset()
        return frozenset(refused) if refused < set(platforms) else frozenset()


async def queue(session: AsyncSession, house: House, actor: Actor, draft: Draft, now: datetime) -> Post:
    """Stores a post and its deliveries; the one that stands already for a repeated submit.

    Raises DraftProblems, or Refused when an account is gone."""
    post, _ = await queue_once(session, house, actor, draft, now)
    return post


async def queue_once(
    session: AsyncSession, house: House, actor: Actor, draft: Draft, now: datetime
) -> tuple[Post, bool]:
    """As `queue`, and whether this call stored it."""
    if await clients.held(session, actor.workspace_id, draft.client_id) is None:
        raise Refused(CLIENT_GONE)
    chosen = await chosen_of(session, actor, draft)
    proposed = draft.proposed(chosen)
    refused = refusals(house, proposed)
    if refused:
        raise DraftProblems(refused)
    if draft.due_at < now - PAST_TOLERANCE:
        raise Refused("That time is in the past. Choose a later one, or post now.")
    if draft.due_at > now + AHEAD_MOST:
        raise Refused(TOO_FAR)
    made = await insert_new(session, Post, _columns(actor, draft, now), "workspace_id", "request_key")
    post = await standing(session, actor.workspace_id, draft.request_key)
    if post is None:
        raise Refused("That post is not there any more. Open the composer again.")
    if made:
        await media_use.hold(session, post, draft.content.media, now)
        _add_deliveries(session, post, proposed, now)
        await session.flush()
        await incident_threads.touch_of_client(session, draft.client_id)
        await watching.look_soon(session, draft.connection_ids, now)
        detail = {"post": post.id, "accounts": len(chosen), "due": draft.due_at.isoformat()}
        record(session, actor, "post.queued", now, client_id=draft.client_id, detail=detail)
    return post, made


def _columns(actor: Actor, draft: Draft, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "workspace_id": actor.workspace_id,
        "client_id": draft.client_id,
        "request_key": draft.request_key,
        "author": actor.user_id,
        "text": draft.content.text,
        "media": [media_row(media) for media in draft.content.media],
        "title": draft.content.title,
        "link": draft.content.link,
        "due_at": draft.due_at,
        "revision": 1,
        "channel_id": actor.channel_id,
        "created_at": now,
    }


async def standing(session: AsyncSession, workspace_id: str, request_key: str) -> Post | None:
    """The post that a repeated submit stands for."""
    query = select(Post).where(Post.workspace_id == workspace_id, Post.request_key == request_key)
    return (await session.execute(query)).scalar_one_or_none()


async def chosen_of(session: AsyncSession, actor: Actor, draft: Draft) -> list[Connection]:
    """The accounts of a draft. Raises Refused when one is gone, or was never the client's."""
    client = await clients.get(session, actor.workspace_id, draft.client_id)
    if client is None or client.closed_at is not None:
        raise Refused(CLIENT_GONE)
    available = {item.id: item for item in await connections.of_client(session, draft.client_id)}
    chosen = [available[key] for key in dict.fromkeys(draft.connection_ids) if key in available]
    if len(chosen) != len(set(draft.connection_ids)) or not chosen:
        raise Refused("One of these accounts is no longer connected. Open the composer again.")
    return chosen


def _add_deliveries(session: AsyncSession, post: Post, proposed: Iterable[Proposed], now: datetime) -> None:
    for item in proposed:
        session.add(
            Delivery(
                id=new_id(),
                post_id=post.id,
                workspace_id=post.workspace_id,
                client_id=post.client_id,
                connection_id=item.connection_id,
                state="scheduled",
                text=item.content.text if item.content.text != post.text else None,
                due_at=item.due_at,
                planned_at=item.due_at,
                next_at=item.due_at,
                created_at=now,
                changed_at=now,
            )
        )
