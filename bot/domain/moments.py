"""Wall times at clock changes. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def instants(wall: datetime, zone: str) -> tuple[datetime, ...]:
    """The instants (UTC-aware) that a wall time (naive) names in a zone: none where the clocks go forward
    over it, two where they go back over it. Raises OverflowError at the ends of time."""
    local = wall.replace(tzinfo=ZoneInfo(zone))
    first, second = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return (first,)
    if first.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != wall:
        return ()
    return first, second
