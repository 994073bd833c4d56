"""What every rule is handed: database, keys, clock, platforms, and how long things may take."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from bot.clock import HouseClock
from bot.http import PlatformHttp
from bot.media.shelf import Shelf, memory_shelf
from bot.metrics import Meters
from bot.platforms.base import Call, Platform
from bot.platforms.content import MediaReader
from bot.settings import AppCredentials
from storage.crypto import Vault
from storage.database import Database
from storage.spool import Spool

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Timings:
    """How long calls may take and leases are held, in real seconds.

    A lease outlives the longest call made under it; `guard` is how late a call that cannot be undone may
    still leave; `settle` is how long after that an answer may still take effect at the platform.
    """

    call: float = 20.0
    send: float = 30.0
    guard: float = 10.0
    settle: float = 15.0
    lease: float = 90.0
    wait_for_lease: float = 15.0

    @property
    def refresh_over(self) -> timedelta:
        """From the journal's commit on: when a refresh call cannot be running any more."""
        return timedelta(seconds=self.guard + self.call + self.settle)

    @property
    def send_over(self) -> timedelta:
        """From the marker on: when nothing of a send can still be on its way."""
        return timedelta(seconds=self.guard + self.send + self.settle)

    @property
    def lease_span(self) -> timedelta:
        return timedelta(seconds=self.lease)


class Tasks:
    """Work that must not be cancelled between an answer and its commit. A graceful stop waits for it."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs `work` to its end even when the caller is cancelled meanwhile."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def drain(self) -> None:
        while self._running:
            await asyncio.wait(set(self._running))


class Wake:
    """Rings when there may be something to do before the next tick."""

    def __init__(self) -> None:
        self.engine = asyncio.Event()
        self.outbox = asyncio.Event()
        self.imports = asyncio.Event()

    def all(self) -> None:
        self.engine.set()
        self.outbox.set()


@dataclass(frozen=True, slots=True)
class House:
    """Everything put together once, in `bot.app`, and handed to the rules."""

    db: Database
    vault: Vault
    clock: HouseClock
    http: PlatformHttp
    platforms: Mapping[str, Platform]  # by the word that people use
    apps: Mapping[str, AppCredentials]  # by the same; a platform without an app is off
    spool: Spool
    owner: str  # this process's name on leases
    public_url: str
    late_after: timedelta = timedelta(minutes=30)
    timings: Timings = field(default_factory=Timings)
    tasks: Tasks = field(default_factory=Tasks)
    wake: Wake = field(default_factory=Wake)
    meters: Meters = field(default_factory=Meters)
    stand_ins: Mapping[str, Platform] = field(default_factory=dict)  # for a word on another provider's grants
    media: MediaReader | None = None
    shelf: Shelf = field(default_factory=memory_shelf)
    versions: Mapping[str, str] = field(
        default_factory=dict
    )  # API versions that are settings, by their names

    def call(
        self, platform: Platform, *, seconds: float | None = None, not_after: float | None = None
    ) -> Call:
        """How a call to `platform` travels. Raises KeyError where it is switched off."""
        app = self.app_of(platform)
        if app is None:
            raise KeyError(platform.info.key)
        return Call(
            http=self.http,
            app=app,
            deadline=seconds if seconds is not None else self.timings.call,
            not_after=not_after,
            media=self.media,
        )

    def app_of(self, platform: Platform) -> AppCredentials | None:
        """Our developer app behind a platform; None where it is switched off."""
        for key, candidate in self.ways():
            if candidate is platform:
                return self.apps.get(key)
        return None

    def ways(self) -> Iterator[tuple[str, Platform]]:
        """Every way to a platform: those that people name, then those that stand in for them."""
        yield from self.platforms.items()
        yield from self.stand_ins.items()

    def platform_for(self, word: str, provider: str) -> Platform | None:
        """What speaks for a connection: the platform of that word on that provider's grants."""
        for _, platform in self.ways():
            if (platform.info.key, platform.info.provider) == (word, provider):
                return platform
        return None

    def platform_of(self, provider: str, app_id: str) -> Platform | None:
        """What renews a grant; None where its app is not configured any more."""
        fitting = [
            platform
            for key, platform in self.ways()
            if platform.info.provider == provider and (app := self.apps.get(key)) and app.client_id == app_id
        ]
        own = [platform for platform in fitting if platform.info.key == provider]
        return next(iter(own or fitting), None)

    def title(self, word: str) -> str:
        """What people call a platform; its word where this build does not know it."""
        return self.platforms[word].info.title if word in self.platforms else word

    def redirect_uri(self, platform: str) -> str:
        """Byte-identical in both legs of a consent."""
        return f"{self.public_url}/oauth/{platform}/callback"


def wall_now() -> datetime:
    """Slack's and the transport's time: real, UTC-aware."""
    return datetime.now(UTC)
