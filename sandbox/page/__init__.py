"""The demo page: the sandbox's Slack as people would see it, with room for other controls beside it."""

from __future__ import annotations

from sandbox.page.panels import Panel
from sandbox.page.routes import create_page_routes
from sandbox.page.slack_panel import create_slack_panel_routes, slack_panel

__all__ = ["Panel", "create_page_routes", "create_slack_panel_routes", "slack_panel"]
