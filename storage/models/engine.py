"""What the engine knows of itself: keys in use, living processes, breakers, the last sweep."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base


class KeyCheck(Base):
    """A known value sealed with each key ever used here: a missing key stops the start, in words."""

    __tablename__ = "key_checks"

    key_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    check: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]


class Process(Base):
    """A running bot. `seen_at` is lease clock."""

    __tablename__ = "processes"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    code_version: Mapped[int] = mapped_column(Integer)
    key_ids: Mapped[list[str]] = mapped_column(default=list)
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class Breaker(Base):
    """Whether a provider answers at all. state: `closed`, `open`, `half_open`. Times are house time."""

    __tablename__ = "breakers"

    provider: Mapped[str] = mapped_column(String(16), primary_key=True)
    state: Mapped[str] = mapped_column(String(16), default="closed")
    failures: Mapped[int] = mapped_column(Integer, default=0)  # unclear answers since the last clear one
    changed_at: Mapped[datetime]
    retry_at: Mapped[datetime | None]
    last_answer_at: Mapped[datetime | None]  # the last readable answer, whatever it said


class EngineFact(Base):
    """Small facts by name: last finished sweep, oldest code that may run here."""

    __tablename__ = "engine_facts"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime | None]
