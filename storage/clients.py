"""Workspaces and clients, found by what people know of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import AuditEvent, Client, ClientAlias, Workspace
from storage.upsert import insert_new

Row = TypeVar("Row", Client, Workspace)


async def workspace(session: AsyncSession, workspace_id: str) -> Workspace:
    found = await session.get(Workspace, workspace_id, populate_existing=True)
    assert found is not None
    return found


async def hold(session: AsyncSession, model: type[Row], row_id: str) -> Row:
    """The row as it is now, nobody else's until the transaction ends."""
    return await session.get_one(model, row_id, with_for_update={"key_share": True}, populate_existing=True)


async def workspace_of_team(session: AsyncSession, team_id: str) -> Workspace | None:
    return (await session.execute(select(Workspace).where(Workspace.team_id == team_id))).scalar_one_or_none()


async def living(session: AsyncSession) -> Sequence[Workspace]:
    return (
        (await session.execute(select(Workspace).where(Workspace.uninstalled_at.is_(None)))).scalars().all()
    )


async def all_open(session: AsyncSession, workspace_id: str) -> Sequence[Client]:
    query = (
        select(Client)
        .where(Client.workspace_id == workspace_id, Client.closed_at.is_(None))
        .order_by(Client.slug)
    )
    return (await session.execute(query)).scalars().all()


async def in_channel(session: AsyncSession, workspace_id: str, channel_id: str) -> Sequence[Client]:
    """The open clients whose team or client channel this is."""
    query = (
        select(Client)
        .where(
            Client.workspace_id == workspace_id,
            Client.closed_at.is_(None),
            or_(Client.team_channel == channel_id, Client.client_channel == channel_id),
        )
        .order_by(Client.slug)
    )
    return (await session.execute(query)).scalars().all()


async def by_slug(session: AsyncSession, workspace_id: str, slug: str) -> Client | None:
    query = select(Client).where(Client.workspace_id == workspace_id, Client.slug == slug)
    return (await session.execute(query)).scalar_one_or_none()


async def get(session: AsyncSession, workspace_id: str, client_id: str) -> Client | None:
    query = select(Client).where(Client.workspace_id == workspace_id, Client.id == client_id)
    return (await session.execute(query)).scalar_one_or_none()


async def locked(session: AsyncSession, workspace_id: str, client_id: str) -> Client | None:
    """A client as it is now, which nobody else changes until this transaction ends."""
    query = select(Client).where(Client.id == client_id, Client.workspace_id == workspace_id)
    query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return (await session.execute(query)).scalar_one_or_none()


async def held(session: AsyncSession, workspace_id: str, client_id: str) -> Client | None:
    """An open client, which nobody closes until this transaction ends."""
    query = select(Client).where(
        Client.id == client_id, Client.workspace_id == workspace_id, Client.closed_at.is_(None)
    )
    query = query.with_for_update(read=True).execution_options(populate_existing=True)
    return (await session.execute(query)).scalar_one_or_none()


async def closed(session: AsyncSession, workspace_id: str) -> Sequence[Client]:
    """The closed clients, the last closed first."""
    query = (
        select(Client)
        .where(Client.workspace_id == workspace_id, Client.closed_at.is_not(None))
        .order_by(Client.closed_at.desc(), Client.slug)
    )
    return (await session.execute(query)).scalars().all()


# -- short names -----------------------------------------------------------------------------------


async def lock_names(session: AsyncSession, workspace_id: str) -> None:
    """Nobody else gives out or frees short names of the workspace until this transaction ends: today's and
    old ones stand in two tables, which no constraint holds apart."""
    query = select(Workspace.id).where(Workspace.id == workspace_id).with_for_update(key_share=True)
    await session.execute(query)


async def by_name(session: AsyncSession, workspace_id: str, slug: str) -> Client | None:
    """The client, open or closed, that has or had this short name."""
    found = await by_slug(session, workspace_id, slug)
    if found is not None:
        return found
    query = (
        select(Client)
        .join(ClientAlias, ClientAlias.client_id == Client.id)
        .where(ClientAlias.workspace_id == workspace_id, ClientAlias.slug == slug)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def aliases(
    session: AsyncSession, workspace_id: str, client_ids: Iterable[str] | None = None
) -> Sequence[ClientAlias]:
    """The old short names of these clients, or of all."""
    query = select(ClientAlias).where(ClientAlias.workspace_id == workspace_id).order_by(ClientAlias.slug)
    if client_ids is not None:
        query = query.where(ClientAlias.client_id.in_(list(client_ids)))
    return (await session.execute(query)).scalars().all()


async def add_alias(session: AsyncSession, client: Client, slug: str, now: datetime) -> None:
    key = {"workspace_id": client.workspace_id, "slug": slug}
    await insert_new(session, ClientAlias, key | {"client_id": client.id, "created_at": now}, *key)


async def free_aliases(session: AsyncSession, client: Client, slugs: Iterable[str]) -> None:
    await session.execute(
        delete(ClientAlias).where(ClientAlias.client_id == client.id, ClientAlias.slug.in_(list(slugs)))
    )


async def made_by_view(
    session: AsyncSession, client: Client, action: str, actor: str | None, view_id: str
) -> bool:
    """Whether this very window of this person has made the client."""
    query = select(AuditEvent.detail).where(
        AuditEvent.workspace_id == client.workspace_id,
        AuditEvent.client_id == client.id,
        AuditEvent.action == action,
        AuditEvent.actor == actor,
    )
    return any(detail.get("view") == view_id for detail in (await session.scalars(query)).all())
