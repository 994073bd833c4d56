"""What the shared check of posts found, in words: one place for composer, import, release and retry. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.messages.blocks import agree, count, listed, plain
from bot.messages.times import day, zone_of
from bot.platforms.base import Prices

ACCOUNTS_MOST = 3


@dataclass(frozen=True, slots=True)
class WarningShown:
    """A warning. `worry` is a word of bot.domain.checking_posts; `title` the platform's; `accounts` their
    labels; `at`: when the other post is due (UTC-aware; said in `zone`); `number` of `cap` posts a day."""

    worry: str
    title: str
    accounts: tuple[str, ...]
    at: datetime | None = None
    zone: str = "UTC"
    number: int = 0
    cap: int = 0


@dataclass(frozen=True, slots=True)
class CostShown:
    """What a platform (its title) charges for some posts, in thousandths of a US dollar."""

    title: str
    posts: int
    links: int
    thousandths: int


@dataclass(frozen=True, slots=True)
class Moved:
    """An account, and when its post would go out instead (UTC-aware)."""

    account: str
    at: datetime


def warning_words(shown: WarningShown) -> str:
    """One warning, as plain text."""
    who = listed([plain(label) for label in shown.accounts], ACCOUNTS_MOST)
    if shown.worry == "same_minute":
        return f"{shown.title} may take it for spam: {who} get the same text in the same minute."
    if shown.worry == "repeated" and shown.at is not None:
        local = shown.at.astimezone(zone_of(shown.zone))
        when = f"{day(local.date())} {local:%H:%M} ({shown.zone})"
        return f"{who} has the same text on {when} already, within a week."
    return (
        f"{shown.title} takes about {shown.cap} posts in 24 hours for one account; with this {who} has "
        f"{shown.number}."
    )


def cost_words(cost: CostShown) -> str:
    """What is charged, as plain text: to whoever runs the app, not to the account."""
    said = f"{cost.title} charges about {dollars(cost.thousandths)} for {count(cost.posts, 'post')}"
    if not cost.links:
        return f"{said}."
    if cost.posts == 1:
        return f"{said}, because it holds a link. Without one it would be much less."
    hold = (
        f"{cost.links} of them {agree(cost.links, 'holds', 'hold')}"
        if cost.links < cost.posts
        else "they hold"
    )
    return f"{said}, because {hold} a link. Without links it would be much less."


def price_words(title: str, prices: Prices) -> str:
    """What a platform charges, before anything is written."""
    return (
        f"{title} charges our app about {dollars(prices.post)} for each post, and "
        f"{dollars(prices.with_link)} for one with a link."
    )


def stagger_words(moved: Sequence[Moved], zone: str) -> str:
    """Who would go out when, in the client's zone."""
    first = moved[0].at.astimezone(zone_of(zone)).date() if moved else None
    said = []
    for item in moved:
        local = item.at.astimezone(zone_of(zone))
        other_day = "" if local.date() == first else f"{day(local.date())} "
        said.append(f"{plain(item.account)} {other_day}{local:%H:%M}")
    return f"{listed(said, 10)} ({zone})"


def dollars(thousandths: int) -> str:
    """An amount: "$0.015", "$0.20", "$12.35"."""
    whole, rest = divmod(thousandths, 1000)
    return f"${whole}.{rest:03}" if rest % 10 else f"${whole}.{rest // 10:02}"
