"""Workspaces, their clients, and the record of who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, RowId, new_id


class Workspace(Base):
    """One Slack team that installed the bot.

    `token_generation` counts the installs: a reinstall replaces the token as the next one. `installed_at` is
    Slack's clock, for the times of its events; `uninstalled_at` and `remove_at` are house time.
    """

    __tablename__ = "workspaces"
    __table_args__ = (Index("ix_workspaces_remove_at", "remove_at"),)

    id: Mapped[str] = mapped_column(RowId, primary_key=True, default=new_id)
    team_id: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(255), default="")
    bot_token: Mapped[str | None] = mapped_column(Text)  # sealed; null where the settings hold it
    token_generation: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    bot_user_id: Mapped[str] = mapped_column(String(32), default="")
    operations_channel: Mapped[str | None] = mapped_column(String(32))
    admins: Mapped[list[str]] = mapped_column(default=list)  # Slack user ids
    zone: Mapped[str] = mapped_column(String(64), default="UTC")
    installed_by: Mapped[str | None] = mapped_column(String(32))
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    set_up_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]  # "pause all"
    paused_by: Mapped[str | None] = mapped_column(String(32))  # Slack user
    installed_at: Mapped[datetime | None]
    uninstalled_at: Mapped[datetime | None]
    remove_at: Mapped[datetime | None]  # the end of the grace period: then the data goes
    created_at: Mapped[datetime]


class Client(Base):
    """An agency's customer."""

    __tablename__ = "clients"
    __table_args__ = (
        UniqueConstraint("workspace_id", "slug"),
        Index("ix_clients_team_channel", "workspace_id", "team_channel"),
        Index("ix_clients_client_channel", "workspace_id", "client_channel"),
    )

    id: Mapped[str] = mapped_column(RowId, primary_key=True, default=new_id)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    slug: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(120))
    zone: Mapped[str] = mapped_column(String(64))
    team_channel: Mapped[str | None] = mapped_column(String(32))
    client_channel: Mapped[str | None] = mapped_column(String(32))
    mentions: Mapped[list[str]] = mapped_column(default=list)  # Slack user or group ids
    backup: Mapped[list[str]] = mapped_column(default=list)
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    paused_at: Mapped[datetime | None]
    paused_by: Mapped[str | None] = mapped_column(String(32))
    team_digest: Mapped[bool] = mapped_column(default=False, server_default=false())  # in the team channel
    closed_at: Mapped[datetime | None]
    created_by: Mapped[str | None] = mapped_column(String(32))
    created_at: Mapped[datetime]


class ClientAlias(Base):
    """A short name that a client had: it still leads to the client, and is nobody else's until freed."""

    __tablename__ = "client_aliases"
    __table_args__ = (Index("ix_client_aliases_client_id", "client_id"),)

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    slug: Mapped[str] = mapped_column(String(64), primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("clients.id"))
    created_at: Mapped[datetime]


class HomeTab(Base):
    """What a person asked of his Home tab last. `asked_ts`: Slack's own moment of it, as text that sorts."""

    __tablename__ = "home_tabs"

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    asked_ts: Mapped[str] = mapped_column(String(32))


class AuditEvent(Base):
    """Who linked, relinked, disconnected, posted, retried or changed settings, and from where."""

    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_workspace_id_at", "workspace_id", "at"),)

    id: Mapped[str] = mapped_column(RowId, primary_key=True, default=new_id)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    at: Mapped[datetime]
    actor: Mapped[str | None] = mapped_column(String(64))  # Slack user id, or null: the engine
    action: Mapped[str] = mapped_column(String(64))
    client_id: Mapped[str | None] = mapped_column(RowId)
    connection_id: Mapped[str | None] = mapped_column(RowId)
    channel_id: Mapped[str | None] = mapped_column(String(32))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
