"""The fields in which a day and a time are chosen: the client's, with the author's beside them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from bot.messages import modals
from bot.messages.blocks import Block
from bot.messages.times import zone_of

__all__ = ["Names", "WallTime", "author_words", "fields", "fold_words"]


class Names(NamedTuple):
    """The blocks of the three fields."""

    day: str
    time: str
    fold: str


@dataclass(frozen=True, slots=True)
class WallTime:
    """`day` ("2026-11-21") and `time` ("18:00") in `zone` (IANA), that of the client `slug`. `author_time`
    says what that is for the author; `folds`: the two instants of a time that comes twice, as (value, words).
    """

    day: str
    time: str
    zone: str
    slug: str
    author_time: str = ""
    folds: tuple[tuple[str, str], ...] = ()


def fields(names: Names, shown: WallTime, *, label: str = "Day", optional: bool = False) -> list[Block]:
    """Day and time, and which of the two it is where the clocks go back. Each choice is told at once."""
    hint = f"In {shown.zone}, the zone of {shown.slug}.{shown.author_time}"
    day, hour = modals.day_element(shown.day), modals.hour_element(shown.time)
    found = [
        modals.field(names.day, label, day, optional=optional, dispatches=True),
        modals.field(names.time, "Time", hour, optional=optional, hint=hint, dispatches=True),
    ]
    if shown.folds:
        both = [modals.option(words, value) for value, words in shown.folds]
        said = "The clocks go back on that day: this time comes twice."
        found.append(modals.field(names.fold, "Which of the two?", modals.one_element(both, ""), hint=said))
    return found


def fold_words(at: datetime, number: int, zone: str) -> str:
    """One of the two instants of a time that comes twice."""
    words = ("The first, before the clocks go back", "The second, after they went back")
    offset = f"{at.astimezone(zone_of(zone)):%z}"
    return f"{words[number]} (UTC{offset[:3]}:{offset[3:]})"


def author_words(at: datetime, zone: str, author_zone: str | None) -> str:
    """What a moment is for the author, as the end of a hint; nothing where it is the same."""
    if author_zone is None:
        return ""
    mine, local = at.astimezone(zone_of(author_zone)), at.astimezone(zone_of(zone))
    if mine.utcoffset() == local.utcoffset():
        return ""
    other_day = "" if mine.date() == local.date() else f" {mine:%a} {mine.day} {mine:%b}"
    return f" {local:%H:%M} there is {mine:%H:%M}{other_day} for you ({author_zone})."
