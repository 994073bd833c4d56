"""`/retry`: what failed, what nobody can tell about, and what is late."""

from __future__ import annotations

from slack_bolt.async_app import AsyncApp

from bot.commands.desk import Desk
from bot.commands.requests import Command, Request, listen_for_command
from bot.commands.scope import find_clients
from bot.commands.who import demand_member
from bot.domain import pictures
from bot.messages.message import Message
from bot.messages.retry import retry_message


async def show(desk: Desk, request: Request) -> Message:
    """The list, with a button for each and one for all."""
    demand_member(request.asker, "send posts again")
    async with desk.house.db.read() as session:
        found = await find_clients(session, request.asker.actor, request.text)
        ids = [client.id for client in found]
        facts = await pictures.failures(session, desk.house, request.asker.actor.workspace_id, ids)
    return retry_message(facts)


COMMAND = Command("/retry", "[client or all]", "lists the posts that failed and sends them again", show)


def register(app: AsyncApp, desk: Desk) -> None:
    """The command; its buttons are those of all posts, in `decisions`."""
    listen_for_command(app, desk, COMMAND)
