"""What `/retry` lists."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.house import House
from bot.domain.pictures import posts
from bot.messages.retry import SHOWN_MOST, FailureFacts
from storage import pictures


async def failures(
    session: AsyncSession, house: House, workspace_id: str, client_ids: Iterable[str]
) -> FailureFacts:
    """The newest posts of these clients that failed, that nobody can tell about, or that are late."""
    found, total = await pictures.unsettled(session, workspace_id, client_ids, SHOWN_MOST)
    ordered = sorted(found, key=lambda item: (item.client.slug, item.delivery.due_at))
    return FailureFacts(tuple(posts.shown(house, item) for item in ordered), total)
