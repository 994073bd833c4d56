"""When a grant is next due. Pure: returned lifetimes and margins in, an instant out.

Margins come from each platform's refresh model, lifetimes always from the platform's replies. Jitter only
moves a moment *later* inside its margin, so that a thousand accounts linked on one day do not fall due in
one minute and a margin is never longer than half the life.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.platforms.base import RefreshKind, RefreshModel

JITTER = 0.25  # of the margin
BACKOFF_FIRST = timedelta(minutes=1)
BACKOFF_MOST = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Life:
    """What is known of a token set's lifetimes. UTC-aware; None: the platform names no end."""

    issued_at: datetime
    access_expires_at: datetime | None
    has_refresh_token: bool


def renewable(model: RefreshModel, life: Life) -> bool:
    """Whether there is anything to present for new tokens."""
    if model.kind is RefreshKind.SELF_EXTENDING:
        return True
    return model.kind is not RefreshKind.NONE and life.has_refresh_token


def next_due(model: RefreshModel, life: Life, jitter: float) -> datetime | None:
    """When the sweep looks at a grant after a success. `jitter` is in [0, 1).

    What cannot be renewed is due at its end, so that its death is noticed; None: never.
    """
    end = life.access_expires_at
    if end is None and model.assumed_life is not None:
        end = life.issued_at + model.assumed_life
    if end is None or not renewable(model, life):
        return end
    margin = min(model.margin, (end - life.issued_at) / 2)
    due = end - margin * (1 - JITTER * jitter)
    return max(due, life.issued_at + model.min_age) if model.min_age else due


def backoff(failures: int, most: timedelta = BACKOFF_MOST) -> timedelta:
    """A growing pause after `failures` in a row (1 is the first)."""
    pause: timedelta = BACKOFF_FIRST * 2 ** min(max(failures - 1, 0), 16)
    return min(pause, most)


def nearly_over(life: Life) -> datetime | None:
    """From when on an unclear attempt's refresh token may be presented again: the last quarter of the
    life, at most five minutes of it."""
    end = life.access_expires_at
    if end is None:
        return None
    return end - min(timedelta(minutes=5), (end - life.issued_at) / 4)


def fresh_jitter() -> float:
    return random.random()
