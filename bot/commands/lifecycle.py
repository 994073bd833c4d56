"""The bot is removed from a workspace."""

from __future__ import annotations

from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp

from bot.commands.desk import Desk
from bot.slack.errors import WorkspaceGone
from storage import clients

log = structlog.get_logger(__name__)


async def removed(desk: Desk, workspace_id: str) -> None:
    """Stops everything for a workspace whose token is dead.

    The events of a removal may come late, after the bot was installed again: so the token is asked.
    Raises a SlackProblem where Slack does not answer; the event then comes again."""
    try:
        await desk.gateway.identify(await desk.installs.token_for(workspace_id))
    except WorkspaceGone:
        async with desk.house.db.write() as session:
            workspace = await clients.workspace(session, workspace_id)
            workspace.uninstalled_at = workspace.uninstalled_at or desk.house.clock.now()
        desk.installs.forget()
        log.warning("workspace gone", workspace=workspace_id)
        return
    log.info("removal is over already", workspace=workspace_id)


def register(app: AsyncApp, desk: Desk) -> None:
    """Both events of a removal, in whatever order they come."""

    async def uninstalled(workspace_id: str) -> None:
        await removed(desk, workspace_id)

    async def revoked(event: dict[str, Any], workspace_id: str) -> None:
        if (event.get("tokens") or {}).get("bot"):
            await removed(desk, workspace_id)

    app.event("app_uninstalled")(uninstalled)
    app.event("tokens_revoked")(revoked)
