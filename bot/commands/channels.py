"""What happens to channels: the bot is let in or put out, a channel is archived, deleted or gets another id.

Alerts that stand in a lost channel, or in one that became shared with another company, are said again where
the house falls back to; invitations stay, and publishing goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.connecting import HELD
from bot.commands.desk import Desk
from bot.domain.house import wall_now
from bot.messages.help import hello
from bot.slack.addressing import SHARED_ALERTS
from bot.slack.errors import SlackProblem
from bot.slack.events import SeenEvents, event_id_of
from storage import clients
from storage.models import Client, Incident, Invitation, Notice, Post, Workspace

log = structlog.get_logger(__name__)

LOST = (
    "channel_archive",
    "channel_deleted",
    "channel_left",
    "group_archive",
    "group_deleted",
    "group_left",
)
HARMLESS = ("channel_rename", "channel_unarchive", "channel_unshared", "group_rename", "group_unarchive")


async def let_in(desk: Desk, workspace_id: str, channel_id: str, event_id: str | None = None) -> None:
    """The bot is in a channel now: what waited for that is posted; otherwise it says hello, once an event,
    however often Slack delivers it at the same time."""
    desk.gateway.forget_channel(workspace_id, channel_id)
    async with desk.house.db.write() as session:
        released = await session.execute(
            update(Notice)
            .where(
                Notice.workspace_id == workspace_id,
                Notice.state == HELD,
                Notice.audience == "channel",
                Notice.audience_id == channel_id,
            )
            .values(state="due", next_at=wall_now())
            .returning(Notice.id)
            .execution_options(synchronize_session=False)
        )
        waited = len(released.all())
        here = [client.slug for client in await clients.in_channel(session, workspace_id, channel_id)]
    log.info("let into a channel", channel=channel_id, released=waited)
    if waited:
        desk.house.wake.outbox.set()
        return
    if event_id is not None and not await SeenEvents(desk.house.db, wall_now).add(f"hello {event_id}"[:64]):
        return
    try:
        await desk.gateway.post(workspace_id, channel_id, hello(here))
    except SlackProblem as problem:
        log.info("no hello", channel=channel_id, word=problem.word)


async def lost(desk: Desk, workspace_id: str, channel_id: str, why: str) -> None:
    """A channel can no longer be written to, or not be written to in confidence: open alerts are said where
    the house falls back to."""
    desk.gateway.forget_channel(workspace_id, channel_id)
    open_alerts = select(Incident.id).where(Incident.workspace_id == workspace_id, Incident.state == "open")
    async with desk.house.db.write() as session:
        again = await session.execute(
            update(Notice)
            .where(
                Notice.workspace_id == workspace_id,
                Notice.channel_id == channel_id,
                Notice.topic == "incident",
                Notice.ts.is_not(None),
                Notice.subject_id.in_(open_alerts),
            )
            .values(ts=None, state="due", version=Notice.version + 1, next_at=wall_now())
            .returning(Notice.id)
            .execution_options(synchronize_session=False)
        )
        alerts = len(again.all())
    log.warning("channel lost", channel=channel_id, why=why, alerts=alerts)
    if alerts:
        desk.house.wake.outbox.set()


async def renumbered(session: AsyncSession, workspace_id: str, old: str, new: str) -> None:
    """A channel has another id: everything that names it follows."""
    for column in (
        Client.team_channel,
        Client.client_channel,
        Notice.channel_id,
        Invitation.channel_id,
        Post.channel_id,
    ):
        table = column.class_
        await session.execute(
            update(table)
            .where(table.workspace_id == workspace_id, column == old)
            .values({column.key: new})
            .execution_options(synchronize_session=False)
        )
    await session.execute(
        update(Workspace)
        .where(Workspace.id == workspace_id, Workspace.operations_channel == old)
        .values(operations_channel=new)
        .execution_options(synchronize_session=False)
    )
    await session.execute(
        update(Notice)
        .where(Notice.workspace_id == workspace_id, Notice.audience == "channel", Notice.audience_id == old)
        .values(audience_id=new)
        .execution_options(synchronize_session=False)
    )


def register(app: AsyncApp, desk: Desk) -> None:
    """Every event about channels that the manifest subscribes to."""

    async def joined(
        event: dict[str, Any], body: dict[str, Any], context: AsyncBoltContext, workspace_id: str
    ) -> None:
        if event.get("user") == context.bot_user_id:
            await let_in(desk, workspace_id, str(event["channel"]), event_id_of(body))

    async def gone(event: dict[str, Any], workspace_id: str) -> None:
        await lost(desk, workspace_id, channel_of(event), str(event["type"]))

    async def shared(event: dict[str, Any], workspace_id: str) -> None:
        async with desk.house.db.read() as session:
            workspace = await clients.workspace(session, workspace_id)
        if workspace.settings.get(SHARED_ALERTS):
            desk.gateway.forget_channel(workspace_id, channel_of(event))
        else:
            await gone(event, workspace_id)

    async def noticed(event: dict[str, Any], workspace_id: str) -> None:
        desk.gateway.forget_channel(workspace_id, channel_of(event))

    async def moved(event: dict[str, Any], workspace_id: str) -> None:
        old, new = str(event["old_channel_id"]), str(event["new_channel_id"])
        async with desk.house.db.write() as session:
            await renumbered(session, workspace_id, old, new)

    app.event("member_joined_channel")(joined)
    app.event("channel_id_changed")(moved)
    app.event("channel_shared")(shared)
    for name in LOST:
        app.event(name)(gone)
    for name in HARMLESS:
        app.event(name)(noticed)


def channel_of(event: Mapping[str, Any]) -> str:
    """The channel's id, which some events wrap."""
    channel = event.get("channel")
    return str(channel.get("id") if isinstance(channel, Mapping) else channel)
