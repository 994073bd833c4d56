"""Workspaces and clients, found by what people know of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import Client, Workspace


async def workspace(session: AsyncSession, workspace_id: str) -> Workspace:
    found = await session.get(Workspace, workspace_id, populate_existing=True)
    assert found is not None
    return found


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
