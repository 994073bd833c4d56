"""Empties the notices table into Slack: nothing is lost, nothing is said twice, save one twin when Slack's
own answer was lost.

A new message is marked `posting` and committed before `chat.postMessage`. Where the answer is lost, the
notice stays `posting` for 90 s, in which `returned` may bring its timestamp back, and is then said again.
A view that is posted already is changed in place. Any number of outboxes may run on one database.

A round is one workspace's: whatever Slack does to one of them, no other waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog

from bot.messages.message import Message
from bot.slack import claims
from bot.slack.addressing import Nowhere, find_address, lanes
from bot.slack.backoff import Backoff
from bot.slack.channels import ResolveChannel
from bot.slack.delivery import Delivery, Pause, Refused
from bot.slack.gateway import Gateway
from storage.database import Database
from storage.models import Notice

__all__ = ["Outbox", "Renderer"]

log = structlog.get_logger(__name__)

Renderer = Callable[[Notice], Awaitable[Message | None]]
"""Says what a notice looks like now, or None when there is nothing to say any more.

`notice.problem` is `<Slack's word> <channel>` when the message could not be said where it belongs.
"""

T = TypeVar("T")
LANE_SECONDS = 20.0
LANES_AT_ONCE = 8  # of one workspace
ROUND_MOST = 50
BUSY_SECONDS = 2.0


@dataclass(frozen=True)
class Lane:
    """One channel's part of a round. `unanswered`: the creation of the oldest message to this channel that
    somebody is posting right now, or whose answer was lost.
    """

    key: tuple[str, str]
    notices: list[Notice]
    unanswered: datetime | None

    def is_held(self, notice: Notice) -> bool:
        """Whether an older message has to come first."""
        return notice.ts is None and self.unanswered is not None and self.unanswered <= notice.created_at


class Outbox:
    """Delivers notices. `renderers` go by topic; `wall` is real time; `owner` names this process."""

    def __init__(
        self,
        database: Database,
        gateway: Gateway,
        renderers: Mapping[str, Renderer],
        resolve_channel: ResolveChannel,
        wall: Callable[[], datetime],
        owner: str,
        refused: Refused | None = None,
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._resolve = resolve_channel
        self._wall = wall
        self._owner = owner
        self._refused = refused
        self._backoff = Backoff()
        self._renderers = renderers
        self._busy: set[tuple[str, str]] = set()
        self._rounds: dict[str, asyncio.Task[None]] = {}
        self._running: set[asyncio.Task[Any]] = set()
        self._claiming = asyncio.Lock()
        self._closing = False

    async def ring(self) -> None:
        """Begins a round for every workspace with something to say whose last one is over. Waits for none."""
        for workspace_id in await self._workspaces_due():
            if workspace_id not in self._rounds:
                self._rounds[workspace_id] = asyncio.create_task(self._on_its_own(workspace_id))

    async def deliver_once(self, limit: int = ROUND_MOST) -> int:
        """Delivers what is due, at most `limit` notices of a workspace and for about 20 s; returns how many
        were said.

        Channels go side by side, the messages of one channel in the order of their creation. May be called
        again while it runs. What fails is put off, never raised; only the database's errors are.
        """
        rounds = [self._round(workspace_id, limit) for workspace_id in await self._workspaces_due()]
        return await _sum(rounds)

    @property
    def is_busy(self) -> bool:
        """Whether a message is on its way."""
        return bool(self._busy or self._running or self._rounds)

    async def next_moment(self) -> datetime | None:
        """When there will be something to do (real time); None while nothing waits."""
        async with self._database.read() as session:
            return await claims.next_moment(session, self._wall())

    async def returned(self, notice_id: str, workspace_id: str, channel: str, ts: str) -> bool:
        """Slack told where a notice stands (`message_metadata_posted`). True if that was news."""
        async with self._database.write() as session:
            news = await claims.returned(session, notice_id, workspace_id, channel, ts)
            if news:
                await claims.wake_replies(session, notice_id, self._wall())
        return news

    async def close(self) -> None:
        """For a graceful stop: rounds that run end early, and every answer of Slack is written down.

        A round that is cancelled instead keeps its claims, and they have to run out first.
        """
        self._closing = True
        while busy := {*self._running, *self._rounds.values()}:
            await asyncio.wait(busy)

    async def _workspaces_due(self) -> Sequence[str]:
        if self._closing:
            return []
        async with self._database.read() as session:
            return await claims.workspaces_due(session, self._wall())

    async def _on_its_own(self, workspace_id: str) -> None:
        try:
            await self._round(workspace_id, ROUND_MOST)
        except Exception as problem:
            log.exception("round_failed", workspace=workspace_id, problem=type(problem).__name__)
        finally:
            del self._rounds[workspace_id]

    async def _round(self, workspace_id: str, limit: int) -> int:
        if self._closing:
            return 0
        async with self._claiming:
            delivery, runs = await self._begin(workspace_id, limit)
        gate = asyncio.Semaphore(LANES_AT_ONCE)
        return await _sum([self._lane(gate, delivery, run) for run in runs])

    async def _begin(self, workspace_id: str, limit: int) -> tuple[Delivery, list[Lane]]:
        """Claims notices and takes their channels, one round at a time: so the older claim goes first."""
        now, lease = self._wall(), claims.new_lease(self._owner)
        delivery = Delivery(
            self._database,
            self._gateway,
            self._renderers,
            self._resolve,
            self._wall,
            self._backoff,
            lease,
            self._refused,
        )
        async with self._database.write() as session:
            notices = await claims.claim(session, workspace_id, lease, now, limit)
            unanswered = await claims.unanswered(session, workspace_id, lease, now)
        ready = await self._unless_it_waits(workspace_id, notices, lease)
        runs: list[Lane] = []
        for key, lane in lanes(ready, await self._likely_channels(ready)).items():
            if key in self._busy:
                await delivery.put_off(lane, now + timedelta(seconds=BUSY_SECONDS))
            else:
                self._busy.add(key)
                runs.append(Lane(key, lane, unanswered.get(key[1])))
        return delivery, runs

    async def _unless_it_waits(self, workspace_id: str, notices: list[Notice], lease: str) -> list[Notice]:
        until = self._backoff.until(workspace_id, self._wall())
        if until is None or not notices:
            return notices
        async with self._database.write() as session:
            await claims.release(session, [notice.id for notice in notices], lease, until)
        return []

    async def _likely_channels(self, notices: list[Notice]) -> dict[str, str]:
        """Where each notice will probably go; a reply goes behind its root."""
        found: dict[str, str] = {}
        async with self._database.read() as session:
            for notice in notices:
                try:
                    address = await find_address(session, notice, self._resolve)
                except Exception:  # meets the same notice again on its way, and is logged there
                    address = Nowhere("unknown")
                channels = () if isinstance(address, Nowhere) else address.channels
                found[notice.id] = channels[0] if channels else ""
        return found

    async def _lane(self, gate: asyncio.Semaphore, delivery: Delivery, lane: Lane) -> int:
        try:
            async with gate:
                return await self._in_order(delivery, lane)
        finally:
            self._busy.discard(lane.key)

    async def _in_order(self, delivery: Delivery, lane: Lane) -> int:
        """Delivers one channel's notices one after the other; stops at the first that has to wait."""
        said, clock = 0, asyncio.get_running_loop().time
        started = clock()
        for index, notice in enumerate(lane.notices):
            if lane.is_held(notice):
                until = self._wall() + timedelta(seconds=BUSY_SECONDS)
                await delivery.put_off(lane.notices[index:], until)
                break
            if self._closing or clock() - started > LANE_SECONDS:
                await delivery.put_off(lane.notices[index:], self._wall())
                break
            outcome = await self._uninterrupted(delivery.deliver(notice))
            if isinstance(outcome, Pause):
                await delivery.put_off(lane.notices[index + 1 :], outcome.until)
                break
            said += outcome
        return said

    async def _uninterrupted(self, work: Coroutine[Any, Any, T]) -> T:
        """Between Slack's answer and its commit nothing is cancelled; `close` waits for it."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)


async def _sum(work: Sequence[Coroutine[Any, Any, int]]) -> int:
    """Lets all of it come to its end, whatever becomes of one; then raises the first problem."""
    total = 0
    for outcome in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
        total += outcome
    return total
