"""The Home tab: how the accounts are, for members; a plain hello for everybody else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.commands.catalogue import help_lines
from bot.commands.desk import Desk
from bot.commands.requests import Command
from bot.commands.who import Asker, who_asks
from bot.domain import clients, pictures
from bot.messages.health import HealthFacts, health_message
from bot.messages.help import home_view
from bot.slack.errors import ViewConflict

SCOPE = "all"


async def publish(
    desk: Desk,
    asker: Asker,
    facts: HealthFacts | None,
    commands: Sequence[Command] = (),
    view_hash: str | None = None,
) -> None:
    """Shows the tab; once more without the hash where another one was faster."""
    health = health_message(facts) if facts is not None else None
    view = home_view(help_lines(commands, asker.actor.outsider), health)
    workspace_id = asker.actor.workspace_id
    try:
        await desk.gateway.publish_view(workspace_id, asker.user_id, view, view_hash)
    except ViewConflict:
        await desk.gateway.publish_view(workspace_id, asker.user_id, view)


async def load(desk: Desk, asker: Asker) -> HealthFacts | None:
    """All clients of the workspace for its members; nothing for outsiders, who have no channel here."""
    if asker.actor.outsider:
        return None
    async with desk.house.db.read() as session:
        seen = [client.id for client in await clients.visible(session, asker.actor)]
        workspace_id = asker.actor.workspace_id
        return await pictures.health(session, desk.house, workspace_id, seen, scope=SCOPE)


def register(app: AsyncApp, desk: Desk, commands: Sequence[Command]) -> None:
    """The event that Slack sends whenever somebody opens the tab."""

    async def opened(event: dict[str, Any], workspace_id: str) -> None:
        if event.get("tab") != "home":
            return
        asker = await who_asks(desk, workspace_id, str(event["user"]), None)
        facts = await load(desk, asker)
        view_hash = (event.get("view") or {}).get("hash")
        await publish(desk, asker, facts, commands, view_hash)

    app.event("app_home_opened")(opened)
