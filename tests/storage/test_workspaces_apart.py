"""Asked with another workspace's id, no query of storage finds, counts or changes a row of ours.

Every function that takes a workspace has a case here: it is called as somebody in the other workspace who
knows all our ids, and has to answer as if we were not there, and to leave our rows as they are. Asked by
ourselves the same does find or change something, so that no case passes by asking for nothing.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import inspect as columns_of
from sqlalchemy import select, true, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

import storage
from storage import (
    absences,
    clients,
    connections,
    events,
    homes,
    imports,
    incidents,
    installing,
    leaving,
    logins,
    media,
    pictures,
    queue,
    removing,
    returning,
    routines,
    watching,
)
from storage.database import Database
from storage.models import Base, Connection, Incident, Notice, Workspace
from tests.storage.houses import (
    ACCOUNT,
    CHANNEL,
    DAY,
    DIGEST,
    NOW,
    OLD_SLUG,
    OURS,
    PERSON,
    SHARED,
    SLUG,
    THEIRS,
    VIEW,
    account,
    furnish,
)

Query = Callable[[AsyncSession, str], Awaitable[Any]]
"""One call, with the workspace of whoever asks. The ids in it are ours."""


def ours(name: str) -> str:
    return f"{OURS}-{name}"


CLIENT, ACCOUNT_ID, INCIDENT, IMPORT = ours("client"), ours("account"), ours("incident"), ours("import")
WINDOW = {"view_id": VIEW, "author": PERSON, "name": "a", "text": "b", "created_at": NOW}
LOGINS = [ours("login"), ours("dead"), SHARED]


async def _mine(session: AsyncSession, asking: str, model: type[Any]) -> Any:
    """The asker's own row of a kind that is about the login that both share."""
    rows = (await session.scalars(select(model).where(model.workspace_id == asking))).all()
    return next(row for row in rows if SHARED in (row.grant_id, row.id))


async def _reach(session: AsyncSession, asking: str) -> Any:
    return await pictures.reach(session, await _mine(session, asking, Incident))


async def _alerts_of(session: AsyncSession, asking: str) -> Any:
    return await events.alerts_of(session, await _mine(session, asking, Connection), 10)


async def _left(session: AsyncSession) -> None:
    """Both have removed the bot."""
    await session.execute(update(Workspace).values(uninstalled_at=NOW, remove_at=NOW))


async def _asleep(session: AsyncSession) -> None:
    """Both have put their alerts off."""
    await session.execute(update(Incident).values(snoozed_until=NOW + DAY, snoozed_by=PERSON))


async def _removed(session: AsyncSession, asking: str) -> list[int]:
    """All that a workspace has, and the workspace."""
    gone = [await removing.some(session, table, asking, 100) for table in removing.tables_of_a_workspace()]
    await removing.last(session, asking)
    return gone


async def _many_refused(session: AsyncSession) -> None:
    """The alerts of both are about many refused at once."""
    await session.execute(update(Incident).values(kind="mass", code="x"))


async def _unheard(session: AsyncSession) -> None:
    """Nobody could be told that posts of both have failed."""
    for of in (OURS, THEIRS):
        told = {"topic": "post", "subject_id": f"{of}-failed-post", "state": "undeliverable"}
        await session.execute(update(Notice).where(Notice.id == f"{of}-notice").values(**told))


def _numbers(name: str) -> tuple[str, int, int]:
    return ours(name), 1, 1


