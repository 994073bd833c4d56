"""The check that composer, import, release and retry-all share."""

from __future__ import annotations

import random
import sys
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.checking_posts import (
    Cost,
    Planned,
    Proposed,
    Warned,
    Worry,
    apart,
    check_posts,
    costs,
    summed,
)
from bot.domain.examining import Findings
from bot.messages.checking import CostShown, Moved, cost_words, dollars, price_words, stagger_words
from bot.platforms.base import Prices
from bot.platforms.content import Content, Media, MediaKind

OLD = "Fresh bread, every morning"
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def planned(connection_id: str, at: Any, text: str = OLD, platform: str = "x") -> Planned:
    return Planned(connection_id, platform, text, at)


def test_the_shared_check() -> None:
    now = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
    minute, day = timedelta(minutes=1), timedelta(days=1)
    same = check_posts([planned("a", now)], [planned("b", now + minute / 2, OLD.upper() + " \u200b")], {})
    assert same == [Warned(Worry.SAME_MINUTE, "x", ("a", "b"))]
    assert not check_posts([planned("a", now)], [planned("b", now + minute)], {})
    assert not check_posts([planned("a", now), planned("i", now, platform="instagram")], [], {})
    again = check_posts([planned("a", now)], [planned("a", now - 6 * day), planned("a", now + 7 * day)], {})
    assert again == [Warned(Worry.REPEATED, "x", ("a",), at=now - 6 * day)]
    assert not check_posts([planned("a", now, "")], [planned("a", now - day, "")], {})
    others = [planned("a", now + number * timedelta(hours=8), str(number)) for number in range(-4, 5)]
    (over,) = check_posts([planned("a", now, "new")], others, {"x": 3, "instagram": None})
    assert (over.worry, over.number, over.cap) == (Worry.OVER_CAP, 4, 3)
    assert not check_posts([planned("a", now, "new")], others, {"x": 4})


def test_the_fullest_day_is_found_whichever_posts_it_holds() -> None:
    """Against its definition, on days that are full, empty and all at one moment."""
    dice = random.Random(7)
    for size in (1, 2, 5, 12):
        for hours in (0, 30, 80):
            dues = [NOW + timedelta(hours=dice.randint(0, hours)) for _ in range(size)]
            standing = [planned("a", at, f"No. {number}") for number, at in enumerate(dues)]
            new = planned("a", dice.choice(dues), "New")
            every = [*dues, new.due_at]
            windows = [[at for at in every if start <= at < start + DAY] for start in every]
            most = max(len(window) for window in windows if new.due_at in window)
            found = check_posts([new], standing, {"x": 1})
            assert [item.number for item in found if item.worry is Worry.OVER_CAP] == [most]


def test_what_nobody_sees_makes_no_other_text() -> None:
    hidden = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Cf"]
    assert len(hidden) > 150
    other = planned("a", NOW, f"Fresh{''.join(hidden)}  BREAD")
    (found,) = check_posts([planned("a", NOW + timedelta(hours=1), "fresh bread")], [other], {})
    assert found.worry is Worry.REPEATED


def test_moved_apart_past_what_stands_already() -> None:
    step = 5 * MINUTE
    new = [planned("a", NOW), planned("b", NOW), planned("c", NOW), planned("i", NOW, platform="instagram")]
    assert apart(new, []) == [NOW, NOW + step, NOW + 2 * step, NOW]
    assert apart(new[:2], [planned("z", NOW + step)]) == [NOW, NOW + 2 * step]
    assert apart([planned("a", NOW, ""), planned("b", NOW, "")], []) == [NOW, NOW]
    moved = [Moved("@a on X", NOW), Moved("@b on X", NOW + 14 * timedelta(hours=1))]
    assert (
        stagger_words(moved, "Europe/Berlin") == "@a on X 11:00 and @b on X Sun 22 Nov 01:00 (Europe/Berlin)"
    )


def test_what_is_charged() -> None:
    prices = {"x": Prices(15, 200, 5), "instagram": None}
    picture = Media("https://media.example/a.jpg", MediaKind.IMAGE, "image/jpeg", 1, alt="Bread")

    def one(text: str, platform: str = "x", **more: Any) -> Proposed:
        return Proposed("a", platform, Content(text=text, **more), NOW)

    assert costs([one("Hello", "instagram")], prices) == []
    assert costs([one("Hello")], prices) == [Cost("x", 1, 0, 15)]
    assert costs([one("See bakery.com/a")], prices) == [Cost("x", 1, 1, 200)]
    assert costs([one("See", link="https://bakery.example/a")], prices) == [Cost("x", 1, 1, 200)]
    assert costs([one("Look", media=(picture, picture))], prices) == [Cost("x", 1, 0, 25)]
    both = costs([one("See bakery.com/a"), one("Hello")], prices)
    assert both == [Cost("x", 2, 1, 215)] and summed([*both, *both]) == [Cost("x", 4, 2, 430)]
    assert [dollars(amount) for amount in (15, 200, 215, 12_350)] == ["$0.015", "$0.20", "$0.215", "$12.35"]
    assert "$0.215 for 2 posts, because 1 of them holds a link" in cost_words(CostShown("X", 2, 1, 215))
    assert cost_words(CostShown("X", 1, 0, 15)) == "X charges about $0.015 for 1 post."
    assert "$0.015 for each post, and $0.20 for one with a link" in price_words(
        "X", prices["x"] or Prices(0, 0)
    )


def test_what_was_said_yes_to_is_not_asked_again() -> None:
    one = Findings(
        warned=(Warned(Worry.OVER_CAP, "x", ("a",), number=4, cap=3),), costs=(Cost("x", 1, 0, 15),)
    )
    more = Findings(warned=(Warned(Worry.OVER_CAP, "x", ("a",), number=5, cap=3),))
    assert one.asked == more.asked and len(one.asked) == 1, "one more in the queue is the same question"
    linked = Findings(costs=(Cost("x", 1, 1, 200),))
    assert linked.asked and not linked.asked & one.asked
