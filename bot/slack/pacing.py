"""Slack's speed: about one new message a second and channel, and a few calls at once per workspace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

__all__ = ["Pacer"]

PRUNE_AT = 1_000


class Pacer:
    """Hands out turns per channel, in this process. Times are seconds on a clock that only runs forward."""

    def __init__(self, interval: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = interval
        self._clock = clock
        self._free_at: dict[tuple[str, str], float] = {}
        self._paused_until: dict[tuple[str, str], float] = {}

    async def turn(self, workspace_id: str, channel_id: str) -> None:
        """Waits until this channel may be posted to, and takes that turn."""
        key, now = (workspace_id, channel_id), self._clock()
        at = max(now, self._free_at.get(key, now))
        self._prune(now)
        self._free_at[key] = at + self._interval
        if at > now:
            await asyncio.sleep(at - now)

    def pause(self, workspace_id: str, channel_id: str, seconds: float) -> None:
        """Slack asked for patience here."""
        key, until = (workspace_id, channel_id), self._clock() + seconds
        self._paused_until[key] = max(until, self._paused_until.get(key, until))

    def paused(self, workspace_id: str, channel_id: str) -> float:
        """Seconds that are left of a pause, 0 without one."""
        return max(0.0, self._paused_until.get((workspace_id, channel_id), 0.0) - self._clock())

    def _prune(self, now: float) -> None:
        for times in (self._free_at, self._paused_until):
            if len(times) > PRUNE_AT:
                for key in [key for key, at in times.items() if at <= now]:
                    del times[key]
