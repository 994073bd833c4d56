"""What every change of queued posts has in common: the conditional updates, and the revision they raise.

A change succeeds only before the point of no return, raises the revision and drops what was prepared for the
old one, so that nothing old can still be sent. A delivery that is past that point stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.auditing import Actor
from bot.domain.deciding import FRESH, Choice, Outcome, decided
from storage import queue as store
from storage.models import Delivery, Post

Values = Callable[[Choice, int], dict[str, Any]]
"""The new columns of a delivery, which is the n-th that is changed."""


async def change(
    session: AsyncSession,
    actor: Actor,
    choices: Sequence[Choice],
    action: str,
    now: datetime,
    condition: ColumnElement[bool],
    values: Values,
) -> Outcome:
    """The conditional updates, all in the caller's transaction."""
    posts = await store.locked(session, actor.workspace_id, [choice.delivery_id for choice in choices])
    revisions = {post.id: await _next_revision(session, post) for post in posts.values()}
    changed: list[Delivery] = []
    left: list[Choice] = []
    for choice in choices:
        post = posts.get(choice.delivery_id)
        row = None
        if post is not None:
            columns = FRESH | {"revision": revisions[post.id]} | values(choice, len(changed))
            row = await store.change(session, actor.workspace_id, choice.numbers, condition, now, **columns)
        if row is None:
            left.append(choice)
        else:
            changed.append(row)
    outcome = await decided(session, actor, action, changed, left, now)
    for post in {id(item): item for item in posts.values()}.values():
        await _follow(session, post, revisions[post.id], {row.id for row in changed})
    return outcome


async def _next_revision(session: AsyncSession, post: Post) -> int:
    rows = await store.of_post(session, post.id)
    return max([post.revision, *(row.revision for row in rows)]) + 1


async def _follow(session: AsyncSession, post: Post, revision: int, changed: set[str]) -> None:
    """The post itself moves on only where all of it did: what was made for its other accounts stays good."""
    rows = await store.of_post(session, post.id)
    if rows and all(row.id in changed for row in rows):
        post.revision = revision
        post.due_at = min(row.due_at for row in rows)
        await session.flush()


async def chosen(session: AsyncSession, actor: Actor, choices: Sequence[Choice]) -> list[Delivery]:
    """The deliveries as they are now; none where one of them is not to be found."""
    ids = {choice.delivery_id for choice in choices}
    query = select(Delivery).where(Delivery.id.in_(ids), Delivery.workspace_id == actor.workspace_id)
    rows = (await session.execute(query.execution_options(populate_existing=True))).scalars().all()
    return list(rows) if len(rows) == len(ids) else []
