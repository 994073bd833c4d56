"""A workspace's working days and hours. Pure: settings in, moments out.

`settings["working_days"]` are ISO weekdays (1 is Monday), `settings["working_hours"]` two full hours of the
workspace's zone. What is missing or makes no sense means Monday to Friday, 9 to 18.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from storage.models import Workspace

DAYS = (1, 2, 3, 4, 5)
HOURS = (9, 18)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """When people of a workspace can be expected to read."""

    zone: ZoneInfo
    days: frozenset[int] = frozenset(DAYS)
    opens: int = HOURS[0]
    closes: int = HOURS[1]

    def after(self, now: datetime, hours: float) -> datetime:
        """The moment when so many working hours have passed since `now` (UTC-aware)."""
        left = timedelta(hours=hours)
        day = now.astimezone(self.zone).date()
        while True:
            begins, ends = self._span(day)
            begins = max(begins, now)
            if day.isoweekday() in self.days and begins < ends:
                if ends - begins >= left:
                    return begins + left
                left -= ends - begins
            day += DAY

    def opening(self, now: datetime, days: int) -> datetime:
        """When people start to work, so many days after today or on the first working day from then on."""
        day = now.astimezone(self.zone).date() + days * DAY
        while day.isoweekday() not in self.days:
            day += DAY
        return self._span(day)[0]

    def next_monday(self, now: datetime) -> datetime:
        """When people start to work in the week after this one."""
        return self.opening(now, 8 - now.astimezone(self.zone).isoweekday())

    def within_hours(self, moment: datetime) -> datetime:
        """`moment`, where people are at work then; otherwise an opening before it, never later: of that day
        where it is over by then, or of the last working day."""
        day = moment.astimezone(self.zone).date()
        if moment < self._span(day)[0]:
            day -= DAY
        while day.isoweekday() not in self.days:
            day -= DAY
        begins, ends = self._span(day)
        return moment if moment < ends else begins

    def day_opening(self, now: datetime) -> datetime:
        """When people start to work today, or on the first working day after it."""
        return self.opening(now, 0)

    def week_opening(self, now: datetime) -> datetime:
        """When the first working day of this week opens, or opened."""
        return self.opening(now, 1 - now.astimezone(self.zone).isoweekday())

    def opening_after(self, now: datetime) -> datetime:
        """The next opening of a working day after `now`."""
        today = self.day_opening(now)
        return today if today > now else self.opening(now, 1)

    def week_after(self, now: datetime) -> datetime:
        """The next moment after `now` at which a week begins: its first working day opens."""
        this_week = self.week_opening(now)
        return this_week if this_week > now else self.next_monday(now)

    def _span(self, day: date) -> tuple[datetime, datetime]:
        """A day's opening and closing, in UTC."""
        start = datetime.combine(day, time(self.opens), self.zone)
        end = datetime.combine(day, time(self.closes), self.zone)
        return start.astimezone(UTC), end.astimezone(UTC)


def of(workspace: Workspace) -> WorkingTime:
    """As the workspace's settings have it."""
    settings = workspace.settings or {}
    opens, closes = _hours(settings)
    return WorkingTime(_zone(workspace.zone), _days(settings), opens, closes)


def _days(settings: Mapping[str, Any]) -> frozenset[int]:
    found = settings.get("working_days")
    days = {day for day in found if day in range(1, 8)} if isinstance(found, list) else set()
    return frozenset(days or DAYS)


def _hours(settings: Mapping[str, Any]) -> tuple[int, int]:
    match settings.get("working_hours"):
        case [int(opens), int(closes)] if 0 <= opens < closes <= 23:
            return opens, closes
    return HOURS


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
