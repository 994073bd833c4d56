"""The bot is removed from a workspace, or its token is found dead."""

from __future__ import annotations

from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext

from bot.commands.desk import Desk
from bot.domain import uninstalling
from bot.domain.house import House
from bot.slack.errors import DEAD_TOKEN, WorkspaceGone
from bot.slack.gateway import Gateway
from bot.slack.installs import Install, Installs

log = structlog.get_logger(__name__)


async def token_refused(
    house: House, gateway: Gateway, installs: Installs, workspace_id: str, why: str
) -> bool:
    """A second look at a token that was refused, or of which an event says that it is over; true when the
    workspace is left.

    Raises a SlackProblem where Slack does not answer; whoever asked asks again."""
    installs.forget()
    install = await installs.by_workspace(workspace_id)
    if install is None:
        return True
    try:
        await gateway.identify(install.bot_token)
    except WorkspaceGone as problem:
        if problem.word not in DEAD_TOKEN:
            raise
        await uninstalling.left(house, workspace_id, install.generation, why)
        installs.forget()
        return True
    log.info("token_works_after_all", workspace=workspace_id, why=why)
    return False


def is_old(body: dict[str, Any], install: Install) -> bool:
    """Whether an event tells of a time before the present install; both are Slack's seconds."""
    at = body.get("event_time")
    return isinstance(at, int) and install.installed_at is not None and at < int(install.installed_at)


def register(app: AsyncApp, desk: Desk) -> None:
    """Both events of a removal, in whatever order they come."""

    async def look(body: dict[str, Any], context: AsyncBoltContext, why: str) -> None:
        install: Install = context["install"]
        if is_old(body, install):
            log.info("old_removal_ignored", workspace=install.workspace_id, why=why)
            return
        await token_refused(desk.house, desk.gateway, desk.installs, install.workspace_id, why)

    async def uninstalled(body: dict[str, Any], context: AsyncBoltContext) -> None:
        await look(body, context, "app_uninstalled")

    async def revoked(event: dict[str, Any], body: dict[str, Any], context: AsyncBoltContext) -> None:
        if (event.get("tokens") or {}).get("bot"):
            await look(body, context, "tokens_revoked")

    app.event("app_uninstalled")(uninstalled)
    app.event("tokens_revoked")(revoked)
