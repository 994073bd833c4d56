"""The engine: ticks, house time, and the proof that it runs.

A tick moves house time to where the clock file wants it, stopping where something falls due, and works on
what is due until nothing is. APScheduler only decides when a tick happens.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import routines
from bot.domain.house import House, wall_now
from bot.domain.telling import OPERATIONS, tell_event
from bot.jobs import sweep
from storage import clients, engine, grants
from storage.migrate import CODE_VERSION

log = structlog.get_logger(__name__)

ROUNDS_MOST = 50  # of work within one tick, before the next tick takes over
TIDY_EVERY = timedelta(minutes=5)
BEAT_EVERY = 60.0  # seconds within a tick that lasts: who is silent for three minutes counts as gone
GAP = timedelta(minutes=10)
STEP_LEAST = 15.0  # seconds of house time between two stops: no finer than ticks come in life

Told = Callable[[], Awaitable[None]]


class Engine:
    """Drives the house. One per process; several processes share the work through the database."""

    def __init__(self, house: House, *, heartbeat: Told | None = None) -> None:
        self.house = house
        self._heartbeat = heartbeat
        self._busy = asyncio.Lock()
        self._tidied_at: datetime | None = None
        self._finished_at: datetime | None = None  # the last tick, by the real clock
        self._beat_at = time.monotonic()
        self._stopping = False

    @property
    def is_busy(self) -> bool:
        """Whether a tick is under way."""
        return self._busy.locked()

    async def start(self) -> None:
        """Before the first tick: house time goes on from where it was, a gap is told, and every workspace has
        its routines."""
        async with self.house.db.read() as session:
            last = await engine.last_sweep(session)
        if last is not None:
            behind = (last.house - self.house.clock.now()).total_seconds()
            ahead = self.house.clock.read_file() - self.house.clock.offset
            if 0 < behind <= ahead:
                self.house.clock.set_offset(self.house.clock.offset + behind)
            await self._tell_gap(last.house)
        await routines.ensure(self.house)

    async def tick(self) -> None:
        """One look for due work. Ticks of one process never overlap."""
        async with self._busy:
            started = time.monotonic()
            await self._look_back()
            await self._follow_clock()
            await self._work()
            await self._tidy()
            await self._finished(time.monotonic() - started)

    async def stop(self) -> None:
        """Lets the tick under way come to its end, and answers to their commit."""
        self._stopping = True
        async with self._busy:
            pass
        await self.house.tasks.drain()
        try:
            async with self.house.db.write() as session:
                await engine.leave(session, self.house.owner)
        except (SQLAlchemyError, OSError) as error:  # others hear it from the silence
            log.warning("not_signed_off", problem=type(error).__name__)

    async def _follow_clock(self) -> None:
        clock = self.house.clock
        target = clock.read_file()
        while clock.offset < target and not self._stopping:
            now = clock.now()
            async with self.house.db.read() as session:
                due = await engine.next_moment(session, now)
            step = target - clock.offset
            if due is not None:
                step = min(step, max((due - now).total_seconds(), STEP_LEAST))
            clock.set_offset(clock.offset + step)
            if clock.offset < target:
                await self._work()
        if target < clock.offset:
            clock.set_offset(target)

    async def _work(self) -> None:
        """Until nothing is due; what is due and held by others does not count."""
        await sweep.look_around(self.house)
        for _ in range(ROUNDS_MOST):
            self.house.wake.engine.clear()
            done = await sweep.refresh_due(self.house)
            if await sweep.anything_to_publish(self.house):
                done += await sweep.publish_due(self.house)
            if done == 0 or self._stopping:
                return
            if time.monotonic() - self._beat_at > BEAT_EVERY:
                async with self.house.db.write() as session:
                    await self._beat(session)

    async def _beat(self, session: AsyncSession) -> None:
        house, self._beat_at = self.house, time.monotonic()
        lease_now = await house.db.lease_now(session)
        await engine.beat(session, house.owner, CODE_VERSION, house.vault.key_ids, lease_now)

    async def _tidy(self) -> None:
        now = wall_now()
        if self._tidied_at is None or now - self._tidied_at > TIDY_EVERY:
            self._tidied_at = now
            await sweep.tidy(self.house)

    async def _finished(self, seconds: float) -> None:
        house, now = self.house, self.house.clock.now()
        async with house.db.write() as session:
            await engine.sweep_finished(session, now, wall_now(), seconds)
            overdue = await grants.overdue(session, now)
            unsent = await engine.count_unsent(session, wall_now())
            await self._beat(session)
        self._finished_at = wall_now()
        house.meters.overdue.set(overdue.count)
        house.meters.oldest_overdue.set((now - overdue.since).total_seconds() if overdue.since else 0)
        house.meters.unsent.set(unsent)
        house.meters.sweep_seconds.observe(seconds)
        house.meters.last_sweep.set_to_current_time()
        house.wake.outbox.set()
        if self._heartbeat is not None:
            await self._heartbeat()

    async def _look_back(self) -> None:
        """A machine that slept, or whose database was away, was off as well: told unless others went on."""
        if self._finished_at is None or wall_now() - self._finished_at < GAP:
            return
        async with self.house.db.read() as session:
            last = await engine.last_sweep(session)
        if last is not None and wall_now() - last.real >= GAP:
            await self._tell_gap(last.house)

    async def _tell_gap(self, since: datetime) -> None:
        now = self.house.clock.now()
        if now - since < GAP:
            return
        log.warning("engine_was_off", since=since.isoformat(), until=now.isoformat())
        async with self.house.db.write() as session:
            late = (await grants.overdue(session, now)).count
            facts = {"from": since.isoformat(), "to": now.isoformat(), "late": late}
            for workspace in await clients.living(session):
                key = f"gap:{workspace.id}:{since.isoformat()}"
                await tell_event(session, workspace.id, "engine.gap", key, OPERATIONS, facts=facts)
