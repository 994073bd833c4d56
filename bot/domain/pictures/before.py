"""What will not hold until a day: accounts that do not work, or that end before it unless a person acts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.health import lapses_at
from bot.domain.house import House
from bot.domain.pictures.parts import account, client_name, permission_words
from bot.messages.before import PAGE_LINES, BeforeFacts, Lapse
from bot.messages.times import zone_of
from storage import clients as people
from storage import connections as links
from storage import pictures
from storage.models import Client, Connection, Grant


@dataclass(frozen=True, slots=True)
class Lapsing:
    """An account that will not hold, and since or from when on (UTC-aware)."""

    client: Client
    connection: Connection
    grant: Grant
    at: datetime
    can_renew: bool = True


async def lapsing(
    session: AsyncSession, house: House, workspace_id: str, client_ids: Iterable[str], day: date
) -> tuple[list[Lapsing], int]:
    """What of these clients will not hold until the end of the day in the client's zone, by client, the
    first to end first; and how many accounts were looked at."""
    now = house.clock.now()
    chosen = {row.id: row for row in await pictures.clients(session, workspace_id, client_ids)}
    rows = await links.with_grants(session, workspace_id, list(chosen))
    found = []
    for connection, grant in rows:
        client = chosen[connection.client_id]
        platform = house.platforms.get(connection.platform)
        is_on = platform is not None and connection.platform in house.apps
        at = lapses_at(platform.info, connection, grant, now) if platform is not None else now
        if not is_on or (at is not None and at < _end_of(day, client.zone)):
            found.append(Lapsing(client, connection, grant, at or now, is_on))
    return sorted(found, key=lambda item: (item.client.slug, item.at, item.connection.id)), len(rows)


async def before(
    session: AsyncSession,
    house: House,
    workspace_id: str,
    client_ids: Iterable[str],
    day: date,
    page: int = 0,
    *,
    scope: str = "here",
) -> BeforeFacts:
    """One page of it. `scope` comes back with the buttons."""
    found, checked = await lapsing(session, house, workspace_id, client_ids, day)
    pages = max(-(-len(found) // PAGE_LINES), 1)
    page = min(max(page, 0), pages - 1)
    shown = found[page * PAGE_LINES : (page + 1) * PAGE_LINES]
    lines = await _lines(session, house, shown)
    chosen = await pictures.clients(session, workspace_id, client_ids)
    workspace = await people.workspace(session, workspace_id)
    return BeforeFacts(
        day,
        tuple(lines),
        checked,
        len(found),
        scope,
        page,
        pages,
        paused=tuple(client_name(client) for client in chosen if client.paused_at),
        all_paused=workspace.paused_at is not None,
    )


async def _lines(session: AsyncSession, house: House, shown: Sequence[Lapsing]) -> list[Lapse]:
    queued = await pictures.queued_after(session, {item.connection.id: item.at for item in shown})
    return [_line(house, item, *queued.get(item.connection.id, (0, None))) for item in shown]


def _line(house: House, item: Lapsing, posts: int, first_due: datetime | None) -> Lapse:
    connection, grant = item.connection, item.grant
    is_dead = grant.state in ("dead", "forgotten")
    is_down = is_dead or connection.problem is not None
    reason = grant.reason if is_dead else connection.problem
    return Lapse(
        client=client_name(item.client),
        account=account(house, connection),
        connection_id=connection.id,
        generation=connection.generation,
        reason=(reason or "refused") if is_down else "expired",
        ends_at=None if is_down else item.at,
        permission=permission_words(house, connection.platform, connection.problem_detail),
        posts=posts,
        first_due=first_due,
        can_renew=item.can_renew,
    )


def _end_of(day: date, zone: str) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), zone_of(zone)).astimezone(UTC)
