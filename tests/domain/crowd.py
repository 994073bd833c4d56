"""Many accounts at once, linked as consents do, and an engine that lets their time pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update

from bot.domain import lifetimes, tokens
from bot.domain.house import House
from bot.jobs.engine import STEP_LEAST, Engine
from bot.platforms.base import Tokens
from sandbox.platforms.model import Account
from sandbox.platforms.testing import Twins
from storage import engine as engine_rows
from storage import watching
from storage.database import Database
from storage.models import Client, Connection, Delivery, Grant, GrantAttempt, Incident, Notice, Post, new_id
from tests.support import an_invitation, walk

STOPS_MOST = 4000


def round_the_clock(now: datetime) -> dict[str, Any]:
    """Columns of a workspace whose people are always at work, save in the hour that is farthest from now."""
    east = 12 - now.hour
    days = [1, 2, 3, 4, 5, 6, 7]
    return {"zone": f"Etc/GMT{-east:+d}", "settings": {"working_days": days, "working_hours": [0, 23]}}


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


async def planted(
    house: House, twins: Twins, pattern: Connection, clients: list[Client], accounts: Sequence[str]
) -> list[Connection]:
    """Logins as if each had linked an account by a walk of its own, as `pattern` was: tokens of theirs at the
    twin, rows in the database. Where the account is not the login (a board, an organisation), each links the
    same one. Dealt out to the clients in turn; a thousand take seconds."""
    async with house.db.read() as session:
        grant = await session.get_one(Grant, pattern.grant_id)
    old, info = tokens.open_tokens(house.vault, grant), house.platforms[pattern.platform].info
    is_login = pattern.account_id == grant.subject
    now, rows, made = house.clock.now(), [], []
    for number, account in enumerate(accounts):
        fresh = _tokens_like(twins, old, account)
        grant_id, client = new_id(), clients[number % len(clients)]
        due = lifetimes.next_due(info.refresh, tokens.life_of(grant), lifetimes.fresh_jitter())
        values = _columns(grant) | tokens.sealed_values(house.vault, grant_id, 1, fresh, info, now)
        own = {"id": grant_id, "subject": account, "generation": 1, "next_due_at": due, "proved_at": now}
        rows.append(Grant(**values | own | {"consented_at": now, "created_at": now, "attempts": 0}))
        place = {"client_id": client.id, "grant_id": grant_id, "workspace_id": client.workspace_id}
        place |= {"account_id": account, "handle": account} if is_login else {}
        look = now + info.probe_interval * lifetimes.fresh_jitter() if info.probe_interval else None
        times = {"linked_at": now, "created_at": now, "proved_at": now, "next_change_at": look}
        made.append(Connection(**_columns(pattern) | {"id": new_id(), **place, **times}))
    async with house.db.write() as session:
        session.add_all(rows)
        await session.flush()
        session.add_all(made)
    return made


def _columns(row: Grant | Connection) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}


def _tokens_like(twins: Twins, old: Tokens, account: str) -> Tokens:
    """What a consent of another account would have brought: the same kinds, lives and prefixes."""
    world = twins.world
    found = [world.tokens[value] for value in (old.access_token, old.refresh_token) if value]
    given = world.grants[found[0].grant]
    login = world.accounts[given.platform, given.account]
    world.add_account(replace(login, id=account, handle=account, name=account))
    grant = world.new_grant(given.platform, given.client_id, account, given.scopes, given.extra)
    values = []
    for token in found:
        seconds = (token.expires_at - token.issued_at).total_seconds() if token.expires_at else None
        values.append(world.issue(grant, token.kind, seconds=seconds, prefix=token.value[:4]))
    lives = [(one.expires_at - one.issued_at).total_seconds() if one.expires_at else None for one in values]
    refresh = values[1].value if len(values) > 1 else None
    return replace(old, access_token=values[0].value, refresh_token=refresh, expires_in=lives[0])


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
        step = left if due is None else min(left, max((due - now).total_seconds(), STEP_LEAST))
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
        await watching.look_soon(session, [connection.id], now)
    return row_id


__all__ = [
    "a_post",
    "all_incidents",
    "crowd",
    "linked_as",
    "live",
    "news",
    "planted",
    "states",
    "told",
    "work",
]
