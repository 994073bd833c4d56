"""A strict Slack in memory, spoken to over HTTP."""

from __future__ import annotations

from sandbox.slack.client import Person, Seen
from sandbox.slack.config import AppConfig, Shortcut, Switches
from sandbox.slack.faults import Outage
from sandbox.slack.inputs import Impossible
from sandbox.slack.routes import create_slack_routes
from sandbox.slack.state import SlackWorld

__all__ = [
    "AppConfig",
    "Impossible",
    "Outage",
    "Person",
    "Seen",
    "Shortcut",
    "SlackWorld",
    "Switches",
    "create_slack_routes",
]
