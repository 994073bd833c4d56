from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.domain.working_time import WorkingTime

BERLIN = ZoneInfo("Europe/Berlin")
USUAL = WorkingTime(BERLIN)
LATE_WEEK = WorkingTime(BERLIN, frozenset((2, 3, 4, 5)))


def at(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "now", "expected"),
    [
        (USUAL, at(20, 12), at(23, 8)),  # a Friday
        (USUAL, at(23, 7, 59), at(23, 8)),
        (USUAL, at(23, 8), at(30, 8)),  # the very moment is over
        (USUAL, at(22, 23, 30), at(23, 8)),  # Monday already, in Berlin
        (LATE_WEEK, at(20, 12), at(24, 8)),
        (LATE_WEEK, at(23, 12), at(24, 8)),
        (LATE_WEEK, at(24, 8), datetime(2026, 12, 1, 8, tzinfo=UTC)),
        (USUAL, at(23, 12, month=10), at(26, 8, month=10)),  # the clocks went back on Sunday
    ],
)
def test_a_week_begins_when_its_first_working_day_opens(
    hours: WorkingTime, now: datetime, expected: datetime
) -> None:
    assert hours.week_after(now) == expected


@pytest.mark.parametrize(
    ("hours", "now", "expected"),
    [
        (USUAL, at(20, 7), at(20, 8)),
        (USUAL, at(20, 8), at(23, 8)),
        (USUAL, at(21, 12), at(23, 8)),
        (LATE_WEEK, at(20, 12), at(24, 8)),
        (WorkingTime(ZoneInfo("Asia/Tokyo")), at(23, 2), at(24, 0)),
    ],
)
def test_the_next_opening(hours: WorkingTime, now: datetime, expected: datetime) -> None:
    assert hours.opening_after(now) == expected
