"""Events that were handled, so that a redelivered one does nothing (facts: Slack, fact 5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext
from sqlalchemy import CursorResult, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.slack.gateway import NOTICE_EVENT
from bot.slack.outbox import Outbox
from storage.database import Database
from storage.models import SeenEvent

__all__ = ["SeenEvents", "event_id_of", "listen_for_returned"]


class SeenEvents:
    """The ids of handled events. `wall` is real time."""

    def __init__(self, database: Database, wall: Callable[[], datetime]) -> None:
        self._database = database
        self._wall = wall

    async def contains(self, event_id: str) -> bool:
        """Whether the event was handled well before."""
        async with self._database.read() as session:
            query = select(SeenEvent.event_id).where(SeenEvent.event_id == event_id)
            return (await session.execute(query)).first() is not None

    async def add(self, event_id: str) -> bool:
        """Remembers an event; twice is once. Whether it was news."""
        insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
        statement = insert(SeenEvent).values(event_id=event_id, seen_at=self._wall())
        async with self._database.write() as session:
            result = await session.execute(statement.on_conflict_do_nothing())
        assert isinstance(result, CursorResult)
        return result.rowcount == 1


def event_id_of(body: Mapping[str, Any]) -> str | None:
    """The id of an event, None for everything that Slack does not deliver again."""
    event_id = body.get("event_id") if body.get("type") == "event_callback" else None
    return event_id if isinstance(event_id, str) and 0 < len(event_id) <= 64 else None


def listen_for_returned(app: AsyncApp, outbox: Outbox) -> None:
    """Registers the listener that brings back timestamps whose answer was lost (facts: Slack, 5)."""

    async def metadata_posted(
        event: dict[str, Any], body: dict[str, Any], context: AsyncBoltContext, workspace_id: str
    ) -> None:
        metadata = event.get("metadata") or {}
        notice_id = (metadata.get("event_payload") or {}).get("notice_id")
        # Anybody's app can copy our metadata; only our own messages count.
        own_app = bool(event.get("app_id")) and event.get("app_id") == body.get("api_app_id")
        own_bot = bool(context.bot_id) and event.get("bot_id") == context.bot_id
        channel, ts = event.get("channel_id"), event.get("message_ts")
        if metadata.get("event_type") != NOTICE_EVENT or not (own_app or own_bot):
            return
        if isinstance(notice_id, str) and isinstance(channel, str) and isinstance(ts, str):
            await outbox.returned(notice_id, workspace_id, channel, ts)

    app.event("message_metadata_posted")(metadata_posted)
