"""What `/queue` shows, and what has happened to a post since somebody looked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.deciding import Choice
from bot.domain.house import House
from bot.domain.pictures.parts import client_name
from bot.domain.pictures.posts import post, shown
from bot.messages.deliveries import DeliveryShown
from bot.messages.queue import PAGE_POSTS, Queued, QueueFacts
from bot.messages.queue_changes import Since
from storage import clients, pictures
from storage import queue as store
from storage.models import Delivery
from storage.pictures import Item

REMEMBERED = timedelta(days=8)


async def queue(
    session: AsyncSession,
    house: House,
    workspace_id: str,
    client_ids: Iterable[str],
    page: int = 0,
    *,
    scope: str = "here",
) -> QueueFacts:
    """One page of what is to come for these clients; the last one where `page` is beyond it."""
    workspace = await clients.workspace(session, workspace_id)
    chosen = await pictures.clients(session, workspace_id, client_ids)
    ids, now = [client.id for client in chosen], house.clock.now()
    groups, total = await store.page(session, workspace_id, ids, now, page * PAGE_POSTS, PAGE_POSTS)
    pages = max(-(-total // PAGE_POSTS), 1)
    if page >= pages:
        page = pages - 1
        groups, total = await store.page(session, workspace_id, ids, now, page * PAGE_POSTS, PAGE_POSTS)
    return QueueFacts(
        items=tuple(_queued(house, items) for items in groups),
        total=total,
        clients=tuple(client_name(client) for client in chosen),
        scope=scope,
        page=page,
        pages=pages,
        paused=tuple(client_name(client) for client in chosen if client.paused_at is not None),
        all_paused=workspace.paused_at is not None,
        waiting=await store.waiting(session, ids),
    )


def _queued(house: House, items: Sequence[Item]) -> Queued:
    accounts = tuple(shown(house, item) for item in items)
    return Queued(post(items[0].post, items[0].client), items[0].delivery.due_at, accounts)


async def of_choices(
    session: AsyncSession, workspace_id: str, choices: Iterable[Choice]
) -> list[tuple[Item, bool]]:
    """The deliveries of a press, each with whether it is still as the person saw it."""
    seen = {choice.delivery_id: choice for choice in choices}
    found = await pictures.deliveries(session, workspace_id, Delivery.id.in_(list(seen)))
    return [(item, _is_current(item.delivery, seen[item.delivery.id])) for item in found]


def _is_current(row: Delivery, seen: Choice) -> bool:
    return (row.attempt, row.revision) == (seen.attempt, seen.revision)


async def since(
    session: AsyncSession, house: House, workspace_id: str, choices: Iterable[Choice]
) -> list[Since]:
    """What has become of the deliveries of a press, with the last thing that a person did to each."""
    found = []
    for item, _ in await of_choices(session, workspace_id, choices):
        view: DeliveryShown = shown(house, item)
        begin = house.clock.now() - REMEMBERED
        events = await store.history(session, workspace_id, item.client.id, begin)
        last = next((event for event in events if event.detail.get("delivery") == item.delivery.id), None)
        found.append(Since(view, last.action, last.actor, last.at) if last else Since(view))
    return found
