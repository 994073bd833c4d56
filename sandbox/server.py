"""The whole sandbox behind one loopback address: Slack, the platforms, pictures, and the page to look at.

Every real host is a path: `/slack.com/...`, `/api.x.com/...`. House time comes from `offset`, in seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from sandbox.control import create_control_routes, render_faults_panel
from sandbox.page import Panel, create_page_routes, create_slack_panel_routes, slack_panel
from sandbox.platforms.fetch import HttpFetcher
from sandbox.platforms.public import create_public_routes
from sandbox.platforms.twins import create_platform_routes
from sandbox.slack import AppConfig, SlackWorld, create_slack_routes
from sandbox.world import PlatformWorld

PICTURES = Path(__file__).parent / "pictures"
PICTURE_HOST = "pictures.example"


@dataclass
class Sandbox:
    """The two worlds and the application that serves them at `base` (`http://127.0.0.1:PORT`)."""

    base: str
    bot_url: str
    offset: Callable[[], float] = lambda: 0.0
    app_config: AppConfig = field(default_factory=AppConfig)

    def __post_init__(self) -> None:
        self.slack = SlackWorld(self.bot_url, app=self.app_config)
        self.platforms = PlatformWorld(self.offset)

    def rewritten(self, address: str) -> str:
        """A production address as a browser here reaches it."""
        if address.startswith(self.bot_url) or not address.startswith("https://"):
            return address
        return f"{self.base}/{address.removeprefix('https://')}"

    def application(self, panels: Sequence[Panel] = ()) -> Starlette:
        """Everything that listens. `panels` stand above those of the sandbox itself."""
        accounts = Panel("accounts", "The platforms' side", lambda: render_faults_panel(self.platforms))
        own = [accounts, slack_panel(self.slack)]
        return Starlette(
            routes=[
                *create_slack_routes(self.slack),
                *create_public_routes(self.platforms),
                *create_platform_routes(self.platforms, fetcher=HttpFetcher(rewrite=self.rewritten)),
                *create_control_routes(self.platforms),
                *create_slack_panel_routes(self.slack),
                Mount(f"/{PICTURE_HOST}", StaticFiles(directory=PICTURES)),
                *create_page_routes(self.slack, [*panels, *own], self.rewritten),
            ]
        )
