"""What is red or yellow, for Monday's messages and the reminder before a day with many posts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import ahead as rules
from bot.domain import digests, working_time
from bot.domain.health import Colour, State, warn_before
from bot.domain.house import House
from bot.domain.pictures.overview import Entry, entries_of, lines_of
from bot.domain.pictures.parts import client_name
from bot.domain.pictures.posts import shown
from bot.messages.ahead import Ahead, Unready
from bot.messages.deliveries import PostShown
from bot.messages.digest import LINES_MOST, PAUSED_MOST, AtRisk, Digest, LastWeek, PausedClient, Totals
from storage import clients as people
from storage import pictures, queue
from storage.models import Client, Delivery, Workspace

FAR = datetime.max.replace(tzinfo=UTC)
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Risk:
    """An account that is not green, and when the first post is due that may not go out."""

    entry: Entry
    first_post: datetime | None


async def for_person(session: AsyncSession, house: House, workspace_id: str, person: str) -> Digest | None:
    """The clients that mention this person; None when all of them are green."""
    found = await people.all_open(session, workspace_id)
    return await _digest(session, house, workspace_id, [row for row in found if person in row.mentions])


async def for_team(session: AsyncSession, house: House, workspace_id: str, client_id: str) -> Digest | None:
    """One client, for its own channel; None when it is green, closed, or wants no digest any more."""
    client = await people.get(session, workspace_id, client_id)
    if client is None or client.closed_at is not None or not client.team_digest:
        return None
    groups = tuple(item for item in client.mentions if not digests.is_person(item))
    return await _digest(session, house, workspace_id, [client], client=client, mentions=groups)


async def _digest(
    session: AsyncSession,
    house: House,
    workspace_id: str,
    chosen: Sequence[Client],
    *,
    client: Client | None = None,
    mentions: tuple[str, ...] = (),
) -> Digest | None:
    workspace = await people.workspace(session, workspace_id)
    entries = await entries_of(session, house, workspace, chosen)
    risks = await _risks(session, entries)
    paused = await _paused(session, workspace, chosen)
    if not risks and not paused:
        return None
    first = risks[:LINES_MOST]
    lines = await lines_of(session, house, workspace, [risk.entry for risk in first])
    colours = _colours([risk.entry for risk in risks])
    return Digest(
        red=colours[Colour.RED],
        yellow=colours[Colour.YELLOW],
        items=tuple(AtRisk(line, risk.first_post) for line, risk in zip(lines, first, strict=True)),
        paused=paused,
        client=client_name(client) if client else None,
        mentions=mentions,
    )


async def totals(session: AsyncSession, house: House, workspace_id: str, monday: date) -> Totals | None:
    """The workspace's week; None while nothing is connected."""
    workspace = await people.workspace(session, workspace_id)
    chosen = await people.all_open(session, workspace_id)
    entries = [row for row in await entries_of(session, house, workspace, chosen) if row.connection]
    if not entries:
        return None
    within = warn_before(workspace)
    soon = house.clock.now() + within
    needed = sorted((row for row in entries if _needs_person(row, soon)), key=_when_needed)
    unheard = {row.client.slug for row in entries if _in_trouble(row) and not _heard(row.client)}
    zone = working_time.of(workspace).zone
    end = datetime.combine(monday, time(), zone)
    counted = await pictures.outcomes(session, [row.id for row in chosen], end - WEEK, end)
    return Totals(
        monday=monday,
        clients=len(chosen),
        colours={colour.value: number for colour, number in _colours(entries).items()},
        last_week=LastWeek(*(counted.get(state, 0) for state in ("published", "failed", "blocked"))),
        needed=tuple(await lines_of(session, house, workspace, needed[:LINES_MOST])),
        needed_in_all=len(needed),
        paused=await _paused(session, workspace, chosen),
        unheard=tuple(sorted(unheard)),
        zone=workspace.zone,
        days=within.days,
    )


