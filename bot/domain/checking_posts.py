"""The check that everything shares which queues or releases posts: what a platform would take for spam,
would not take any more today, or charges for. Pure: facts in, warnings out; nothing here refuses anything.
What reads the facts from the database, and finds what a platform would refuse, is `examining`.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.platforms import text as counting
from bot.platforms.base import Prices
from bot.platforms.content import Content

MINUTE = timedelta(minutes=1)
REPEAT = timedelta(days=7)
DAY = timedelta(days=1)  # the platforms count their caps over the last 24 hours
STAGGER = timedelta(minutes=5)  # between two posts that are moved apart
INVISIBLE = re.compile(  # Unicode's category Cf; a look at each character takes ten times as long
    "[\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064"
    "\u2066-\u206f\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f]"
)


class Worry(StrEnum):
    """What may go wrong."""

    SAME_MINUTE = "same_minute"  # one text on several accounts of a platform in one minute
    REPEATED = "repeated"  # one text on one account within a week
    OVER_CAP = "over_cap"  # more in a day than the platform takes


@dataclass(frozen=True, slots=True)
class Planned:
    """One text on one account. `due_at` is UTC-aware."""

    connection_id: str
    platform: str
    text: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Proposed:
    """A post that is about to be queued, released or sent again on one account. `due_at` is UTC-aware."""

    connection_id: str
    platform: str
    content: Content
    due_at: datetime

    @property
    def planned(self) -> Planned:
        """The same as the check compares it."""
        return Planned(self.connection_id, self.platform, self.content.text, self.due_at)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a platform charges our app for some posts, in thousandths of a US dollar; `links` of them hold a
    link."""

    platform: str
    posts: int
    links: int
    thousandths: int


@dataclass(frozen=True, slots=True)
class Warned:
    """A worry about some accounts of a platform. `at`: the other post's moment (repeated); `number` and
    `cap`: posts in 24 hours, and how many the platform takes (over_cap)."""

    worry: Worry
    platform: str
    connection_ids: tuple[str, ...]
    at: datetime | None = None
    number: int = 0
    cap: int = 0


def check_posts(
    new: Sequence[Planned], standing: Iterable[Planned], caps: Mapping[str, int | None]
) -> list[Warned]:
    """What is worth a word before `new` is queued beside what is `standing`. `caps`: posts in 24 hours that a
    platform takes on one account; None or absent where it sets no limit."""
    known = list(standing)
    return [*_same_minute(new, known), *_repeated(new, known), *_over_cap(new, known, caps)]


def costs(new: Iterable[Proposed], prices: Mapping[str, Prices | None]) -> list[Cost]:
    """What `new` costs, by platform; nothing of those that charge nothing."""
    return summed(_cost(item, price) for item in new if (price := prices.get(item.platform)) is not None)


def _cost(item: Proposed, price: Prices) -> Cost:
    linked = bool(counting.links(counting.with_link(item.content.text, item.content.link)))
    described = sum(bool(medium.alt) for medium in item.content.media)
    charged = (price.with_link if linked else price.post) + described * price.description
    return Cost(item.platform, 1, int(linked), charged)


def summed(each: Iterable[Cost]) -> list[Cost]:
    """Several costs as one for each platform."""
    found: dict[str, Cost] = {}
    for item in each:
        sofar = found.get(item.platform, Cost(item.platform, 0, 0, 0))
        found[item.platform] = Cost(
            item.platform,
            sofar.posts + item.posts,
            sofar.links + item.links,
            sofar.thousandths + item.thousandths,
        )
    return list(found.values())


def apart(new: Sequence[Planned], standing: Iterable[Planned], step: timedelta = STAGGER) -> list[datetime]:
    """When each of `new` would go out so that no two accounts of a platform get one text in the same minute:
    the first stays, each further one goes a step later, past what stands already."""
    taken = {(item.platform, _plain(item.text), _minute(item)) for item in standing if item.text.strip()}
    moments = []
    for item in new:
        moved = item
        while item.text.strip() and (item.platform, _plain(item.text), _minute(moved)) in taken:
            moved = replace(moved, due_at=moved.due_at + step)
        taken.add((item.platform, _plain(item.text), _minute(moved)))
        moments.append(moved.due_at)
    return moments


def _same_minute(new: Sequence[Planned], known: Sequence[Planned]) -> list[Warned]:
    groups: dict[tuple[str, str, datetime], dict[str, None]] = {}
    for item in new:
        if text := _plain(item.text):
            groups.setdefault((item.platform, text, _minute(item)), {})[item.connection_id] = None
    minutes = {minute for _, _, minute in groups}
    for item in known:
        if _minute(item) in minutes:
            group = groups.get((item.platform, _plain(item.text), _minute(item)))
            if group is not None:
                group[item.connection_id] = None
    return [
        Warned(Worry.SAME_MINUTE, platform, tuple(ids))
        for (platform, _, _), ids in groups.items()
        if len(ids) > 1
    ]


def _minute(item: Planned) -> datetime:
    return item.due_at.replace(second=0, microsecond=0)


def _repeated(new: Sequence[Planned], known: Sequence[Planned]) -> list[Warned]:
    found = []
    for number, item in enumerate(new):
        text = _plain(item.text)
        others = [
            other.due_at
            for other in [*known, *new[:number]]
            if text and other.connection_id == item.connection_id
            if abs(other.due_at - item.due_at) < REPEAT and _plain(other.text) == text
        ]
        if others:
            nearest = min(others, key=lambda at, due=item.due_at: abs(at - due))  # type: ignore[misc]
            found.append(Warned(Worry.REPEATED, item.platform, (item.connection_id,), at=nearest))
    return found


def _over_cap(
    new: Sequence[Planned], known: Sequence[Planned], caps: Mapping[str, int | None]
) -> list[Warned]:
    found: dict[str, Warned] = {}
    for item in new:
        cap = caps.get(item.platform)
        if not cap:
            continue
        dues = sorted(other.due_at for other in [*known, *new] if other.connection_id == item.connection_id)
        most = _fullest_day(dues, item.due_at)
        before = found.get(item.connection_id)
        if most > cap and (before is None or most > before.number):
            found[item.connection_id] = Warned(
                Worry.OVER_CAP, item.platform, (item.connection_id,), number=most, cap=cap
            )
    return list(found.values())


def _fullest_day(dues: Sequence[datetime], around: datetime) -> int:
    """The most posts in any 24 hours that hold `around`; `dues` are in their order."""
    first, last = bisect_right(dues, around - DAY), bisect_right(dues, around)
    starts = range(first, last)
    return max((bisect_left(dues, dues[start] + DAY) - start for start in starts), default=0)


def _plain(text: str) -> str:
    """A text as the platforms' filters compare it: case, spaces and invisible characters aside."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(INVISIBLE.sub("", folded).split())
