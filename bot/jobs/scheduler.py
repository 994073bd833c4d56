"""When ticks happen: APScheduler's intervals, and a bell for what cannot wait for the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = structlog.get_logger(__name__)

Tick = Callable[[], Awaitable[object]]
MINIMUM_PAUSE = 0.05  # seconds between two rings of a bell, so that a busy house does not spin


class Scheduler:
    """Runs each tick at its interval and whenever its bell rings; never twice at once."""

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._listeners: list[asyncio.Task[None]] = []

    def every(self, name: str, seconds: float, bell: asyncio.Event) -> None:
        """Rings `bell` at an interval. The default grace time of one second would drop ticks silently."""
        self._scheduler.add_job(
            bell.set,
            "interval",
            seconds=seconds,
            id=name,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )

    def listen(self, name: str, tick: Tick, bell: asyncio.Event) -> None:
        """Runs `tick` each time `bell` rings. A tick that fails is logged; the next one comes."""
        self._listeners.append(asyncio.create_task(self._answer(name, tick, bell), name=name))

    async def _answer(self, name: str, tick: Tick, bell: asyncio.Event) -> None:
        while True:
            await bell.wait()
            bell.clear()
            try:
                await tick()
            except Exception as error:
                log.exception("tick_failed", tick=name, problem=type(error).__name__)
            await asyncio.sleep(MINIMUM_PAUSE)

    def start(self) -> None:
        self._scheduler.start()

    async def stop(self) -> None:
        """No more ticks; one that is under way is let go at its next pause."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for listener in self._listeners:
            listener.cancel()
        await asyncio.gather(*self._listeners, return_exceptions=True)
