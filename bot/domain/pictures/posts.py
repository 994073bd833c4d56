"""Posts and their deliveries as messages show them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.holding import Hold, cannot_post
from bot.domain.house import House
from bot.domain.pictures.parts import account, client_name, platform_words
from bot.messages.deliveries import DeliveryShown, PostShown
from bot.messages.people import ClientName
from bot.messages.posts import Day
from bot.messages.times import zone_of
from bot.messages.words import RECONNECT, cure_of
from storage import clients, pictures
from storage.models import Client, Delivery, Post
from storage.pictures import Item

DELIVERIES_MOST = 200


def shown(house: House, item: Item) -> DeliveryShown:
    """One delivery."""
    row = item.delivery
    return DeliveryShown(
        id=row.id,
        attempt=row.attempt,
        revision=row.revision,
        account=account(house, item.connection),
        state=row.state,
        post=post(item.post, item.client, row.text),
        reason=row.reason or "",
        asked=row.next_at is None,
        late=row.late,
        permalink=row.permalink,
        visibility=row.visibility,
        planned_at=row.planned_at,
        progress=row.progress,
        reconnect=item.connection.id if _needs_reconnect(item) else None,
        held=_held(item),
    )


def _held(item: Item) -> str:
    """Why it waits, or would wait at its time as things are now; "" where it goes out."""
    if item.delivery.state == "blocked":
        return item.delivery.reason or ""
    if item.client.paused_at is not None:
        return Hold.PAUSED
    return Hold.DEAD if cannot_post(item.connection, item.grant) else ""


def _needs_reconnect(item: Item) -> bool:
    """Whether a sign-in is what puts the account right."""
    connection, grant = item.connection, item.grant
    if connection.state != "live":
        return False
    if grant.state == "dead":
        return True
    return connection.problem is not None and cure_of(connection.problem, can_check=True) == RECONNECT


def post(row: Post, client: Client, own: str | None = None) -> PostShown:
    """A post; `own`: what it says on one account, where that is not what it says everywhere."""
    text = own or row.title or row.text
    return PostShown(row.id, client_name(client), text, row.due_at, row.author, len(row.media))


async def one(
    session: AsyncSession, house: House, workspace_id: str, delivery_id: str
) -> DeliveryShown | None:
    found = await pictures.deliveries(session, workspace_id, Delivery.id == delivery_id)
    return shown(house, found[0]) if found else None


async def of_post(
    session: AsyncSession, house: House, workspace_id: str, post_id: str
) -> list[DeliveryShown]:
    """Every account of a post."""
    found = await pictures.deliveries(
        session, workspace_id, Delivery.post_id == post_id, limit=DELIVERIES_MOST
    )
    return [shown(house, item) for item in found]


async def late(
    session: AsyncSession, house: House, workspace_id: str, client_id: str, offer_id: str
) -> tuple[ClientName, list[DeliveryShown]] | None:
    """The deliveries that one offer is about, in the order in which they were due."""
    client = await clients.get(session, workspace_id, client_id)
    which = Delivery.offer_id == offer_id, Delivery.client_id == client_id
    found = await pictures.deliveries(session, workspace_id, *which)
    if client is None or not found:
        return None
    return client_name(client), [shown(house, item) for item in found]


async def day(session: AsyncSession, house: House, workspace_id: str, client_id: str, of: date) -> Day | None:
    """What went out on a day of the client's zone; None when it was nothing."""
    client = await clients.get(session, workspace_id, client_id)
    if client is None:
        return None
    zone = zone_of(client.zone)
    since = datetime.combine(of, time(), zone)
    until = datetime.combine(of + timedelta(days=1), time(), zone)
    found = await pictures.published_between(session, client_id, since, until)
    titles = {platform_words(house, key).title: number for key, number in found.items()}
    return Day(client_name(client), of, titles) if titles else None
