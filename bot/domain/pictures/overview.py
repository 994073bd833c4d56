"""What `/health` shows: computed now, the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import preferences
from bot.domain.health import Colour, Health, health_of
from bot.domain.house import House, wall_now
from bot.domain.pictures.parts import account, client_name, open_link, permission_words, waiting
from bot.messages.health import EVERYTHING, PAGE_LINES, HealthFacts, Only
from bot.messages.health_line import HealthLine
from storage import clients as people
from storage import connections as links
from storage import engine, pictures
from storage.models import Client, Connection, Grant, Workspace

SWEEP_IS_OLD = timedelta(minutes=15)
RANK = {Colour.RED: 0, Colour.YELLOW: 1, Colour.GREEN: 2}


@dataclass(frozen=True, slots=True)
class Entry:
    """A client with one of its connections, or with none."""

    client: Client
    connection: Connection | None = None
    grant: Grant | None = None
    health: Health | None = None

    @property
    def colour(self) -> Colour:
        """Its health's; yellow where its platform is switched off here."""
        return self.health.colour if self.health else Colour.YELLOW

    @property
    def rank(self) -> int:
        return RANK[self.health.colour] if self.health else len(RANK)


async def health(
    session: AsyncSession,
    house: House,
    workspace_id: str,
    client_ids: Iterable[str],
    page: int = 0,
    *,
    scope: str = "here",
    only: Only = EVERYTHING,
    reader: str | None = None,
) -> HealthFacts:
    """One page of these clients' accounts. `scope` and `only` come back with the page buttons; `reader`: the
    Slack user for whom "mine" counts."""
    workspace = await people.workspace(session, workspace_id)
    chosen = await pictures.clients(session, workspace_id, client_ids)
    entries = await entries_of(session, house, workspace, chosen)
    left = [entry for entry in entries if is_shown(entry, only, reader)]
    pages = max(-(-len(left) // PAGE_LINES), 1)
    page = min(max(page, 0), pages - 1)
    lines = await lines_of(session, house, workspace, left[page * PAGE_LINES : (page + 1) * PAGE_LINES])
    return HealthFacts(
        lines=tuple(lines),
        totals=totals_of(entries),
        scope=scope,
        page=page,
        pages=pages,
        is_set_up=workspace.set_up_at is not None,
        only=only,
        **await heartbeat(session),
    )


def totals_of(entries: Iterable[Entry]) -> dict[str, int]:
    """How many accounts there are of each colour."""
    return dict(Counter(entry.health.colour.value for entry in entries if entry.health))


async def heartbeat(session: AsyncSession) -> dict[str, Any]:
    """When the engine finished its last round, and whether that is too long ago: fields of HealthFacts."""
    sweep = await engine.last_sweep(session)
    is_old = sweep is not None and wall_now() - sweep.real > SWEEP_IS_OLD
    return {"last_sweep": sweep.house if sweep else None, "sweep_is_old": is_old}


def is_shown(entry: Entry, only: Only, reader: str | None) -> bool:
    """Whether the filters leave an entry. A person's own are the clients that name him or that he made, and
    the accounts whose link he asked for."""
    if only.bad and (entry.connection is None or entry.colour is Colour.GREEN):
        return False
    if not only.mine:
        return True
    client = entry.client
    named = [*client.mentions, *client.backup, *preferences.deputies(client), client.created_by]
    return reader in named or (entry.connection is not None and entry.connection.linked_by == reader)


async def entries_of(
    session: AsyncSession, house: House, workspace: Workspace, chosen: Sequence[Client]
) -> list[Entry]:
    """Clients by their worst account; within a client the worst first; those without any at the end."""
    by_client: dict[str, list[Entry]] = {client.id: [] for client in chosen}
    by_id = {client.id: client for client in chosen}
    for connection, grant in await links.with_grants(session, workspace.id, list(by_id)):
        client = by_id[connection.client_id]
        by_client[client.id].append(entry_of(house, workspace, client, connection, grant))
    groups = [
        sorted(entries, key=lambda entry: entry.rank) or [Entry(by_id[key])]
        for key, entries in by_client.items()
    ]
    groups.sort(key=lambda entries: (entries[0].rank, entries[0].client.slug))
    return [entry for entries in groups for entry in entries]


def entry_of(
    house: House, workspace: Workspace, client: Client, connection: Connection, grant: Grant
) -> Entry:
    """One account with its health now; none where its platform is switched off here."""
    platform = house.platforms.get(connection.platform)
    if platform is None:
        return Entry(client, connection, grant)
    found = health_of(platform.info, workspace, client, connection, grant, house.clock.now())
    return Entry(client, connection, grant, found)


async def lines_of(
    session: AsyncSession, house: House, workspace: Workspace, entries: Sequence[Entry]
) -> list[HealthLine]:
    ids = [entry.connection.id for entry in entries if entry.connection is not None]
    queued = await pictures.queued(session, ids)
    alerts = await pictures.alert_links(session, ids)
    lines = []
    for entry in entries:
        line = _line(house, entry)
        if entry.connection is not None:
            url = open_link(house, alerts.get(entry.connection.id))
            by = workspace.paused_by if workspace.paused_at else entry.client.paused_by
            line = replace(line, waiting=waiting(queued, [entry.connection.id]), url=url, paused_by=by)
        lines.append(line)
    return lines


def _line(house: House, entry: Entry) -> HealthLine:
    client = client_name(entry.client)
    connection, grant, found = entry.connection, entry.grant, entry.health
    if connection is None or grant is None:
        return HealthLine(client)
    line = HealthLine(client, account(house, connection), connection.id, refreshed_at=grant.last_refreshed_at)
    if found is None:
        return replace(line, colour="yellow", state="off")
    return replace(
        line,
        colour=found.colour.value,
        state=found.state.value,
        reason=found.reason.value if found.reason else "",
        until=found.until,
        permission=permission_words(house, connection.platform, found.permission),
    )
