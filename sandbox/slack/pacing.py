"""Slack's rate limits, where a test switches them on."""

from __future__ import annotations

import math
from collections import defaultdict, deque

from sandbox.slack.errors import SlackError
from sandbox.slack.state import SlackWorld

MINUTE = 60.0


class Pacing:
    """Counts calls by workspace and method (a sliding minute), and posts by channel (one a second)."""

    def __init__(self, world: SlackWorld) -> None:
        self.world = world
        self._calls: dict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._posts: dict[str, float] = {}

    def demand(self, method: str, per_minute: int, team_id: str, channel: str) -> None:
        """Raises `ratelimited` with the seconds to wait when this call comes too soon."""
        now = self.world.clock()
        if self.world.switches.tier_limits:
            self._tier(self._calls[team_id, method], per_minute, now)
        if self.world.switches.strict_pacing and method == "chat.postMessage":
            wait = self._posts.get(channel, -MINUTE) + 1.0 - now
            if wait > 0:
                raise SlackError("ratelimited", retry_after=max(1, math.ceil(wait)))
            self._posts[channel] = now

    @staticmethod
    def _tier(calls: deque[float], per_minute: int, now: float) -> None:
        while calls and now - calls[0] >= MINUTE:
            calls.popleft()
        if len(calls) >= per_minute:
            raise SlackError("ratelimited", retry_after=max(1, math.ceil(calls[0] + MINUTE - now)))
        calls.append(now)
