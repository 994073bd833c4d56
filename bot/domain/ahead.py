"""The working day before a day with many posts: a reminder for clients where not everything is ready.

Which clients have many posts is found once a day; whether anything is not green is read when the message is
sent, and a client with everything in order hears nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import working_time
from bot.domain.auditing import Actor, record
from bot.domain.telling import team, tell_event
from bot.domain.working_time import DAY
from bot.messages.times import zone_of
from storage import clients as store
from storage import pictures
from storage.models import Client, Workspace

TOPIC = "ahead"
MANY = 5  # posts of one client on one day
MOST = 1000


def many_posts(workspace: Workspace) -> int:
    """From how many posts a day on it is one with many: `settings["many_posts"]`, or five."""
    match (workspace.settings or {}).get("many_posts"):
        case bool():
            return MANY
        case int(number) if 1 <= number <= MOST:
            return number
    return MANY


async def set_many_posts(session: AsyncSession, actor: Actor, number: int, now: datetime) -> None:
    """How many posts make a day one with many, from 1 to `MOST`."""
    workspace = await store.hold(session, Workspace, actor.workspace_id)
    workspace.settings = {**(workspace.settings or {}), "many_posts": number}
    record(session, actor, "workspace.many_posts", now, detail={"number": number})


async def tell(session: AsyncSession, workspace: Workspace, now: datetime) -> None:
    """One notice for each client and day with many posts until the next working day, once."""
    hours = working_time.of(workspace)
    today = now.astimezone(hours.zone).date()
    last = hours.opening_after(now).astimezone(hours.zone).date()
    days = [today + DAY * number for number in range(1, (last - today).days + 1)]
    found = await store.all_open(session, workspace.id)
    for client, day in await _full_days(session, found, days, many_posts(workspace)):
        await tell_event(
            session,
            workspace.id,
            TOPIC,
            f"ahead:{client.id}:{day.isoformat()}",
            team(client.id),
            subject_id=client.id,
            facts={"day": day.isoformat()},
        )


async def _full_days(
    session: AsyncSession, found: Sequence[Client], days: Sequence[date], many: int
) -> list[tuple[Client, date]]:
    """The days on which a client has many posts to come, by its own zone."""
    start = datetime.combine(days[0] - DAY, time(), UTC)  # wider than any zone's day
    end = datetime.combine(days[-1] + 2 * DAY, time(), UTC)
    by_id = {client.id: client for client in found}
    posts: dict[tuple[str, date], set[str]] = defaultdict(set)
    for client_id, post_id, due_at in await pictures.posts_to_come(session, list(by_id), start, end):
        posts[client_id, due_at.astimezone(zone_of(by_id[client_id].zone)).date()].add(post_id)
    return [
        (by_id[client_id], day)
        for (client_id, day), its_posts in sorted(posts.items())
        if len(its_posts) >= many and day in days
    ]


def span_of(client: Client, day: date) -> tuple[datetime, datetime]:
    """A day of the client's zone, from its beginning to its end."""
    zone = zone_of(client.zone)
    return datetime.combine(day, time(), zone), datetime.combine(day + timedelta(days=1), time(), zone)
