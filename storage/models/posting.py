"""Posts, and their deliveries: one post on one connection."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, RowId, new_id


class Post(Base):
    """Content that an author queued for a client. `revision` counts its edits."""

    __tablename__ = "posts"
    __table_args__ = (
        UniqueConstraint("workspace_id", "request_key"),
        Index("ix_posts_client_id_due_at", "client_id", "due_at"),
    )

    id: Mapped[str] = mapped_column(RowId, primary_key=True, default=new_id)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    client_id: Mapped[str] = mapped_column(ForeignKey("clients.id"))
    request_key: Mapped[str] = mapped_column(String(255))  # a second Submit of one composer is the same post
    author: Mapped[str | None] = mapped_column(String(32))
    text: Mapped[str] = mapped_column(Text, default="")
    media: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    title: Mapped[str | None] = mapped_column(Text)
    link: Mapped[str | None] = mapped_column(Text)
    due_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(Integer, default=1)
    channel_id: Mapped[str | None] = mapped_column(String(32))  # where it was composed
    created_at: Mapped[datetime]


class Delivery(Base):
    """One post on one connection.

    state: `scheduled → preparing → sending → processing → published`, or `failed`, `blocked`,
    `unconfirmed`, `cancelled`. At most one per connection is `sending`, which the database itself enforces.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("post_id", "connection_id"),
        Index("ix_deliveries_next_at", "next_at"),
        Index("ix_deliveries_connection_id_due_at", "connection_id", "due_at"),
        Index("ix_deliveries_client_id_state", "client_id", "state"),
        Index("ix_deliveries_offer_id", "offer_id"),
        Index(
            "uq_deliveries_sending",
            "connection_id",
            unique=True,
            sqlite_where=text("state = 'sending'"),
            postgresql_where=text("state = 'sending'"),
        ),
    )

    id: Mapped[str] = mapped_column(RowId, primary_key=True, default=new_id)
    post_id: Mapped[str] = mapped_column(ForeignKey("posts.id"))
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    client_id: Mapped[str] = mapped_column(ForeignKey("clients.id"))
    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id"))
    state: Mapped[str] = mapped_column(String(16), default="scheduled")
    revision: Mapped[int] = mapped_column(Integer, default=1)  # of the post, when this was queued or edited
    attempt: Mapped[int] = mapped_column(Integer, default=1)  # raised by every retry
    text: Mapped[str | None] = mapped_column(Text)  # what it says here, where that is not the post's own text
    due_at: Mapped[datetime]
    planned_at: Mapped[datetime]  # when this attempt was meant to go out: due_at, or the press of a retry
    next_at: Mapped[datetime | None]  # house time: when the engine looks at it next; null: not by itself
    steps: Mapped[int] = mapped_column(Integer, default=0)  # failures of safe steps since the last progress
    lease_owner: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[datetime | None]  # lease clock
    sending_id: Mapped[str | None] = mapped_column(RowId)  # this send, nobody else's
    sending_at: Mapped[datetime | None]  # house time of the marker
    sending_over_at: Mapped[datetime | None]  # lease clock: then nothing can still be on its way
    handles: Mapped[str | None] = mapped_column(Text)  # sealed JSON (upload addresses are credentials)
    handles_until: Mapped[datetime | None]
    handles_revision: Mapped[int | None] = mapped_column(Integer)
    handles_generation: Mapped[int | None] = mapped_column(Integer)  # of the connection
    progress: Mapped[int | None] = mapped_column(Integer)  # of an upload, in percent, while it is prepared
    looks: Mapped[int] = mapped_column(Integer, default=0)
    late: Mapped[bool] = mapped_column(default=False)  # a person decides: offered, never fired
    offer_id: Mapped[str | None] = mapped_column(RowId)  # the notice that asks (or asked) about it
    reason: Mapped[str | None] = mapped_column(String(32))
    code: Mapped[str | None] = mapped_column(String(64))
    external_id: Mapped[str | None] = mapped_column(String(255))
    permalink: Mapped[str | None] = mapped_column(Text)
    visibility: Mapped[str | None] = mapped_column(String(32))
    settled_by: Mapped[str | None] = mapped_column(String(32))  # who said "it is live"
    published_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
