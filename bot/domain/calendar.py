"""Content calendars: a CSV file, line by line into posts that are queued.

Nothing is imported twice: a line's key is a digest of what it says, so the same line in the same or another
file is the same post. A faulty line queues nothing and is explained; the others are queued all the same.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import posting
from bot.domain.auditing import Actor
from bot.domain.calendar_file import COLUMNS, Line, read_when
from bot.domain.checking_posts import Cost, Planned, Warned
from bot.domain.clients import names, slug_of
from bot.domain.errors import Refused
from bot.domain.examining import Findings, Refusal, examine, refusals
from bot.domain.house import House
from bot.domain.labels import label_of, label_on
from bot.domain.posting import AHEAD_MOST, PAST_TOLERANCE, TOO_FAR, Draft, DraftProblems
from bot.messages.queue_windows import TITLE_MOST
from bot.platforms.content import Content, Media, MediaKind
from storage import clients, connections
from storage import queue as store
from storage.models import Client, Connection

MEDIA_MOST = 35  # more than any platform takes
LINK_MOST = 2000
ADDRESS = re.compile(r"https?://[^\s/]\S*", re.IGNORECASE)

Look = Callable[[str], Awaitable[Media]]
"""Fetches a media link once and reads it. Raises Refused, in words for whoever wrote the calendar."""


class Came(StrEnum):
    """What a line came to."""

    QUEUED = "queued"
    KNOWN = "known"  # imported before, whatever has become of it
    FAULTY = "faulty"


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
    text: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A line that was looked at: what it comes to, and what is queued where it is good."""

    report: Report
    draft: Draft | None = None
    planned: tuple[Planned, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A line that makes sense: what it would queue, without its media."""

    client: Client
    due_at: datetime
    key: str
    known: bool
    chosen: tuple[Connection, ...] = ()


async def import_lines(
    house: House, actor: Actor, lines: Iterable[Line], look: Look | None, *, dry_run: bool = False
) -> AsyncIterator[Report]:
    """Queues each line in a transaction of its own, and reports it. A dry run does all but that.

    Without `look` the media are not fetched, and what only they could tell is not found."""
    seen: set[str] = set()
    beside: list[Planned] = []
    fetch = remembering(look) if look is not None else None
    for line in lines:
        try:
            judged = await judge(house, actor, line, fetch, beside=beside)
            if judged.draft is None or judged.draft.request_key in seen:
                yield replace(judged.report, came=Came.KNOWN)
                continue
            seen.add(judged.draft.request_key)
            if dry_run:
                beside.extend(judged.planned)
                yield judged.report
                continue
            async with house.db.write() as session:
                report = await store_line(session, house, actor, judged, house.clock.now())
            yield report
        except Refused as refused:
            yield Report(line.number, Came.FAULTY, refused.text)


def remembering(look: Look) -> Look:
    """Fetches each address once, however many lines name it."""
    known: dict[str, Media | Refused] = {}

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


async def judge(
    house: House, actor: Actor, line: Line, look: Look | None, *, beside: Iterable[Planned] = ()
) -> Judged:
    """What a line would queue, and what is worth a word about it. Raises Refused where it is faulty.

    `beside`: what a dry run would have queued before it."""
    if line.problem:
        raise Refused(line.problem)
    async with house.db.read() as session:
        plan = await _plan(session, house, actor, line)
    labels = {row.id: label_on(house, row) for row in plan.chosen}
    report = Report(line.number, Came.KNOWN, labels=labels, due_at=plan.due_at, zone=plan.client.zone)
    if plan.known:
        return Judged(report)
    if plan.due_at < house.clock.now() - PAST_TOLERANCE:
        raise Refused("That time is in the past.")
    if plan.due_at > house.clock.now() + AHEAD_MOST:
        raise Refused(TOO_FAR)
    content = await _content(line, look)
    draft = Draft(plan.key, plan.client.id, tuple(row.id for row in plan.chosen), content, plan.due_at)
    proposed = draft.proposed(plan.chosen)
    async with house.db.read() as session:
        found = await examine(session, house, proposed, beside=beside)
    refused = found.refused if look is not None else _certain(house, draft, plan.chosen, found)
    if refused:
        raise DraftProblems(refused)
    good = replace(report, came=Came.QUEUED, warned=found.warned, costs=found.costs, text=content.text)
    return Judged(good, draft, tuple(item.planned for item in proposed))


def _certain(
    house: House, draft: Draft, chosen: Sequence[Connection], found: Findings
) -> tuple[Refusal, ...]:
    """What would be refused whatever the media turn out to be, which nobody has looked at yet."""
    if not draft.content.media:
        return found.refused
    films = tuple(replace(item, kind=MediaKind.VIDEO, mime="video/mp4") for item in draft.content.media)
    as_films = refusals(house, replace(draft, content=replace(draft.content, media=films)).proposed(chosen))
    return tuple(item for item in found.refused if item in as_films and item.problem.field != "media")


async def store_line(
    session: AsyncSession, house: House, actor: Actor, judged: Judged, now: datetime
) -> Report:
    """Queues a good line; one that was queued meanwhile, here or elsewhere, is known. Raises Refused."""
    if judged.draft is None:
        return judged.report
    _, is_new = await posting.queue_once(session, house, actor, judged.draft, now)
    return judged.report if is_new else replace(judged.report, came=Came.KNOWN)


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
        key, colon, handle = word.partition(":")
        platform = _platform(house, key)
        title = house.platforms[platform].info.title
        there = [row for row in rows if row.platform == platform]
        wanted = handle.lstrip("@").casefold()
        if colon and not wanted:
            raise Refused(f"“{word[:40]}” names no account. Write it like {key}:@handle, or {key} for all.")
        fitting = [row for row in there if not colon or row.handle.lstrip("@").casefold() == wanted]
        if not there:
            raise Refused(f"`{client.slug}` has no account on {title}.")
        if not fitting:
            has = ", ".join(label_of(row) for row in there)
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


async def _content(line: Line, look: Look | None) -> Content:
    links = line.cells.get("media", "").split()
    if len(links) > MEDIA_MOST:
        raise Refused(f"These are {len(links)} media links. No platform takes that many.")
    media = [await look(link) if look is not None else _unseen(link) for link in links]
    text = line.cells.get("text", "")
    title, link = line.cells.get("title") or None, line.cells.get("link") or None
    if not text and not media and not link:
        raise Refused("There is neither a text nor a media link.")
    if link is not None and not ADDRESS.fullmatch(link):
        raise Refused(f"“{link[:80]}” is no link: it starts with https:// or http://, and holds no spaces.")
    for name, words, most in (("title", title, TITLE_MOST), ("link", link, LINK_MOST)):
        if words is not None and len(words) > most:  # more than the window of an edit could show
            raise Refused(f"The {name} has {len(words):,} characters; the most is {most:,}.")
    return Content(text=text, media=tuple(media), title=title, link=link)


def _unseen(link: str) -> Media:
    """A medium that nobody has looked at: only how its link is written can be wrong."""
    if not link.startswith("https://"):
        raise Refused(f"{link[:80]}: a media link starts with https:// and leads to the file itself.")
    return Media(link, MediaKind.IMAGE, "image/jpeg", 1)
