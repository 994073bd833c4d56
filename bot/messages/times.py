"""Moments and spans as people read them: in the reader's zone, the fallback in the client's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def zone_of(name: str) -> tzinfo:
    """The zone of that name; UTC where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def moment(at: datetime, zone: str = "UTC") -> str:
    """A UTC-aware instant as Slack's date, with the wall time in `zone` for whoever cannot see that."""
    local = at.astimezone(zone_of(zone))
    fallback = f"{local:%a} {local.day} {local:%b %Y %H:%M} {local.tzname() or 'UTC'}"
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{fallback}>"


def day(of: date) -> str:
    """A day in words: "Fri 20 Nov"."""
    return f"{of:%a} {of.day} {of:%b}"


def dated(of: date) -> str:
    """A day with its year, for what may lie far ahead: "Fri 20 Nov 2026"."""
    return f"{day(of)} {of.year}"


def both_zones(at: datetime, zone: str, author_zone: str | None) -> str:
    """A moment in the client's zone, with the author's beside it where that differs."""
    local = at.astimezone(zone_of(zone))
    place = zone
    if author_zone is not None:
        mine = at.astimezone(zone_of(author_zone))
        if mine.utcoffset() != local.utcoffset():
            other_day = "" if mine.date() == local.date() else f"{day(mine.date())} "
            place += f"; {other_day}{mine:%H:%M} for you"
    return f"{dated(local.date())} {local:%H:%M} ({place})"


def span(length: timedelta) -> str:
    """How long, to the two largest units: "3 h 20 min"."""
    if length < MINUTE:
        return "less than a minute"
    days, rest = divmod(length, DAY)
    hours, rest = divmod(rest, HOUR)
    minutes = rest // MINUTE
    units = [(days, "d"), (hours, "h"), (minutes, "min")]
    return " ".join([f"{number} {unit}" for number, unit in units if number][:2])
