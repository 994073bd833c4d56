"""Where a notice may be said: its own channel first, then those that may stand in for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import Client, Notice, Workspace

__all__ = ["TEAM_ONLY", "ResolveChannel", "channels_by_audience"]

TEAM_ONLY = frozenset({"digest.team"})
"""Topics that are said in their own channel or nowhere, and never where people of another workspace read."""

ResolveChannel = Callable[[AsyncSession, Notice], Awaitable[list[str]]]
"""The channels (or people's ids) for a notice, the best first. Reads only."""


def channels_by_audience(operations_channel: str | None = None) -> ResolveChannel:
    """The house rule: the audience's own channel, then operations, then the admins and the installer.

    `operations_channel` is the settings' one, for a workspace that chose none itself.
    """

    async def resolve(session: AsyncSession, notice: Notice) -> list[str]:
        workspace = await session.get(Workspace, notice.workspace_id)
        own = await _own_channel(session, notice)
        candidates = [own] if own else []
        if workspace is not None:
            candidates += [workspace.operations_channel or operations_channel or ""]
            candidates += [*workspace.admins, workspace.installed_by or ""]
        return list(dict.fromkeys(candidate for candidate in candidates if candidate))

    return resolve


async def _own_channel(session: AsyncSession, notice: Notice) -> str | None:
    if notice.audience in {"channel", "user"}:
        return notice.audience_id
    if notice.audience not in {"team", "client"} or notice.audience_id is None:
        return None
    client = await session.get(Client, notice.audience_id)
    # Ids come from our own rows, but a channel of another workspace would be the worst of leaks.
    if client is None or client.workspace_id != notice.workspace_id:
        return None
    return client.team_channel if notice.audience == "team" else client.client_channel