CASES: Mapping[str, Query] = {
    "absences.note": lambda s, w: absences.note(s, w, PERSON, NOW + DAY),
    "absences.over": lambda s, w: absences.over(s, w, [PERSON]),
    "absences.of_workspace": absences.of_workspace,
    "clients.workspace": clients.workspace,
    "clients.all_open": clients.all_open,
    "clients.in_channel": lambda s, w: clients.in_channel(s, w, CHANNEL),
    "clients.by_slug": lambda s, w: clients.by_slug(s, w, SLUG),
    "clients.get": lambda s, w: clients.get(s, w, CLIENT),
    "clients.locked": lambda s, w: clients.locked(s, w, CLIENT),
    "clients.held": lambda s, w: clients.held(s, w, CLIENT),
    "clients.closed": clients.closed,
    "clients.by_name": lambda s, w: clients.by_name(s, w, OLD_SLUG),
    "clients.aliases": lambda s, w: clients.aliases(s, w, [CLIENT]),
    "connections.get": lambda s, w: connections.get(s, w, ACCOUNT_ID),
    "connections.with_grants": lambda s, w: connections.with_grants(s, w, [CLIENT]),
    "connections.elsewhere": lambda s, w: connections.elsewhere(s, w, "nobody", [ACCOUNT]),
    "events.alerts_of": _alerts_of,
    "homes.ask": lambda s, w: homes.ask(s, w, PERSON, "9"),
    "homes.is_last": lambda s, w: homes.is_last(s, w, PERSON, "5"),
    "imports.add": lambda s, w: imports.add(s, {"workspace_id": w, **WINDOW}),
    "imports.get": lambda s, w: imports.get(s, w, IMPORT),
    "imports.start": lambda s, w: imports.start(s, w, IMPORT, NOW),
    "incidents.get": lambda s, w: incidents.get(s, w, INCIDENT),
    "incidents.snooze": lambda s, w: incidents.snooze(s, w, INCIDENT, "dead", PERSON, NOW, NOW, NOW),
    "incidents.wake": lambda s, w: incidents.wake(s, w, INCIDENT, "dead", None, NOW),
    "incidents.take": lambda s, w: incidents.take(s, w, INCIDENT, PERSON, NOW),
    "incidents.fallen": lambda s, w: incidents.fallen(s, w, "x", NOW),
    "incidents.open_mass": lambda s, w: incidents.open_mass(s, w, LOGINS),
    "installing.mark_gone": lambda s, w: installing.mark_gone(s, w, 1, NOW, NOW),
    "leaving.end": lambda s, w: leaving.end(s, w, {ACCOUNT_ID: 1}, NOW),
    "leaving.open_alerts": lambda s, w: leaving.open_alerts(s, w, [account(OURS, "common", SHARED)]),
    "leaving.with_connections": lambda s, w: leaving.with_connections(s, w, [ours("departure")]),
    "logins.count": logins.count,
    "logins.page": lambda s, w: logins.page(s, w, 0, 10),
    "logins.get": lambda s, w: logins.get(s, w, ours("login")),
    "logins.reach": lambda s, w: logins.reach(s, w, LOGINS),
    "logins.openers": lambda s, w: logins.openers(s, w, [ours("consent")]),
    "logins.asked_by": logins.asked_by,
    "logins.asked_by: some": lambda s, w: logins.asked_by(s, w, [ours("login")]),
    "logins.last_found": lambda s, w: logins.last_found(s, w, [SHARED]),
    "logins.living": lambda s, w: logins.living(s, w, ["x"]),
    "media.used": lambda s, w: media.used(s, w, [ours("media")], NOW, NOW + DAY),
    "media.same": lambda s, w: media.same(s, w, DIGEST),
    "pictures.connections": lambda s, w: pictures.connections(s, w, [ACCOUNT_ID, ours("gone")]),
    "pictures.clients": lambda s, w: pictures.clients(s, w, [CLIENT]),
    "pictures.reach": _reach,
    "pictures.deliveries": lambda s, w: pictures.deliveries(s, w, true()),
    "pictures.offered": lambda s, w: pictures.offered(s, w, "offer", 0, 10),
    "pictures.failed": lambda s, w: pictures.failed(s, w, CLIENT, 0, 10),
    "pictures.unsettled": lambda s, w: pictures.unsettled(s, w, [CLIENT], 10),
    "queue.page": lambda s, w: queue.page(s, w, [CLIENT], NOW, 0, 10),
    "queue.locked": lambda s, w: queue.locked(s, w, [ours("scheduled")]),
    "queue.change": lambda s, w: queue.change(s, w, _numbers("scheduled"), true(), NOW, state="cancelled"),
    "queue.unpaused": queue.unpaused,
    "queue.history": lambda s, w: queue.history(s, w, CLIENT, NOW),
    "queue.imported": lambda s, w: queue.imported(s, w, ours("scheduled")),
    "removing.claim": lambda s, w: removing.claim(s, w, NOW, NOW + DAY),
    "removing.look_at": lambda s, w: removing.look_at(s, w, NOW),
    "removing.living": lambda s, w: removing.living(s, w, 10),
    "removing.under_way": removing.under_way,
    "removing.withdraw_media": lambda s, w: removing.withdraw_media(s, w, NOW + DAY),
    "removing.media": removing.media,
    "removing.some": _removed,
    "removing.last": _removed,
    "returning.alerts_again": lambda s, w: returning.alerts_again(s, w, NOW + DAY),
    "returning.questions_again": returning.questions_again,
    "returning.look_again": lambda s, w: returning.look_again(s, w, NOW),
    "returning.accounts": returning.accounts,
    "routines.plan": lambda s, w: routines.plan(s, w, "monday", NOW + DAY),
    "routines.planned": routines.planned,
    "watching.look_at_all": lambda s, w: watching.look_at_all(s, w, NOW),
}

BEFORE: Mapping[str, Callable[[AsyncSession], Awaitable[None]]] = {
    "removing.claim": _left,
    "incidents.wake": _asleep,
    "incidents.open_mass": _many_refused,
    "returning.questions_again": _unheard,
}
"""What has happened to both before they are asked."""

