"""Walks through Slack's own OAuth, from our install page to a workspace with a token."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, RowId, new_id


class InstallWalk(Base):
    """One press of the install page's button. Times are house time.

    `used_at`: its answer came, once. `result`: a word of bot.domain.installing.Ending, null while it is
    worked on. `workspace_id` is set where the bot was installed.
    """

    __tablename__ = "install_walks"
    __table_args__ = (Index("ix_install_walks_expires_at", "expires_at"),)

    id: Mapped[str] = mapped_column(RowId, primary_key=True, default=new_id)
    state_hash: Mapped[str] = mapped_column(String(64), unique=True)
    browser_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    result: Mapped[str | None] = mapped_column(String(32))
    workspace_id: Mapped[str | None] = mapped_column(ForeignKey("workspaces.id"))
