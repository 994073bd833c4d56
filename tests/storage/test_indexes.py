"""What is asked again with each change of an alert is found on an index, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Dialect, text
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import telling
from storage import incidents, invitations, pictures
from storage.database import Database

ASKED: dict[str, Any] = {
    "ix_notices_subject: views": lambda s: telling.touch_subject(s, "incident", "one"),
    "ix_notices_subject: roots": lambda s: incidents.roots(s, "one"),
    "ix_invitations_connection_id: an alert's": lambda s: invitations.open_relink(s, "one"),
    "ix_invitations_connection_id: those of alerts": lambda s: pictures.alert_links(s, ["one"]),
}


class Caught(Exception):
    """Carries the statement instead of its result."""


def asked_for(session: AsyncSession, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Collects the statements that are executed from now on; none reaches the database."""
    found: list[Any] = []

    async def execute(statement: Any, *_: Any, **__: Any) -> Any:
        found.append(statement)
        raise Caught

    monkeypatch.setattr(session, "execute", execute)
    return found


def in_words(statement: Any, dialect: Dialect) -> str:
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


@pytest.mark.parametrize("name", ASKED)
async def test_it_is_found_on_an_index(
    database: Database, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.write() as session:
        with monkeypatch.context() as patched:
            (found,) = [asked_for(session, patched)]
            with pytest.raises(Caught):
                await ASKED[name](session)
        statement = in_words(found[0], database.writer.dialect)
        if not database.is_sqlite:  # a table with no rows is read faster than its index
            await session.execute(text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        plan = (await session.execute(text(f"{explain} {statement}".replace(":", "\\:")))).all()
    assert name.partition(":")[0] in "\n".join(str(row) for row in plan)
