"""A day and a time as they were chosen in a window: the client's wall time, with what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.moments import instants
from bot.domain.posting import AHEAD_MOST, PAST_TOLERANCE, TOO_FAR
from bot.messages import wall_time as messages
from bot.messages.times import zone_of
from bot.messages.wall_time import Names, WallTime

__all__ = ["NO_TIME", "Wall", "problems", "read_wall", "shown", "wall_at"]


@dataclass(frozen=True, slots=True)
class Wall:
    """`date` and `time` as Slack's pickers give them, empty where nothing was chosen; `fold`: which of two
    equal times."""

    date: str = ""
    time: str = ""
    fold: int | None = None

    def every(self, zone: str) -> tuple[datetime, ...]:
        """The instants (UTC-aware) that day and time name; none where there is no such time."""
        try:
            return instants(datetime.fromisoformat(f"{self.date}T{self.time}"), zone)
        except (ValueError, OverflowError):
            return ()

    def instants(self, zone: str) -> tuple[datetime, ...]:
        """The same, or the one of the two that was chosen."""
        found = self.every(zone)
        return found if self.fold is None or len(found) < 2 else (found[min(self.fold, 1)],)


NO_TIME = Wall()


def wall_at(at: datetime, zone: str) -> Wall:
    """A moment in a zone."""
    local = at.astimezone(zone_of(zone))
    return Wall(f"{local:%Y-%m-%d}", f"{local:%H:%M}")


def read_wall(values: Mapping[str, Any], names: Names) -> Wall:
    """What was chosen, from the values of a view's state."""

    def entered(block: str) -> Mapping[str, Any]:
        return values.get(block, {}).get(block) or {}

    fold = (entered(names.fold).get("selected_option") or {}).get("value")
    day, time = entered(names.day).get("selected_date"), entered(names.time).get("selected_time")
    return Wall(str(day or ""), str(time or ""), int(fold) if fold in ("0", "1") else None)


def shown(wall: Wall, zone: str, slug: str, author_zone: str | None) -> WallTime:
    """The fields as they are filled in."""
    found = wall.every(zone)
    author_time = messages.author_words(found[0], zone, author_zone) if found else ""
    folds = [(str(number), messages.fold_words(at, number, zone)) for number, at in enumerate(found)]
    return WallTime(wall.date, wall.time, zone, slug, author_time, tuple(folds) if len(found) > 1 else ())


def problems(wall: Wall, zone: str, now: datetime, names: Names, otherwise: str = "") -> dict[str, str]:
    """What is wrong with it, by block. `otherwise`: what else can be chosen (", or “Now” above")."""
    if not wall.date:
        return {names.day: f"Choose a day{otherwise}."}
    if not wall.time:
        return {names.time: f"Choose a time{otherwise}."}
    found = wall.instants(zone)
    if not found:
        words = f"{wall.time} does not exist on that day in {zone}: the clocks go forward."
        return {names.time: f"{words} Choose another time."}
    if max(found) < now - PAST_TOLERANCE:
        return {names.time: f"That time is in the past in {zone}. Choose a later one{otherwise}."}
    if min(found) > now + AHEAD_MOST:
        return {names.day: TOO_FAR}
    return {}
