"""A bot that is put together: how it starts, serves and stops, and what keeps it from starting.

A stop lets the tick under way end, answers reach their commit, and messages their timestamp.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import structlog
import uvicorn
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette

from bot.domain import revoking
from bot.domain.house import House
from bot.jobs.engine import Engine
from bot.jobs.roll_call import RollCall
from bot.jobs.scheduler import Scheduler
from bot.settings import Settings
from bot.slack.door import Door
from bot.slack.inlet import SocketMode
from bot.slack.outbox import Outbox

log = structlog.get_logger(__name__)

OUTBOX_SECONDS = 1.0
REVOKING_SECONDS = 30.0
IMPORTS_SECONDS = 30.0
REQUESTS_SECONDS = 5  # that answers under way may still take once the bot stops


class CannotStart(Exception):
    """Something that a person has to put right first; the text says what."""


def no_database(error: DBAPIError | OSError) -> CannotStart:
    """What to raise where the database cannot be used, in its own words; they hold no password."""
    if isinstance(error, DBAPIError):
        why = str(getattr(error.orig, "__cause__", None) or error.orig or type(error).__name__)
    else:
        why = " ".join(str(part) for part in (error.strerror or error, error.filename) if part)
    return CannotStart(f"The database cannot be used: {why[:200].rstrip('.')}. See LAMPLIGHTER_DATABASE_URL.")


@dataclass
class App:
    """A bot, ready to run."""

    settings: Settings
    house: House
    engine: Engine
    outbox: Outbox
    door: Door
    web: Starlette
    scheduler: Scheduler
    roll_call: RollCall
    socket_mode: SocketMode | None
    imports: Callable[[], Awaitable[object]]  # works on what was uploaded
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    leaving: asyncio.Event = field(default_factory=asyncio.Event)  # rings for disconnected accounts
    looking: asyncio.Event = field(default_factory=asyncio.Event)  # rings for people who may have left

    async def serve(self, listener: socket.socket | None = None) -> None:
        """Runs until `stopping` is set (see `heed_signals`), then stops."""
        listener = listener or listening(self.settings.host, self.settings.port)
        config = uvicorn.Config(
            self.web, log_config=None, lifespan="off", timeout_graceful_shutdown=REQUESTS_SECONDS
        )
        server = _Server(config, self.stopping)
        await self.start()
        try:
            await server.serve(sockets=[listener])
        finally:
            await self.stop()

    async def start(self) -> None:
        """Starts everything that runs by itself."""
        wake = self.house.wake
        await self.engine.start()
        self.scheduler.every("engine", self.settings.tick_seconds, wake.engine)
        self.scheduler.every("outbox", OUTBOX_SECONDS, wake.outbox)
        self.scheduler.every("roll_call", self.settings.tick_seconds, self.looking)
        self.scheduler.every("revoking", REVOKING_SECONDS, self.leaving)
        self.scheduler.every("imports", IMPORTS_SECONDS, wake.imports)
        self.scheduler.listen("engine", self.engine.tick, wake.engine)
        self.scheduler.listen("outbox", self.outbox.ring, wake.outbox)
        self.scheduler.listen("revoking", partial(revoking.revoke_due, self.house), self.leaving)
        self.scheduler.listen("roll_call", self.roll_call.tick, self.looking)
        self.scheduler.listen("imports", self.imports, wake.imports)
        self.scheduler.start()
        wake.all()
        if self.socket_mode is not None:
            await self.socket_mode.connect()
        log.info("started", owner=self.house.owner, platforms=sorted(self.house.apps))

    async def stop(self) -> None:
        """Ends gracefully: nothing that arrived is lost."""
        self.stopping.set()
        if self.socket_mode is not None:
            await self.socket_mode.close()
        await self.engine.stop()
        await self.scheduler.stop()
        await self.house.tasks.drain()
        await self.outbox.close()
        await self.door.drain()
        log.info("stopped", owner=self.house.owner)


def end_on_signal() -> None:
    """From here on SIGTERM cancels this task, as Ctrl+C does by itself: nothing runs yet that has to end."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def heed_signals(stopping: asyncio.Event) -> None:
    """From here on SIGTERM and Ctrl+C ask for a graceful stop; a second Ctrl+C ends at once."""
    loop = asyncio.get_running_loop()

    def interrupted() -> None:
        stopping.set()
        loop.remove_signal_handler(signal.SIGINT)

    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    loop.add_signal_handler(signal.SIGINT, interrupted)


class _Server(uvicorn.Server):
    """Uvicorn, which ends when the app is told to, and by nothing else.

    Its own way with signals is to raise them again as soon as it has closed its sockets: that would end the
    process before the engine and the outbox have come to their end.
    """

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves them to `heed_signals`."""
        yield

    async def on_tick(self, counter: int) -> bool:
        return self._stopping.is_set() or await super().on_tick(counter)


def listening(host: str, port: int) -> socket.socket:
    """A listening socket. Raises CannotStart when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's algorithm on and small answers wait 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(512)  # from here on connections wait for the server instead of being refused
    except OSError as error:
        listener.close()
        raise CannotStart(
            f"Nothing can listen on {host}:{port} ({error.strerror}). "
            "Set LAMPLIGHTER_HOST or LAMPLIGHTER_PORT."
        ) from None
    return listener
