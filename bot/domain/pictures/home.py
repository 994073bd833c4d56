"""What Home shows, in as many queries for a thousand accounts as for ten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.health import Colour
from bot.domain.holding import Hold
from bot.domain.house import House
from bot.domain.pictures.failures import failures
from bot.domain.pictures.overview import Entry, entries_of, heartbeat, is_shown, totals_of
from bot.domain.pictures.parts import client_name
from bot.domain.pictures.queue import queue
from bot.messages.health import EVERYTHING, HealthFacts, Only
from bot.messages.home import ALL, FAILED_MOST, NEXT_MOST, PAGE_CLIENTS, ClientLine, Dashboard
from bot.messages.queue import OPEN, Queued, QueueFacts
from storage import clients as people
from storage import pictures
from storage.models import Client


async def dashboard(
    session: AsyncSession,
    house: House,
    chosen: Sequence[Client],
    workspace_id: str,
    page: int = 0,
    only: Only = EVERYTHING,
    reader: str | None = None,
) -> Dashboard:
    """One page of a workspace's clients, the worst first. `reader`: the Slack user for whom "mine" counts."""
    workspace = await people.workspace(session, workspace_id)
    entries = await entries_of(session, house, workspace, chosen)
    by_client: dict[str, list[Entry]] = {}
    for entry in entries:
        by_client.setdefault(entry.client.id, []).append(entry)
    left = [found for found in by_client.values() if any(is_shown(one, only, reader) for one in found)]
    pages = max(-(-len(left) // PAGE_CLIENTS), 1)
    page = min(max(page, 0), pages - 1)
    shown = left[page * PAGE_CLIENTS : (page + 1) * PAGE_CLIENTS]
    waiting = await pictures.queued_by_client(session, [found[0].client.id for found in shown])
    ids = [client.id for client in chosen]
    failed = await failures(session, house, workspace_id, ids)
    coming = await queue(session, house, workspace_id, ids, scope=ALL)
    facts = HealthFacts((), totals_of(entries), ALL, page, pages, only=only)
    return Dashboard(
        health=replace(facts, is_set_up=workspace.set_up_at is not None, **await heartbeat(session)),
        clients=tuple(_line(found, waiting.get(found[0].client.id, 0)) for found in shown),
        queue=tuple(_to_come(coming))[:NEXT_MOST],
        queued=coming.total,
        failed=failed.items[:FAILED_MOST],
        failures=failed.total,
    )


def _to_come(found: QueueFacts) -> Iterator[Queued]:
    """What is not late, on the accounts where it is still to go out, each with why it would wait."""
    for one in found.items:
        left = [each for each in one.accounts if each.state in OPEN and not each.late]
        if found.all_paused:
            left = [replace(each, held=Hold.PAUSED) for each in left]
        if left:
            yield replace(one, accounts=tuple(left))


def _line(found: Sequence[Entry], waiting: int) -> ClientLine:
    client = found[0].client
    colours = [entry.colour for entry in found if entry.connection is not None]
    ends = [entry.health.until for entry in found if entry.health and entry.health.until]
    return ClientLine(
        client=client_name(client),
        red=colours.count(Colour.RED),
        yellow=colours.count(Colour.YELLOW),
        green=colours.count(Colour.GREEN),
        waiting=waiting,
        until=min(ends, default=None),
        is_paused=client.paused_at is not None,
    )
