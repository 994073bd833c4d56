"""`/lamplighter digest` and `/lamplighter many-posts`: what comes round by itself, and when.

The one switches a client's Monday digest in its team channel; the other sets how many posts make a day one
that is looked at the working day before.
"""

from __future__ import annotations

from bot.commands.desk import Desk
from bot.commands.requests import Request
from bot.commands.scope import find_clients
from bot.commands.who import demand_admin, demand_member, demand_named
from bot.domain import ahead, digests
from bot.domain.errors import Refused
from bot.messages import rhythm as messages
from bot.messages.message import Message
from bot.slack.errors import SlackProblem
from storage import clients

SWITCH = {"on": True, "off": False}
HOW = "Type it like this: `/lamplighter digest client-a on`, or `off`."
HOW_MANY = f"Type a number from 1 to {ahead.MOST}, like `/lamplighter many-posts 8`."


async def switch_digest(desk: Desk, request: Request) -> Message:
    """`/lamplighter digest client-a on`: also in its team channel, unless that is shared."""
    demand_member(request.asker, "switch digests")
    named, _, word = request.text.strip().rpartition(" ")
    on = SWITCH.get(word.casefold())
    if on is None or not named.strip():
        raise Refused(HOW)
    actor = request.asker.actor
    async with desk.house.db.read() as session:
        found = await find_clients(session, actor, named)
    if len(found) != 1:
        raise Refused(HOW)
    (client,) = found
    demand_named(request.asker, client, "switch its digest")
    if on and client.team_channel is None:
        raise Refused(messages.no_team_channel(client.slug))
    if (
        on
        and client.team_channel is not None
        and await _is_shared(desk, actor.workspace_id, client.team_channel)
    ):
        raise Refused(messages.shared(client.slug, client.team_channel))
    async with desk.house.db.write() as session:
        row = await clients.get(session, actor.workspace_id, client.id)
        if row is not None:
            await digests.switch(session, actor, row, on, desk.house.clock.now())
    return messages.switched(client.slug, client.team_channel, on)


async def _is_shared(desk: Desk, workspace_id: str, channel: str) -> bool:
    """What Slack does not tell us now is looked at again before each digest."""
    try:
        return (await desk.gateway.channel(workspace_id, channel)).is_ext_shared
    except SlackProblem:
        return False


async def set_many_posts(desk: Desk, request: Request) -> Message:
    """`/lamplighter many-posts 8`; without a number, what it is now."""
    demand_member(request.asker, "see that")
    typed = request.text.strip()
    if not typed:
        return messages.many_posts(ahead.many_posts(request.asker.workspace))
    demand_admin(request.asker, "change that")
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 4 else 0
    if not 1 <= number <= ahead.MOST:
        raise Refused(HOW_MANY)
    actor = request.asker.actor
    async with desk.house.db.write() as session:
        await ahead.set_many_posts(session, actor, number, desk.house.clock.now())
    return messages.many_posts(number)
