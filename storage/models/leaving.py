"""What is to become of the tokens behind disconnected accounts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, RowId, new_id


class Departure(Base):
    """One account that was disconnected, and the task that follows it.

    state: `due`; then `revoked` (our access was taken back at the platform), `forgotten` (the tokens are gone
    here, the platform was not told), `kept` (another account rests on the login) or `void` (linked again
    before). `due_at` is house time, null when nothing is left to do.
    """

    __tablename__ = "departures"
    __table_args__ = (
        UniqueConstraint("connection_id", "generation"),
        Index("ix_departures_due_at", "due_at"),
    )

    id: Mapped[str] = mapped_column(RowId, primary_key=True, default=new_id)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id"))
    generation: Mapped[int] = mapped_column(Integer)  # of the connection, once it was disconnected
    grant_id: Mapped[str] = mapped_column(ForeignKey("grants.id"))
    state: Mapped[str] = mapped_column(String(16), default="due")
    tries: Mapped[int] = mapped_column(Integer, default=0)  # calls to the platform without a clear answer
    due_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
