"""What people type and click in Slack: one file a command, with its buttons and modals beside it."""

from __future__ import annotations

from slack_bolt.async_app import AsyncApp

from bot.commands import (
    channels,
    clients,
    connect,
    decisions,
    detail,
    disconnect,
    health,
    home,
    lamplighter,
    lifecycle,
    links,
    logins,
    post,
    queue,
    retry,
    settings,
    setup,
)
from bot.commands.desk import Desk
from bot.slack.events import listen_for_returned

__all__ = ["COMMANDS", "Desk", "register_all"]

COMMANDS = (connect.COMMAND, disconnect.COMMAND, health.COMMAND, retry.COMMAND, post.COMMAND, queue.COMMAND)
"""The commands that stand by themselves; `/lamplighter` leads to each of them, and to its own."""

EVERY = (*COMMANDS, *lamplighter.WORDS)


def register_all(app: AsyncApp, desk: Desk) -> None:
    """Registers every listener. Each subscribed event has one: Slack counts what has none as failed."""
    connect.register(app, desk)
    disconnect.register(app, desk)
    health.register(app, desk, EVERY)
    retry.register(app, desk)
    post.register(app, desk)
    queue.register(app, desk)
    lamplighter.register(app, desk, EVERY)
    setup.register(app, desk)
    settings.register(app, desk)
    clients.register(app, desk)
    links.register(app, desk)
    logins.register(app, desk)
    decisions.register(app, desk, EVERY)
    detail.register(app, desk)
    home.register(app, desk, EVERY)
    channels.register(app, desk)
    lifecycle.register(app, desk)
    listen_for_returned(app, desk.outbox)
