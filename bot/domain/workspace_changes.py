"""Changing a workspace's settings: all of a form, or nothing of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import ahead, merging, preferences, routines, working_time
from bot.domain.auditing import Actor, record
from bot.domain.errors import FieldProblems
from bot.domain.merging import Marks
from bot.domain.preferences import MentionFrom, Right
from storage import clients as store
from storage import watching
from storage.models import Workspace

CHANGED = "workspace.changed"
OVERTAKEN = "Somebody else changed this meanwhile. Close this window and open the settings again."
COLUMNS = ("operations_channel", "admins", "zone")
MOVES_WARNINGS = frozenset({"zone", "working_days", "working_hours", "warning_days"})


@dataclass(frozen=True, slots=True)
class WorkspaceValues:
    """A workspace's settings as a form shows them. `working_days` are ISO weekdays, `working_hours` two full
    hours of `zone`; `many_posts`: from how many on a day is looked at ahead; the rest as in
    bot.domain.preferences."""

    operations_channel: str | None
    admins: tuple[str, ...]
    zone: str
    working_days: tuple[int, ...]
    working_hours: tuple[int, int]
    mention_from: MentionFrom
    operations_mentions: tuple[str, ...]
    warning_days: tuple[int, ...]
    deputies: tuple[str, ...]
    for_all: tuple[Right, ...]
    many_posts: int
    alerts_in_shared_channels: bool

    def plain(self) -> dict[str, Any]:
        """As plain data by field."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


def values_of(workspace: Workspace) -> WorkspaceValues:
    """What stands now."""
    chosen, hours = preferences.of(workspace), working_time.of(workspace)
    return WorkspaceValues(
        operations_channel=workspace.operations_channel,
        admins=tuple(workspace.admins),
        zone=workspace.zone,
        working_days=tuple(sorted(hours.days)),
        working_hours=(hours.opens, hours.closes),
        mention_from=chosen.mention_from,
        operations_mentions=chosen.operations_mentions,
        warning_days=chosen.warning_days,
        deputies=chosen.deputies,
        for_all=tuple(right for right in Right if right in chosen.for_all),
        many_posts=ahead.many_posts(workspace),
        alerts_in_shared_channels=chosen.alerts_in_shared_channels,
    )


async def change(
    session: AsyncSession, actor: Actor, seen: Marks, entered: WorkspaceValues, now: datetime
) -> Mapping[str, Any]:
    """Stores what a form has changed, and returns it by field.

    Raises FieldProblems where somebody else has changed the same field since the form was opened."""
    await store.lock_names(session, actor.workspace_id)
    workspace = await store.workspace(session, actor.workspace_id)
    before, hours = values_of(workspace).plain(), working_time.of(workspace)
    merged = merging.merge(seen, entered.plain(), before)
    if merged.conflicts:
        raise FieldProblems(dict.fromkeys(merged.conflicts, OVERTAKEN))
    changes = dict(merged.changes)
    if not changes:
        return changes
    for name in COLUMNS:
        if name in changes:
            setattr(workspace, name, changes[name])
    own = {name: value for name, value in changes.items() if name not in COLUMNS}
    workspace.settings = (workspace.settings or {}) | own
    workspace.set_up_at = workspace.set_up_at or now
    if MOVES_WARNINGS & set(changes):
        await watching.look_at_all(session, workspace.id, now)
        await routines.follow_hours(session, workspace, hours, now)
    detail = {name: [before[name], value] for name, value in changes.items()}
    record(session, actor, CHANGED, now, detail={"changed": detail})
    return changes
