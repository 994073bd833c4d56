"""Days as people type them: `2026-12-24`, `24.12.`, `24 Dec`, `Dec 24 2026`. Pure: words in, a day out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from bot.domain.errors import Refused

__all__ = ["read_day"]

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
FURTHEST = timedelta(days=3 * 366)
WORDS_MOST = 3
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_DOTS = re.compile(r"(\d{1,2})[. ] ?(\d{1,2})(?:[. ] ?(\d{4}))?")
_DAY_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th|\.)?\s*([a-z]{3,9})\.?\s*(\d{4})?")
_MONTH_DAY = re.compile(r"([a-z]{3,9})\.?\s*(\d{1,2})(?:st|nd|rd|th)?\s*(\d{4})?")
LIKE = "Like this: `/health before 2026-12-24`, `24.12.` or `24 Dec`."


def read_day(words: Sequence[str], today: date) -> tuple[date, list[str]]:
    """The day that the first words name, and the words after it. A day without a year is the next one.

    Raises Refused, in words, for what is no day, is over, or lies too far ahead."""
    if not words:
        raise Refused(f"Before which day? {LIKE}")
    for number in range(min(WORDS_MOST, len(words)), 0, -1):
        found = _parts(" ".join(words[:number]).casefold())
        if found is not None:
            return _checked(*found, today), list(words[number:])
    shown = re.sub(r"[<>&`]", "", " ".join(words[:WORDS_MOST]))[:40]
    raise Refused(f"I do not know “{shown}” as a day. {LIKE}")


def _parts(text: str) -> tuple[int | None, int, int] | None:
    """Year (where one was named), month and day, not looked at yet."""
    if match := _ISO.fullmatch(text):
        return int(match[1]), int(match[2]), int(match[3])
    if match := _DOTS.fullmatch(text):
        return _year(match[3]), int(match[2]), int(match[1])
    if (match := _DAY_MONTH.fullmatch(text)) and (month := _month(match[2])):
        return _year(match[3]), month, int(match[1])
    if (match := _MONTH_DAY.fullmatch(text)) and (month := _month(match[1])):
        return _year(match[3]), month, int(match[2])
    return None


def _year(text: str | None) -> int | None:
    return int(text) if text else None


def _month(name: str) -> int | None:
    """By its first letters, in English: "dec", "sept", "december"."""
    return next((number for number, word in enumerate(MONTHS, 1) if word.startswith(name)), None)


def _checked(year: int | None, month: int, day: int, today: date) -> date:
    found = _first(year, month, day, today)
    if found is None:
        raise Refused(f"The calendar has no such day. {LIKE}")
    if found < today:
        raise Refused(f"{found:%a} {found.day} {found:%b %Y} is over. Name today or a later day.")
    if found - today > FURTHEST:
        raise Refused("That is more than three years ahead, and no login is known that far.")
    return found


def _first(year: int | None, month: int, day: int, today: date) -> date | None:
    years = [year] if year is not None else range(today.year, today.year + 9)  # 29 Feb may be years away
    for candidate in years:
        try:
            found = date(candidate, month, day)
        except ValueError:
            continue
        if year is not None or found >= today:
            return found
    return None
