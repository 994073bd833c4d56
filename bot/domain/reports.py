"""What is told of posts: success quietly, problems in the post's own thread, held posts in the incident's.

A post with a problem has one root message, a view of all its deliveries; each piece of news is a reply.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import incident_threads, incidents
from bot.domain.house import House
from bot.domain.outcomes import Judgement
from bot.domain.telling import show_view, team, tell_event, touch, touch_notices
from storage.deliveries import Work
from storage.models import Connection, Delivery, Notice


async def published(session: AsyncSession, work: Work, now: datetime) -> None:
    """Success is quiet: one message per client and day, with the links in its thread."""
    day = now.astimezone(ZoneInfo(work.client.zone)).date().isoformat()
    root = await show_view(
        session,
        work.workspace.id,
        "day",
        f"day:{work.client.id}:{day}",
        team(work.client.id),
        subject_id=work.client.id,
        facts={"day": day},
    )
    await tell_event(
        session,
        work.workspace.id,
        "published",
        f"published:{work.delivery.id}:{work.delivery.attempt}",
        team(work.client.id),
        subject_id=work.delivery.id,
        root=root,
    )
    await incident_threads.touch_for_grant(session, work.grant.id)  # a warning counts what is queued
    await touch(session, post_key(work.post.id))
    await touch_notices(session, work.delivery.offer_id)


async def uploading(session: AsyncSession, work: Work) -> None:
    """A long upload is under way: the post's message shows how far it is."""
    await _post_root(session, work)


async def failed(session: AsyncSession, work: Work) -> None:
    """A delivery failed: the post's root shows it, and a reply says why and what to do."""
    root = await _post_root(session, work)
    await _news(session, work, root, "failed", f"failed:{work.delivery.id}:{work.delivery.attempt}")
    await touch_notices(session, work.delivery.offer_id)


async def unconfirmed(session: AsyncSession, work: Work) -> None:
    """Nobody can tell whether it went out: a person is asked, once per attempt."""
    root = await _post_root(session, work)
    await _news(session, work, root, "unconfirmed", f"unconfirmed:{work.delivery.id}:{work.delivery.attempt}")


async def held(session: AsyncSession, work: Work) -> None:
    """A post waits: the open alerts of its client show how many."""
    await incident_threads.touch_of_client(session, work.client.id)
    await touch(session, post_key(work.post.id))


async def account_trouble(
    session: AsyncSession, house: House, work: Work, why: Judgement, now: datetime
) -> None:
    """The account itself is refused (suspended, a permission missing): one incident for the connection. What
    is relinked or disconnected meanwhile was not what the platform refused."""
    connection = work.connection
    refused = await session.execute(
        update(Connection)
        .where(
            Connection.id == connection.id,
            Connection.generation == connection.generation,
            Connection.state == "live",
        )
        .values(problem=why.reason, problem_detail=why.permission, problem_at=now)
        .returning(Connection.id)
        .execution_options(synchronize_session=False)
    )
    if refused.first() is not None:
        await incidents.connection_in_trouble(session, house, connection, why, now)


async def _post_root(session: AsyncSession, work: Work) -> Notice:
    return await show_view(
        session,
        work.workspace.id,
        "post",
        post_key(work.post.id),
        team(work.client.id),
        subject_id=work.post.id,
    )


async def _news(session: AsyncSession, work: Work, root: Notice, what: str, step: str) -> None:
    await tell_event(
        session,
        work.workspace.id,
        "post.news",
        f"post:{work.post.id}:{step}",
        team(work.client.id),
        subject_id=work.delivery.id,
        facts={"what": what, "attempt": work.delivery.attempt},
        root=root,
    )


async def settled(session: AsyncSession, *deliveries: Delivery) -> None:
    """A person decided about deliveries: what shows and counts them is shown anew."""
    for client_id in sorted({delivery.client_id for delivery in deliveries}):
        await incident_threads.touch_of_client(session, client_id)
    await touch(session, *{post_key(delivery.post_id) for delivery in deliveries})
    await touch_notices(session, *{delivery.offer_id for delivery in deliveries})


def post_key(post_id: str) -> str:
    return f"post:{post_id}"
