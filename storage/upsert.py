"""Inserting a row that another process may have inserted first, without failing the transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import Base


async def insert_new(session: AsyncSession, model: type[Base], values: dict[str, Any], *key: str) -> bool:
    """Inserts unless a row with the same `key` columns stands already; true if this call inserted it."""
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    table: Any = model.__table__
    statement = insert(table).values(**values).on_conflict_do_nothing(index_elements=list(key))
    result = await session.execute(statement.returning(table.c[key[0]]))
    return result.first() is not None