async def ahead(
    session: AsyncSession, house: House, workspace_id: str, client_id: str, of: date
) -> Ahead | None:
    """A client's day with many posts; None when every account that it needs is green by now."""
    client = await people.get(session, workspace_id, client_id)
    if client is None or client.closed_at is not None:
        return None
    since, until = rules.span_of(client, of)
    items = await pictures.deliveries(
        session,
        workspace_id,
        Delivery.client_id == client.id,
        Delivery.due_at >= since,
        Delivery.due_at < until,
        Delivery.state.in_(pictures.UNSENT),
    )
    workspace = await people.workspace(session, workspace_id)
    used = {item.connection.id for item in items}
    entries = [
        row
        for row in await entries_of(session, house, workspace, [client])
        if row.connection and row.connection.id in used
    ]
    risks = await _risks(session, entries)
    is_paused = bool(client.paused_at or workspace.paused_at) and bool(items)
    if not risks and not is_paused:
        return None
    lines = await lines_of(session, house, workspace, [risk.entry for risk in risks])
    return Ahead(
        client=client_name(client),
        of=of,
        posts=len({item.post.id for item in items}),
        unready=tuple(Unready(line, _posts_on(house, items, line.connection_id)) for line in lines),
        mentions=tuple(client.mentions),
        paused=is_paused,
        paused_by=workspace.paused_by if workspace.paused_at else client.paused_by,
        by_all=workspace.paused_at is not None,
    )


def _posts_on(house: House, items: Sequence[pictures.Item], connection_id: str) -> tuple[PostShown, ...]:
    return tuple(shown(house, item).post for item in items if item.connection.id == connection_id)


async def _risks(session: AsyncSession, entries: Sequence[Entry]) -> list[Risk]:
    """What is red or yellow, apart from what only waits because somebody paused it: the first post at risk
    first, then the worst."""
    bad = [row for row in entries if _in_trouble(row)]
    ids = [row.connection.id for row in bad if row.connection]
    queued = await pictures.queued(session, ids)
    ends = {
        row.connection.id: row.health.until
        for row in bad
        if row.connection and row.health and row.health.colour is Colour.YELLOW and row.health.until
    }
    after = await pictures.first_after(session, ends)
    risks = []
    for row in bad:
        key = row.connection.id if row.connection else ""
        waits = queued[key].first_due if key in queued else None
        risks.append(Risk(row, after.get(key) if key in ends else waits))
    return sorted(risks, key=_by_risk)


def _by_risk(risk: Risk) -> tuple[datetime, int, datetime, str, str]:
    row = risk.entry
    until = row.health.until if row.health else None
    account = row.connection.handle or row.connection.name if row.connection else ""
    return risk.first_post or FAR, row.rank, until or FAR, row.client.slug, account


def _in_trouble(row: Entry) -> bool:
    found = row.health
    return found is not None and found.colour is not Colour.GREEN and found.state is not State.PAUSED


def _needs_person(row: Entry, soon: datetime) -> bool:
    found = row.health
    if found is None:
        return False
    return found.colour is Colour.RED or (found.until is not None and found.until <= soon)


def _when_needed(row: Entry) -> tuple[bool, datetime, str]:
    found = row.health
    is_red = found is not None and found.colour is Colour.RED
    return not is_red, (found.until if found else None) or FAR, row.client.slug


def _heard(client: Client) -> bool:
    return client.team_digest or any(digests.is_person(person) for person in client.mentions)


def _colours(entries: Sequence[Entry]) -> Counter[Colour]:
    return Counter(row.health.colour for row in entries if row.health)


async def _paused(
    session: AsyncSession, workspace: Workspace, chosen: Sequence[Client]
) -> tuple[PausedClient, ...]:
    """The clients whose posts wait because somebody wanted it so; what waits is counted for those shown."""
    found = [row for row in chosen if row.paused_at is not None or workspace.paused_at is not None]
    waiting = [await queue.waiting(session, [row.id]) for row in found[:PAUSED_MOST]]
    waiting += [0] * (len(found) - len(waiting))
    by_all = workspace.paused_by if workspace.paused_at is not None else None
    return tuple(
        PausedClient(client_name(row), by_all or row.paused_by, number)
        for row, number in zip(found, waiting, strict=True)
    )
