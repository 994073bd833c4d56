"""Content calendars on their way into the queue."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, RowId, new_id


class Import(Base):
    """A calendar that somebody uploaded. state: `previewed → running → done`.

    `position`, `queued`, `known` and `faults` count the lines that are done with, in the transaction that
    queues each, so that whoever takes over goes on behind the last. `text` is emptied when it is done.
    """

    __tablename__ = "imports"
    __table_args__ = (
        UniqueConstraint("workspace_id", "view_id"),
        Index("ix_imports_next_at", "next_at"),
    )

    id: Mapped[str] = mapped_column(RowId, primary_key=True, default=new_id)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    view_id: Mapped[str] = mapped_column(String(64))  # a second Submit of one window is the same import
    author: Mapped[str] = mapped_column(String(32))
    channel_id: Mapped[str | None] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(255))
    text: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16), default="previewed")
    position: Mapped[int] = mapped_column(Integer, default=0)
    queued: Mapped[int] = mapped_column(Integer, default=0)
    known: Mapped[int] = mapped_column(Integer, default=0)
    faults: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # line, said
    found: Mapped[dict[str, Any]] = mapped_column(default=dict)  # what the preview shows beside
    next_at: Mapped[datetime | None]  # house time: when it is worked on, or forgotten
    lease_owner: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[datetime | None]  # lease clock
    created_at: Mapped[datetime]
