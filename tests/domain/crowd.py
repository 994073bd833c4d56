"""Many accounts at once, linked as consents do, and an engine that lets their time pass."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select, update

from bot.domain.house import House
from bot.jobs.engine import Engine
from sandbox.platforms.model import Account
from sandbox.platforms.testing import Twins
from storage import engine as engine_rows
from storage import watching
from storage.database import Database
from storage.models import Client, Connection, Delivery, Grant, GrantAttempt, Incident, Notice, Post, new_id
from tests.support import an_invitation, walk

STOPS_MOST = 4000


async def linked_as(house: House, twins: Twins, platform: str, client: Client, account: str) -> Connection:
    """One account of a platform, made there if need be, linked for a client by a real walk."""
    if (platform, account) not in twins.world.accounts:
        extra = {"account_type": "BUSINESS"} if platform == "instagram" else {}
        twins.world.add_account(
            Account(platform=platform, id=account, handle=f"user{account}", name=account, extra=extra)
        )
    await walk(house, twins, await an_invitation(house, client, platform), **{"as": account})
    async with house.db.read() as session:
        query = select(Connection).where(Connection.account_id == account, Connection.client_id == client.id)
        return (await session.execute(query)).scalar_one()


async def crowd(
    house: House, twins: Twins, platform: str, clients: list[Client], number: int
) -> list[Connection]:
    """So many accounts, dealt out to the clients in turn."""
    start = 17841400000001000 if platform == "instagram" else 5000
    return [
        await linked_as(house, twins, platform, clients[index % len(clients)], str(start + index))
        for index in range(number)
    ]


async def work(house: House) -> None:
    """Everything that is due at this moment, as a tick does it."""
    await Engine(house)._work()


async def live(house: House, twins: Twins, **span: float) -> None:
    """Lets house time pass as the engine does: from one due moment to the next."""
    goal = twins.offset[0] + timedelta(**span).total_seconds()
    for _ in range(STOPS_MOST):
        await work(house)
        now = house.clock.now()
        async with house.db.read() as session:
            due = await engine_rows.next_moment(session, now)
        left = goal - twins.offset[0]
        if left <= 0:
            return
        step = left if due is None else min(left, max((due - now).total_seconds(), 0.01))
        twins.offset[0] += step
        await forget_lease_time(house)
    raise AssertionError("too many stops: something is due again and again")


async def forget_lease_time(house: House) -> None:
    """As if real time had passed as well: the lease clock cannot be advanced."""
    async with house.db.write() as session:
        past = (await house.db.lease_now(session)) - timedelta(seconds=1)
        await session.execute(
            update(GrantAttempt)
            .where(GrantAttempt.state.in_(("open", "unclear")), GrantAttempt.over_at > past)
            .values(over_at=past)
        )
        sent = update(Delivery).where(Delivery.sending_over_at > past)
        await session.execute(sent.values(sending_over_at=past))


async def all_incidents(database: Database, kind: str | None = None) -> list[Incident]:
    async with database.read() as session:
        found = (await session.execute(select(Incident).order_by(Incident.opened_at))).scalars()
        return [one for one in found if kind in (None, one.kind)]


async def told(database: Database, incident_id: str | None = None, topic: str = "incident") -> list[Notice]:
    """Root notices, or news (`topic="incident.news"`), of one incident or of all."""
    async with database.read() as session:
        query = select(Notice).where(Notice.topic == topic).order_by(Notice.created_at, Notice.unique_key)
        found = (await session.execute(query)).scalars()
        return [one for one in found if incident_id in (None, one.subject_id)]


async def news(database: Database, incident_id: str | None = None) -> list[str]:
    return [one.facts["what"] for one in await told(database, incident_id, "incident.news")]


async def states(house: House) -> dict[str, int]:
    """How many grants are in each state."""
    async with house.db.read() as session:
        rows = await session.execute(select(Grant.state, func.count()).group_by(Grant.state))
        return {row[0]: int(row[1]) for row in rows.all()}


async def a_post(house: House, connection: Connection, **later: float) -> str:
    """A queued post on one account; the delivery's id."""
    now, post_id, row_id = house.clock.now(), new_id(), new_id()
    due = now + timedelta(**later)
    place = {"workspace_id": connection.workspace_id, "client_id": connection.client_id}
    async with house.db.write() as session:
        text = f"Hello {post_id}"
        session.add(Post(id=post_id, request_key=post_id, text=text, due_at=due, created_at=now, **place))
        await session.flush()
        session.add(
            Delivery(
                id=row_id,
                post_id=post_id,
                connection_id=connection.id,
                planned_at=due,
                due_at=due,
                next_at=due,
                created_at=now,
                changed_at=now,
                **place,
            )
        )
        await watching.posts_changed(session, [connection.id], now)
    return row_id


__all__ = ["a_post", "all_incidents", "crowd", "linked_as", "live", "news", "states", "told", "work"]