NOTHING_TO_SEE = {
    "clients.lock_names": "locks the workspace's own row until the transaction ends",
    "installing.end_walk": "notes on a walk which workspace it came to; finds it by its own id",
    "leaving.lock_grants": "locks the logins of rows that it does not change",
    "removing.belongs": "makes the condition that `removing.some` is asked with",
}
"""What takes a workspace and can show nothing of another, each with what it does instead."""


def with_a_workspace() -> set[str]:
    """The public functions of storage/ that are told a workspace."""
    found = set()
    for item in pkgutil.iter_modules(storage.__path__):
        module = importlib.import_module(f"storage.{item.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            is_own = function.__module__ == module.__name__ and not name.startswith("_")
            if is_own and "workspace_id" in inspect.signature(function).parameters:
                found.add(f"{item.name}.{name}")
    return found


def test_every_query_with_a_workspace_has_a_case() -> None:
    cases = {name.partition(":")[0] for name in CASES}
    assert not cases & set(NOTHING_TO_SEE)
    missing = with_a_workspace() - cases - set(NOTHING_TO_SEE)
    assert not missing, f"say in CASES how somebody of another workspace would ask: {sorted(missing)}"
    unknown = {name for name in cases | set(NOTHING_TO_SEE) if not callable(_function_of(name))}
    assert not unknown


def _function_of(name: str) -> object:
    module, _, function = name.partition(".")
    return getattr(importlib.import_module(f"storage.{module}"), function, None)


def shown(answer: Any) -> Any:
    """An answer in plain values, so that two can be compared."""
    if isinstance(answer, Base):
        state = columns_of(answer)
        return type(answer).__name__, {
            each.key: state.dict.get(each.key) for each in state.mapper.column_attrs
        }
    if is_dataclass(answer):
        return [shown(getattr(answer, field.name)) for field in fields(answer)]
    if isinstance(answer, Mapping):
        return {key: shown(value) for key, value in answer.items()}
    if isinstance(answer, set):
        return sorted(answer)
    if isinstance(answer, str) or not isinstance(answer, Sequence):
        return answer
    return [shown(item) for item in answer]


async def our_rows(session: AsyncSession) -> list[str]:
    """Every row in which we are named, our logins among them."""
    session.expire_all()
    found: list[str] = []
    for table in Base.metadata.sorted_tables:
        rows = (await session.execute(select(table))).all()
        found += sorted(f"{table.name} {tuple(row)!r}" for row in rows if OURS in repr(tuple(row)))
    return found


class Undone(Exception):
    """Takes back what a query changed."""


async def asked(database: Database, name: str, asking: str) -> tuple[Any, bool]:
    """What a case answers, and whether it leaves our rows as they are. It is taken back."""
    answer, same = None, True
    query, first = CASES[name], BEFORE.get(name)
    try:
        async with database.write() as session:
            if first is not None:
                await first(session)
            before = await our_rows(session)
            answer = shown(await query(session, asking))
            await session.flush()
            same = await our_rows(session) == before
            raise Undone
    except Undone:
        pass
    return answer, same


async def furnished(template: Path, path: Path, *workspaces: str) -> Database:
    shutil.copy(template, path)
    database = Database(f"sqlite+aiosqlite:///{path}")
    async with database.write() as session:
        await furnish(session, *workspaces)
    return database


async def wrong_with(name: str, both: Database, alone: Database) -> list[str]:
    """What a case gives away of us to somebody who is alone in the other database."""
    without_us, _ = await asked(alone, name, THEIRS)
    try:
        answer, same = await asked(both, name, THEIRS)
    except SQLAlchemyError as error:
        return [f"{name} trips over our rows: {error!r}"]
    found = [] if answer == without_us else [f"{name} answers otherwise because of us: {answer}"]
    found += [] if same else [f"{name} changes our rows"]
    ours_there, untouched = await asked(both, name, OURS)
    if untouched and ours_there == without_us:
        try:
            nowhere = await asked(alone, name, OURS)
        except IntegrityError:
            return found
        if nowhere[0] == ours_there:
            found.append(f"{name} finds nothing for ourselves either: the case proves nothing")
    return found


async def test_no_query_of_one_workspace_sees_another(migrated_sqlite: Path, tmp_path: Path) -> None:
    both = await furnished(migrated_sqlite, tmp_path / "both.db", OURS, THEIRS)
    alone = await furnished(migrated_sqlite, tmp_path / "alone.db", THEIRS)
    wrong = [text for name in CASES for text in await wrong_with(name, both, alone)]
    await both.close()
    await alone.close()
    assert not wrong, "\n".join(wrong)
