"""Connections: found by client, account or workspace, and stored in place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import Client, Connection, Grant, new_id
from storage.upsert import insert_new


async def get(session: AsyncSession, workspace_id: str, connection_id: str) -> Connection | None:
    query = select(Connection).where(Connection.id == connection_id, Connection.workspace_id == workspace_id)
    return (await session.execute(query)).scalar_one_or_none()


async def of_client(
    session: AsyncSession, client_id: str, platform: str | None = None
) -> Sequence[Connection]:
    """The client's living connections."""
    query = select(Connection).where(Connection.client_id == client_id, Connection.state == "live")
    if platform is not None:
        query = query.where(Connection.platform == platform)
    return (await session.execute(query.order_by(Connection.platform, Connection.handle))).scalars().all()


async def with_grants(
    session: AsyncSession, workspace_id: str, client_ids: Iterable[str]
) -> Sequence[tuple[Connection, Grant]]:
    """Living connections of these clients, each with the grant it rests on."""
    query = (
        select(Connection, Grant)
        .join(Grant, Grant.id == Connection.grant_id)
        .where(
            Connection.workspace_id == workspace_id,
            Connection.client_id.in_(list(client_ids)),
            Connection.state == "live",
        )
        .order_by(Connection.platform, Connection.handle)
    )
    return [(row[0], row[1]) for row in (await session.execute(query)).all()]


async def elsewhere(
    session: AsyncSession, workspace_id: str, client_id: str, accounts: Iterable[tuple[str, str]]
) -> Sequence[tuple[Connection, Client]]:
    """Living connections to the same accounts that belong to other clients of the workspace. `accounts`: the
    platform's word and the account's id there."""
    wanted = list(accounts)
    if not wanted:
        return []
    query = (
        select(Connection, Client)
        .join(Client, Client.id == Connection.client_id)
        .where(
            Connection.workspace_id == workspace_id,
            Connection.client_id != client_id,
            tuple_(Connection.platform, Connection.account_id).in_(wanted),
            Connection.state == "live",
        )
    )
    return [(row[0], row[1]) for row in (await session.execute(query)).all()]


async def store(
    session: AsyncSession, client: Client, platform: str, account_id: str, values: dict[str, Any]
) -> tuple[Connection, bool]:
    """The client's connection to an account: made, revived or brought up to date in place.

    Returns it and whether it is new to the client (made now, or revived after a disconnect)."""
    key = {"client_id": client.id, "platform": platform, "account_id": account_id}
    new = {"id": new_id(), "workspace_id": client.workspace_id, "generation": 1, "state": "live"}
    made = await insert_new(session, Connection, key | new | {"missing_scopes": []} | values, *key)
    query = select(Connection).filter_by(**key).execution_options(populate_existing=True)
    connection = (await session.execute(query)).scalar_one()
    if made:
        return connection, True
    revived = connection.state != "live"
    kept = {"created_at", "linked_by", "linked_at"} if not revived else {"created_at"}
    changes = {name: value for name, value in values.items() if name not in kept}
    await session.execute(
        update(Connection)
        .where(Connection.id == connection.id)
        .values(
            **changes,
            state="live",
            disconnected_at=None,
            problem=None,
            problem_detail=None,
            problem_at=None,
            generation=Connection.generation + 1,
        )
        .execution_options(synchronize_session=False)
    )
    await session.refresh(connection)
    return connection, revived
