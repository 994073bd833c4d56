"""Many clients at once, from a table: line by line, nothing twice, nothing half.

Columns: client, name, zone, team_channel, client_channel, mention. Only the first is needed; a client that
stands already is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import clients
from bot.domain.auditing import Actor, record
from bot.domain.calendar_file import Line, as_lines, read_lines
from bot.domain.client_changes import NAME_MAX
from bot.domain.errors import Refused
from storage import clients as store
from storage.models import Workspace

COLUMNS = ("client", "name", "zone", "team_channel", "client_channel", "mention")
NEEDED = ("client",)
LINES_MOST = 5_000
CHANNEL = re.compile(r"(?:^|[/#<])([CG][A-Z0-9]{4,30})(?:\|[^>]*>|>|[/?].*)?$")
PERSON = re.compile(r"(?:<@|<!subteam\^)?([UWS][A-Z0-9]{2,30})(?:\|[^>]*)?>?")


class Outcome(StrEnum):
    MADE = "made"
    STANDS = "stands"  # there already, left as it is
    FAULTY = "faulty"


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one line. `line` counts from 1, the heading included."""

    line: int
    client: str
    outcome: Outcome
    words: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line that makes sense."""

    line: int
    slug: str
    name: str | None
    zone: str
    team_channel: str | None
    client_channel: str | None
    mentions: tuple[str, ...]


def read(text: str) -> list[Line]:
    """The lines of a table. Raises Refused where the heading is not ours, or there are too many."""
    lines = list(read_lines(as_lines(text), COLUMNS, NEEDED))
    if len(lines) > LINES_MOST:
        raise Refused(f"More than {LINES_MOST:,} lines: please split the file.")
    return lines


async def bring_in(session: AsyncSession, workspace: Workspace, text: str, now: datetime) -> list[Told]:
    """Makes the clients of a table, in the caller's transaction. Faulty lines change nothing and are told."""
    told: list[Told] = []
    seen: dict[str, int] = {}
    for line in read(text):
        try:
            wanted = _wanted(line, workspace.zone)
            first = seen.setdefault(wanted.slug, line.number)
            if first != line.number:
                raise Refused(f"the same client as line {first}")
            told.append(await _make(session, workspace, wanted, now))
        except Refused as refused:
            named = line.cells.get("client", "")[:40]
            told.append(Told(line.number, named, Outcome.FAULTY, refused.text))
    return told


def _wanted(line: Line, zone: str) -> Wanted:
    if line.problem:
        raise Refused(line.problem)
    cells = line.cells
    slug = clients.slug_of(cells.get("client", ""))
    own = cells.get("zone") or zone
    clients.check_zone(own)
    team, shared = (_channel(cells.get(name, "")) for name in ("team_channel", "client_channel"))
    name = " ".join(cells.get("name", "").split()) or None
    if name is not None and len(name) > NAME_MAX:
        raise Refused(f"The name has {len(name)} characters; the most is {NAME_MAX}.")
    return Wanted(line.number, slug, name, own, team, shared, tuple(_people(cells.get("mention", ""))))


def _channel(text: str) -> str | None:
    if not text:
        return None
    match = CHANNEL.search(text)
    if match is None:
        raise Refused(f"“{text[:40]}” is no channel id. Use one like C0123ABCD, or the channel's link.")
    return match[1]


def _people(text: str) -> Iterator[str]:
    for word in dict.fromkeys(re.split(r"[\s,;]+", text)):
        if not word:
            continue
        match = PERSON.fullmatch(word)
        if match is None:
            raise Refused(f"“{word[:40]}” is no user or group id. Use ids like U0123ABCD or S0123ABCD.")
        yield match[1]


async def _make(session: AsyncSession, workspace: Workspace, wanted: Wanted, now: datetime) -> Told:
    before = await store.by_name(session, workspace.id, wanted.slug)
    if before is not None and before.closed_at is not None:
        return Told(wanted.line, wanted.slug, Outcome.FAULTY, clients.taken_words(before, wanted.slug))
    if before is not None:
        now_called = "" if before.slug == wanted.slug else f" as {before.slug}"
        return Told(wanted.line, wanted.slug, Outcome.STANDS, f"stands already{now_called}; left as it is")
    await _demand_apart(session, workspace, wanted)
    actor = Actor(workspace.id)
    made = await clients.create(
        session, actor, wanted.slug, wanted.team_channel, now, wanted.zone, wanted.name
    )
    made.client_channel, made.mentions = wanted.client_channel, list(wanted.mentions)
    record(session, actor, "client.imported", now, client_id=made.id, detail={"line": wanted.line})
    await session.flush()
    where = "" if wanted.team_channel else "; no team channel, so alerts go to the operations channel"
    return Told(wanted.line, wanted.slug, Outcome.MADE, f"made{where}")


async def _demand_apart(session: AsyncSession, workspace: Workspace, wanted: Wanted) -> None:
    """A channel that one client reads never carries what is another's."""
    problems = await clients.shared_with_others(
        session, workspace.id, wanted.team_channel, wanted.client_channel
    )
    if problems:
        raise Refused(" ".join(f"{name}: {words}" for name, words in problems.items()))
