"""Incidents, and the notices that carry them and everything else to Slack."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, RowId, new_id


class Incident(Base):
    """One cause, one episode. `open_key` is unique while open and null afterwards.

    kind: `grant`, `connection`, `client` (its bad day), `mass`, `platform`, `app`. state: `open` or `closed`.
    `next_at`: when somebody else is asked, if nobody takes it; null: never by itself. `remind_at`: when it is
    said again that it is open; `reminders`: how often that was done. While it is snoozed, both wait.
    """

    __tablename__ = "incidents"
    __table_args__ = (
        Index("ix_incidents_grant_id", "grant_id"),
        Index("ix_incidents_next_at", "next_at"),
        Index("ix_incidents_remind_at", "remind_at"),
    )

    id: Mapped[str] = mapped_column(RowId, primary_key=True, default=new_id)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    kind: Mapped[str] = mapped_column(String(16))
    open_key: Mapped[str | None] = mapped_column(String(255), unique=True)
    client_id: Mapped[str | None] = mapped_column(RowId)
    grant_id: Mapped[str | None] = mapped_column(RowId)
    connection_id: Mapped[str | None] = mapped_column(RowId)
    post_id: Mapped[str | None] = mapped_column(RowId)
    platform: Mapped[str | None] = mapped_column(String(16))
    severity: Mapped[str] = mapped_column(String(16))  # warning, dead
    reason: Mapped[str] = mapped_column(String(32))
    code: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), default="open")
    step: Mapped[int] = mapped_column(Integer, default=0)  # how far it was escalated: 1 backup, 2 operations
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    taken_by: Mapped[str | None] = mapped_column(String(32))
    taken_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    remind_at: Mapped[datetime | None]
    reminders: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    snoozed_until: Mapped[datetime | None]
    snoozed_by: Mapped[str | None] = mapped_column(String(32))
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_how: Mapped[str | None] = mapped_column(String(32))


class Notice(Base):
    """A Slack message that must reach a channel, written in the transaction of what it tells.

    kind: `event` (said once) or `view` (shows the present state). state: `due → posting → posted`, or
    `undeliverable`. `next_at` and `posting_since` are real time: Slack's clock is never virtual.
    """

    __tablename__ = "notices"
    __table_args__ = (
        Index("ix_notices_next_at", "next_at"),
        Index("ix_notices_root_id", "root_id"),
        Index("ix_notices_follows_id", "follows_id"),
        Index("ix_notices_message", "channel_id", "ts"),
        Index("ix_notices_subject", "subject_id", "topic"),
    )

    id: Mapped[str] = mapped_column(RowId, primary_key=True, default=new_id)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    kind: Mapped[str] = mapped_column(String(8))
    topic: Mapped[str] = mapped_column(String(48))  # names the renderer
    unique_key: Mapped[str] = mapped_column(String(255), unique=True)
    subject_id: Mapped[str | None] = mapped_column(String(64))
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)  # what an event tells; ids and words only
    audience: Mapped[str] = mapped_column(String(16))  # team, client, operations, channel, user
    audience_id: Mapped[str | None] = mapped_column(String(32))  # client id, channel id or user id
    root_id: Mapped[str | None] = mapped_column(RowId)  # the notice whose thread this one replies in
    follows_id: Mapped[str | None] = mapped_column(RowId)  # this one says where that notice stands
    broadcast: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(16), default="due")
    version: Mapped[int] = mapped_column(Integer, default=1)  # wanted
    sent_version: Mapped[int] = mapped_column(Integer, default=0)
    channel_id: Mapped[str | None] = mapped_column(String(32))  # where it was posted
    ts: Mapped[str | None] = mapped_column(String(32))
    next_at: Mapped[datetime | None]
    posting_since: Mapped[datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(String(64))
    tries: Mapped[int] = mapped_column(Integer, default=0)
    problem: Mapped[str | None] = mapped_column(String(64))  # Slack's error word, or the channel it missed
    created_at: Mapped[datetime]


class SeenEvent(Base):
    """Slack events that were handled: redeliveries run once."""

    __tablename__ = "seen_events"

    event_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(index=True)
