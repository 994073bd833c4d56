"""Pictures and films that are stored here, and the posts that hold them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Float, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, RowId, new_id


class StoredMedia(Base):
    """One file; its bytes lie in the store under the row's id.

    `digest` is null while the file is not (or no longer) to be used: it is still being stored, or on its way
    out. The same file is stored once a workspace.
    """

    __tablename__ = "media"
    __table_args__ = (
        UniqueConstraint("workspace_id", "digest"),
        Index("ix_media_next_at", "next_at"),
    )

    id: Mapped[str] = mapped_column(RowId, primary_key=True, default=new_id)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    digest: Mapped[str | None] = mapped_column(String(64))  # SHA-256 of the bytes, hex
    kind: Mapped[str] = mapped_column(String(8))  # image or video
    mime: Mapped[str] = mapped_column(String(32))
    size: Mapped[int] = mapped_column(BigInteger)  # bytes
    width: Mapped[int | None] = mapped_column(Integer)  # pixels
    height: Mapped[int | None] = mapped_column(Integer)
    duration: Mapped[float | None] = mapped_column(Float)  # seconds
    created_at: Mapped[datetime]
    used_at: Mapped[datetime]  # when it was last put into a post, or stored
    next_at: Mapped[datetime]  # house time: when to look whether anything still needs it


class MediaUse(Base):
    """A post that holds a stored file."""

    __tablename__ = "media_uses"

    media_id: Mapped[str] = mapped_column(ForeignKey("media.id"), primary_key=True)
    post_id: Mapped[str] = mapped_column(ForeignKey("posts.id"), primary_key=True)
