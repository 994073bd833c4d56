"""Patience with a workspace that Slack does not answer for, so that an outage is not made worse."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

__all__ = ["Backoff", "wait_seconds"]

FIRST_SECONDS = 5.0
LONGEST_SECONDS = 300.0


def wait_seconds(failures: int) -> float:
    """Seconds to wait after this many failures in a row (1 or more): 5, 10, 20, … at most 300."""
    return float(min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** min(failures - 1, 10)))


@dataclass
class Backoff:
    """Failures in a row per workspace, in this process. Instants are real time."""

    _failures: dict[str, int] = field(default_factory=dict)
    _until: dict[str, datetime] = field(default_factory=dict)

    def failed(self, workspace_id: str, now: datetime) -> datetime:
        """Counts a failure and says until when to wait; failures of calls at the same time count once."""
        until = self._until.get(workspace_id)
        if until is not None and until > now:
            return until
        count = self._failures.get(workspace_id, 0) + 1
        self._failures[workspace_id] = count
        self._until[workspace_id] = now + timedelta(seconds=wait_seconds(count))
        return self._until[workspace_id]

    def gone(self, workspace_id: str, now: datetime) -> datetime:
        """The workspace does not want us; looks again after the longest wait."""
        self._until[workspace_id] = now + timedelta(seconds=LONGEST_SECONDS)
        return self._until[workspace_id]

    def succeeded(self, workspace_id: str) -> None:
        """Slack answers again."""
        self._failures.pop(workspace_id, None)
        self._until.pop(workspace_id, None)

    def until(self, workspace_id: str, now: datetime) -> datetime | None:
        """Until when to wait, or None."""
        until = self._until.get(workspace_id)
        return until if until is not None and until > now else None
