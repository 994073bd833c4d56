"""Alembic's door: runs inside the connection and transaction that storage.migrate opened."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from storage.models import Base, Instant


def render_item(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """Migrations name plain types, so that they stay what they were when the models move on."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Instant) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_item=render_item,
)
context.run_migrations()
