"""`lamplighter demo`: the real bot beside the sandbox, in one process, on a database that is thrown away."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn
import yaml

from bot.app import assembled
from bot.clock import HouseClock
from bot.manifest import template
from bot.running import App, listening
from bot.settings import Settings, load_settings
from sandbox.agency import TEAM, Agency, Morning, found, register_apps
from sandbox.clock_panel import clock_panel, clock_route
from sandbox.server import Sandbox
from sandbox.slack.config import AppConfig, Shortcut
from sandbox.slack.testing import QuietServer
from sandbox.visitor import Visitor
from storage.crypto import new_key

TICK_SECONDS = "0.5"
SETTLE_SECONDS = 20.0
POLL_SECONDS = 0.05


@dataclass
class Demo:
    """A running demo: the sandbox, its agency, and the bot."""

    sandbox: Sandbox
    agency: Agency
    app: App
    clock_file: Path

    async def advance(self, seconds: float) -> None:
        """Lets house time pass: the bot stops at everything that falls due on the way."""
        clock = self.app.house.clock
        target = max(clock.offset, clock.read_file()) + seconds
        await asyncio.to_thread(_write, self.clock_file, target)
        self.app.house.wake.engine.set()

    async def advanced(self, seconds: float) -> None:
        """As `advance`, and waits until the bot is there and has said what there is to say."""
        await self.advance(seconds)
        clock = self.app.house.clock
        while clock.offset < clock.read_file():
            await asyncio.sleep(POLL_SECONDS)
        await self.settled()

    async def settled(self) -> None:
        """Waits until no work is due and Slack has heard everything."""
        async with asyncio.timeout(SETTLE_SECONDS):
            while not await self._is_settled():
                await asyncio.sleep(POLL_SECONDS)

    async def _is_settled(self) -> bool:
        self.app.house.wake.all()
        await asyncio.sleep(POLL_SECONDS)
        moment = await self.app.outbox.next_moment()
        if self.app.engine.is_busy or self.app.outbox.is_busy:
            return False
        return moment is None or moment > datetime.now(UTC) + timedelta(seconds=1)


@asynccontextmanager
async def running(port: int, folder: Path, *, history: bool = True) -> AsyncIterator[Demo]:
    """The demo while the block runs: the bot at `port`, the page at the next one (0: any two)."""
    bot_socket = listening("127.0.0.1", port)
    page_socket = listening("127.0.0.1", port + 1 if port else 0)
    bot_url = f"http://127.0.0.1:{bot_socket.getsockname()[1]}"
    base = f"http://127.0.0.1:{page_socket.getsockname()[1]}"
    clock_file = folder / "clock"
    clock = HouseClock(clock_file)
    sandbox = Sandbox(base, bot_url, lambda: clock.offset, manifest_facts())
    agency = found(sandbox)
    settings = demo_settings(sandbox, folder, bot_url)
    _write(clock_file, 0.0)
    panels = [clock_panel(lambda: clock.offset)]
    made: list[Demo] = []

    async def advance(seconds: float) -> None:
        await made[0].advance(seconds)

    page = sandbox.application(panels)
    page.router.routes.insert(0, clock_route(advance))
    server = QuietServer(uvicorn.Config(page, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[page_socket]))
    try:
        async with assembled(settings, clock=clock) as app:
            bot = asyncio.create_task(app.serve(bot_socket))
            made.append(Demo(sandbox, agency, app, clock_file))
            try:
                await add_to_slack(bot_url, TEAM, agency.maria.id)
                if history:
                    await Morning(sandbox, agency, made[0].advanced).pass_by()
                yield made[0]
            finally:
                app.stopping.set()
                await bot
    finally:
        server.should_exit = True
        await serving
        await sandbox.slack.close()


async def add_to_slack(bot_url: str, team: str, user: str) -> None:
    """Installs the bot in a workspace, as its admin does: the bot's page, then a yes at Slack."""
    async with Visitor() as browser:
        consent = await browser.press(await browser.open(f"{bot_url}/slack/install"))
        page = await browser.press(consent, {"team": team, "user": user})
    if page.status != 200:
        raise RuntimeError(f"the bot could not be installed: {page.text}")


def demo_settings(sandbox: Sandbox, folder: Path, bot_url: str) -> Settings:
    """The bot's settings in the demo: the same names that a real `.env` holds."""
    return load_settings(
        {
            "LAMPLIGHTER_DATABASE_URL": f"sqlite:///{folder.resolve()}/demo.db",
            "LAMPLIGHTER_DATA_DIR": str(folder),
            "LAMPLIGHTER_ENCRYPTION_KEYS": new_key(),
            "LAMPLIGHTER_PUBLIC_URL": bot_url,
            "LAMPLIGHTER_PORT": bot_url.rpartition(":")[2],
            "LAMPLIGHTER_TICK_SECONDS": TICK_SECONDS,
            "LAMPLIGHTER_OUTBOUND_URL": sandbox.base,
            "LAMPLIGHTER_CLOCK_FILE": str(folder / "clock"),
            "SLACK_CLIENT_ID": sandbox.slack.app.client_id,
            "SLACK_CLIENT_SECRET": sandbox.slack.app.client_secret,
            "SLACK_SIGNING_SECRET": sandbox.slack.app.signing_secret,
            **register_apps(sandbox),
        },
        require="run",
    )


def manifest_facts() -> AppConfig:
    """The app as the sandbox's Slack knows it: by its manifest."""
    body = yaml.safe_load(template())
    return AppConfig(
        scopes=frozenset(body["oauth_config"]["scopes"]["bot"]),
        events=frozenset(body["settings"]["event_subscriptions"]["bot_events"]),
        commands=frozenset(one["command"] for one in body["features"]["slash_commands"]),
        shortcuts=tuple(
            Shortcut(one["name"], one["callback_id"], one["type"] == "message")
            for one in body["features"]["shortcuts"]
        ),
    )


async def run_demo(port: int, say: Callable[[str], None]) -> None:
    """Runs until it is interrupted. Raises CannotStart when a port is taken."""
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    with tempfile.TemporaryDirectory(prefix="lamplighter-demo-") as folder:
        say("Giving the demo agency its morning …")
        async with running(port, Path(folder)) as demo:
            say(f"\n  Open {demo.sandbox.base}/\n")
            say("Everything in it works; nothing leaves this machine. Ctrl+C ends it.")
            await stop.wait()
    say("Bye.")


def _write(path: Path, seconds: float) -> None:
    path.write_text(repr(seconds), encoding="utf-8")
