"""Content calendars: a CSV file, line by line into posts that are queued.

Nothing is imported twice: a line's key is a digest of what it says, so the same line in the same or another
file is the same post. A faulty line queues nothing and is explained; the others are queued all the same.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import posting
from bot.domain.auditing import Actor
from bot.domain.checking_posts import Cost, Planned, Warned
from bot.domain.clients import names, slug_of
from bot.domain.errors import Refused
from bot.domain.examining import examine
from bot.domain.house import House
from bot.domain.moments import instants
from bot.domain.posting import PAST_TOLERANCE, Draft, DraftProblems
from bot.platforms.base import Content, Media
from storage import clients, connections
from storage import queue as store
from storage.models import Client, Connection

COLUMNS = ("client", "platforms", "when", "text", "media", "title", "link")
NEEDED = ("client", "platforms", "when")
MEDIA_MOST = 35  # more than any platform takes

UNREADABLE = "From here on the file cannot be read: a quotation mark is missing or too many."

Look = Callable[[str], Awaitable[Media]]
"""Fetches a media link once and reads it. Raises Refused, in words for whoever wrote the calendar."""


class Came(StrEnum):
    """What a line came to."""

    QUEUED = "queued"
    KNOWN = "known"  # imported before, whatever has become of it
    FAULTY = "faulty"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file, by its column. `number` counts from 1, the heading included; `problem`: why it
    cannot even be read."""

    number: int
    cells: Mapping[str, str]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What a line came to. `problem`: why it is faulty; `warned`: what is worth a word though it is queued;
    `costs`: what platforms charge for it; `labels`: the accounts by connection; `due_at` is UTC-aware, `zone`
    the client's."""

    number: int
    came: Came
    problem: str = ""
    warned: tuple[Warned, ...] = ()
    costs: tuple[Cost, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    due_at: datetime | None = None
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Plan:
    """A line that makes sense: what it would queue, without its media."""

    client: Client
    due_at: datetime
    key: str
    known: bool
    chosen: tuple[Connection, ...] = ()


# -- reading ---------------------------------------------------------------------------------------


def read_lines(file: Iterable[str]) -> Iterator[Line]:
    """The lines of a calendar, read as they are needed. Raises Refused where its heading cannot be used."""
    source = iter(file)
    heading = next(source, "").lstrip("\ufeff")
    delimiter = ";" if heading.count(";") > heading.count(",") else ","
    names = [name.strip().casefold() for name in next(csv.reader([heading], delimiter=delimiter), [])]
    _check_heading(names)
    rows = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        number = rows.line_num + 2  # behind the heading, at the line where the row begins
        try:
            cells = next(rows, None)
        except csv.Error:
            yield Line(number, {}, UNREADABLE)
            return
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield _line(number, names, cells)


def _check_heading(names: Sequence[str]) -> None:
    wanted = f"The first line names the columns: {', '.join(COLUMNS)}."
    missing = [name for name in NEEDED if name not in names]
    strange = [name for name in names if name not in COLUMNS]
    if missing:
        raise Refused(f"The column {' and the column '.join(missing)} is missing. {wanted}")
    if strange:
        raise Refused(f"“{strange[0][:40]}” is none of the columns that I know. {wanted}")
    if len(set(names)) != len(names):
        raise Refused(f"A column is there twice. {wanted}")


def _line(number: int, names: Sequence[str], cells: Sequence[str]) -> Line:
    found = {name: cell.strip() for name, cell in zip(names, cells, strict=False)}
    if any(cell.strip() for cell in cells[len(names) :]):
        said = "This line has more cells than there are columns. Put texts with commas into quotation marks."
        return Line(number, found, said)
    if any("\x00" in cell for cell in cells):
        return Line(number, found, "This line holds characters that are no text.")
    return Line(number, found)


def read_when(text: str, zone: str) -> datetime:
    """The instant that a cell names, UTC-aware, to the second: ISO 8601, in `zone` where it has no offset.

    Raises Refused for a date without a time, and for a time that a clock change skips or repeats."""
    try:
        at = datetime.fromisoformat(text).replace(microsecond=0)
    except ValueError:
        raise Refused(f"“{text[:40]}” is not a time. Write it like 2026-12-24T18:00.") from None
    if ":" not in text and "T" not in text.upper():
        raise Refused(f"“{text[:40]}” has no time of day. Write it like 2026-12-24T18:00.")
    try:
        return _instant(at, zone)
    except OverflowError:
        raise Refused(f"“{text[:40]}” is not a time that I can plan for.") from None


def _instant(at: datetime, zone: str) -> datetime:
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    found = instants(at, zone)
    if len(found) == 1:
        return found[0]
    if not found:
        said = f"{at:%H:%M} does not exist on that day in {zone}: the clocks go forward."
        raise Refused(f"{said} Choose another time.")
    offset = found[0].astimezone(ZoneInfo(zone)).strftime("%z")
    example = f"{at.isoformat()}{offset[:3]}:{offset[3:5]}"
    said = f"{at:%H:%M} comes twice on that day in {zone}: the clocks go back."
    raise Refused(f"{said} Write which one you mean, like {example}.")


# -- importing -------------------------------------------------------------------------------------


async def import_lines(
    house: House, actor: Actor, lines: Iterable[Line], look: Look, *, dry_run: bool = False
) -> AsyncIterator[Report]:
    """Queues each line in a transaction of its own, and reports it. A dry run does all but that."""
    seen: set[str] = set()
    preview: list[Planned] | None = [] if dry_run else None
    media: dict[str, Media | Refused] = {}
    for line in lines:
        try:
            yield await _one(house, actor, line, _remembering(look, media), seen, preview)
        except Refused as refused:
            yield Report(line.number, Came.FAULTY, refused.text)


def _remembering(look: Look, known: dict[str, Media | Refused]) -> Look:
    """Fetches each address once, however many lines name it."""

    async def fetch(url: str) -> Media:
        if url not in known:
            try:
                known[url] = await look(url)
            except Refused as refused:
                known[url] = refused
        found = known[url]
        if isinstance(found, Refused):
            raise Refused(f"{url[:80]}: {found.text}")
        return found

    return fetch


async def _one(
    house: House, actor: Actor, line: Line, look: Look, seen: set[str], preview: list[Planned] | None
) -> Report:
    """`preview`: what a dry run would have queued so far; None where it is queued indeed."""
    if line.problem:
        raise Refused(line.problem)
    async with house.db.read() as session:
        plan = await _plan(session, house, actor, line)
    labels = {row.id: _label(house, row) for row in plan.chosen}
    report = Report(line.number, Came.KNOWN, labels=labels, due_at=plan.due_at, zone=plan.client.zone)
    if plan.known or plan.key in seen:
        return report
    now = house.clock.now()
    if plan.due_at < now - PAST_TOLERANCE:
        raise Refused("That time is in the past.")
    content = await _content(line, look)
    draft = Draft(plan.key, plan.client.id, tuple(row.id for row in plan.chosen), content, plan.due_at)
    proposed = draft.proposed(plan.chosen)
    async with house.db.read() as session:
        found = await examine(session, house, proposed, beside=preview or ())
    if found.refused:
        raise DraftProblems(found.refused)
    if preview is not None:
        preview.extend(item.planned for item in proposed)
    else:
        async with house.db.write() as session:
            await posting.queue(session, house, actor, draft, now)
    seen.add(plan.key)
    return replace(report, came=Came.QUEUED, warned=found.warned, costs=found.costs)


async def _plan(session: AsyncSession, house: House, actor: Actor, line: Line) -> Plan:
    client = await _client(session, actor, line.cells.get("client", ""))
    if not line.cells.get("when"):
        raise Refused("The time is missing.")
    due_at = read_when(line.cells["when"], client.zone)
    key = line_key(client, line)
    if await store.imported(session, actor.workspace_id, key):
        return Plan(client, due_at, key, known=True)
    rows = await connections.of_client(session, client.id)
    chosen = _accounts(house, client, rows, line.cells.get("platforms", ""))
    return Plan(client, due_at, key, False, tuple(chosen))


async def _client(session: AsyncSession, actor: Actor, typed: str) -> Client:
    if not typed:
        raise Refused("The client is missing.")
    known = await names(session, actor.workspace_id, await clients.all_open(session, actor.workspace_id))
    slug = slug_of(typed)
    if slug in known:
        return known[slug]
    near = difflib.get_close_matches(slug, known, n=1, cutoff=0.6)
    raise Refused(f"There is no client `{slug}`.{f' Did you mean `{near[0]}`?' if near else ''}")


def _accounts(house: House, client: Client, rows: Sequence[Connection], typed: str) -> list[Connection]:
    """Every account of the client on each platform, or the one that a handle names."""
    if not typed:
        raise Refused("The platforms are missing. Write them like: instagram x:@handle")
    found: dict[str, Connection] = {}
    for word in typed.replace(",", " ").split():
        key, _, handle = word.partition(":")
        platform = _platform(house, key)
        title = house.platforms[platform].info.title
        there = [row for row in rows if row.platform == platform]
        wanted = handle.lstrip("@").casefold()
        fitting = [row for row in there if not handle or row.handle.lstrip("@").casefold() == wanted]
        if not there:
            raise Refused(f"`{client.slug}` has no account on {title}.")
        if not fitting:
            has = ", ".join(f"@{row.handle.lstrip('@')}" for row in there)
            raise Refused(f"`{client.slug}` has no account @{wanted} on {title}. It has {has}.")
        found |= {row.id: row for row in fitting}
    return list(found.values())


def _platform(house: House, typed: str) -> str:
    word = typed.casefold()
    if word in house.platforms:
        return word
    near = difflib.get_close_matches(word, house.platforms, n=1, cutoff=0.6)
    hint = f"Did you mean {near[0]}?" if near else f"I know {', '.join(sorted(house.platforms))}."
    raise Refused(f"“{typed[:40]}” is not a platform. {hint}")


def line_key(client: Client, line: Line) -> str:
    """What makes two lines the same, whatever file they stand in. The accounts that a platform's name reaches
    and the client's zone may change meanwhile: the key holds what the line says, not what it meant."""
    cells = {name: line.cells.get(name, "") for name in COLUMNS}
    at = datetime.fromisoformat(cells["when"]).replace(microsecond=0)
    cells["when"] = (at.astimezone(UTC) if at.tzinfo else at).isoformat()
    cells["platforms"] = " ".join(sorted(set(cells["platforms"].replace(",", " ").casefold().split())))
    cells["media"] = " ".join(cells["media"].split())
    parts = [client.id, *(cells[name] for name in COLUMNS if name != "client")]
    digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
    return f"import:{digest}"


async def _content(line: Line, look: Look) -> Content:
    links = line.cells.get("media", "").split()
    if len(links) > MEDIA_MOST:
        raise Refused(f"These are {len(links)} media links. No platform takes that many.")
    media = [await look(link) for link in links]
    text = line.cells.get("text", "")
    if not text and not media:
        raise Refused("There is neither a text nor a media link.")
    title, link = line.cells.get("title") or None, line.cells.get("link") or None
    return Content(text=text, media=tuple(media), title=title, link=link)


def _label(house: House, row: Connection) -> str:
    name = f"@{row.handle.lstrip('@')}" if row.handle else row.name
    return f"{name} on {house.platforms[row.platform].info.title}"
