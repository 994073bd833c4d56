"""What comes round by itself in every workspace, and which of its people left."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base


class Routine(Base):
    """One duty of a workspace that comes round: when it is due next, in house time.

    kind: `people` (a daily look for those who left), `monday` (digests), `ahead` (the day before many posts).
    A row that is not planned yet only plans itself: whoever installs us on a Wednesday hears of no Monday.
    """

    __tablename__ = "routines"
    __table_args__ = (Index("ix_routines_next_at", "next_at"),)

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    next_at: Mapped[datetime]
    is_planned: Mapped[bool] = mapped_column(default=False)


class Absence(Base):
    """Somebody on whom clients or logins depend, and whom Slack has deactivated; told once.

    The row goes when the person is back, or when nothing depends on him any more."""

    __tablename__ = "absences"

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    found_at: Mapped[datetime]
