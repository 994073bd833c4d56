"""The clocks.

House time decides what is due and what has expired; it may be virtual, and only it. Lease time is the
database's own, and Slack and the transport live in real time: neither is read from here, save
`boot_seconds`, with which a sender sees that the process slept between a decision and its bytes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

__all__ = ["HouseClock", "boot_seconds", "utc_now"]

_log = structlog.get_logger(__name__)

# A century each way: far more than any rehearsal needs, and datetime arithmetic cannot overflow.
_MAX_OFFSET_SECONDS = 100 * 366 * 86_400.0


def utc_now() -> datetime:
    """Real time, UTC-aware."""
    return datetime.now(UTC)


def boot_seconds() -> float:
    """Seconds on a clock that only runs forward and, where the system has one, runs on during suspension.

    Comparable within one machine between two restarts; never to be stored for longer than a lease.
    """
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class HouseClock:
    """House time: real time plus an offset in seconds.

    The offset changes only by `set_offset`, so that the engine can walk from the present offset to the
    one in the clock file and stop at each moment at which something falls due.
    """

    def __init__(
        self,
        clock_file: Path | None = None,
        *,
        offset: float = 0.0,
        real: Callable[[], datetime] = utc_now,
    ) -> None:
        self._file = clock_file
        self._real = real
        self._offset = timedelta(seconds=_checked(offset))
        self._complained = False

    def now(self) -> datetime:
        """House time, UTC-aware."""
        return self._real() + self._offset

    @property
    def offset(self) -> float:
        """Seconds by which house time is ahead of real time."""
        return self._offset.total_seconds()

    def set_offset(self, seconds: float) -> None:
        """Move house time. Raises ValueError for what is not a number or more than a century away."""
        self._offset = timedelta(seconds=_checked(seconds))

    def read_file(self) -> float:
        """The offset that the clock file asks for, in seconds, without applying it.

        Without a clock file, and while the file is missing or unreadable, that is the present offset;
        the trouble is logged once until the file is well again.
        """
        if self._file is None:
            return self.offset
        try:
            asked = _checked(float(self._file.read_text(encoding="utf-8")))
            # Whole microseconds: an offset that can be reached.
            target = timedelta(seconds=asked).total_seconds()
        except (OSError, ValueError) as problem:
            if not self._complained:
                _log.warning("clock file unreadable, offset kept", problem=type(problem).__name__)
                self._complained = True
            return self.offset
        self._complained = False
        return target


def _checked(seconds: float) -> float:
    if not math.isfinite(seconds) or abs(seconds) > _MAX_OFFSET_SECONDS:
        raise ValueError("the offset must be a number of seconds, at most a century")
    return seconds
