"""Monday's messages: to each mentioned person, to a client's team channel, totals for operations. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bot.messages import actions as names
from bot.messages.blocks import (
    Part,
    agree,
    button,
    context,
    count,
    header,
    listed,
    mention,
    message,
    safe,
    section,
)
from bot.messages.health_line import HealthLine, cure_button, short_words
from bot.messages.incident_words import paused_words
from bot.messages.message import Message
from bot.messages.people import ClientName
from bot.messages.times import day, moment

LINES_MOST = 10
PAUSED_MOST = 5


@dataclass(frozen=True, slots=True)
class AtRisk:
    """An account that is not green. `first_post`: when the first post is due that may not go out (UTC)."""

    line: HealthLine
    first_post: datetime | None = None


@dataclass(frozen=True, slots=True)
class PausedClient:
    """A client whose posts wait because somebody wanted it so (`by`: a Slack user id)."""

    client: ClientName
    by: str | None = None
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Digest:
    """One person's week, or one client's (`client` set). `items` are the first of `red` + `yellow` accounts;
    `mentions`: groups to be named in a channel."""

    red: int
    yellow: int
    items: tuple[AtRisk, ...]
    paused: tuple[PausedClient, ...] = ()
    client: ClientName | None = None
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LastWeek:
    """What became of the posts that were due last week."""

    published: int = 0
    failed: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True)
class Totals:
    """A workspace's week. `needed`: the first of `needed_in_all` accounts that need a person within `days`
    or now; `unheard`: slugs of clients in trouble of which nobody hears by direct message."""

    monday: date
    clients: int
    colours: dict[str, int]
    last_week: LastWeek
    needed: tuple[HealthLine, ...] = ()
    needed_in_all: int = 0
    paused: tuple[PausedClient, ...] = ()
    unheard: tuple[str, ...] = ()
    zone: str = "UTC"
    days: int = 14


def digest(facts: Digest) -> Message:
    """What is red or yellow, the first post at risk first."""
    of = facts.client.bare if facts.client else "Your clients"
    parts: list[Part | None] = [header(f"{of} this week: {_summary(facts)}")]
    called = mention(facts.mentions)
    parts.append(section(f"{called} this needs somebody.") if called else None)
    parts += [_item(item, with_client=facts.client is None) for item in facts.items]
    rest = facts.red + facts.yellow - len(facts.items)
    if rest > 0:
        parts.append(_more(rest, facts.client.slug if facts.client else "all"))
    return message([*parts, _paused(facts.paused)])


def _summary(facts: Digest) -> str:
    said = [
        f"{count(facts.red, 'account')} down" if facts.red else "",
        f"{facts.yellow} to watch" if facts.yellow else "",
    ]
    return ", ".join(word for word in said if word) or "posting is paused"


def _item(item: AtRisk, *, with_client: bool) -> Part | None:
    line = item.line
    if line.account is None:
        return None
    first = ""
    if item.first_post is not None and item.first_post != line.waiting.first_due:  # which the line names
        first = f" *First post at risk: {moment(item.first_post, line.client.zone)}.*"
    head = f"*{safe(line.client.name or line.client.slug, 40)}*: " if with_client else ""
    return section(f"{head}{short_words(line, line.account)}{first}", cure_button(line, line.account))


def _more(rest: int, scope: str) -> Part:
    button_ = button("Show all", names.HEALTH_PAGE, names.joined(scope, "0"))
    return section(f"… and {count(rest, 'more account')}: `/health {scope}`", button_)


def _paused(paused: Sequence[PausedClient]) -> Part | None:
    if not paused:
        return None
    lines = []
    for item in paused[:PAUSED_MOST]:
        waits = (
            f", {count(item.waiting, 'post')} {agree(item.waiting, 'waits', 'wait')}" if item.waiting else ""
        )
        lines.append(f"⏸️ {paused_words(item.client.shown, item.by)}{waits}.")
    rest = len(paused) - PAUSED_MOST
    if rest > 0:
        lines.append(f"⏸️ … and {count(rest, 'more client')} paused: `/queue all`")
    return section("\n".join(lines))


# -- for operations --------------------------------------------------------------------------------


def totals(facts: Totals) -> Message:
    """The whole workspace in a few lines, and what will need a person."""
    red, yellow, green = (facts.colours.get(key, 0) for key in ("red", "yellow", "green"))
    state = f"*{count(facts.clients, 'client')}* · ✅ {green} fine · ⚠️ {yellow} to watch · ⛔ {red} down"
    return message(
        [
            header(f"The week from {day(facts.monday)}"),
            section(f"{state}\n{_last_week(facts.last_week)}"),
            *_needed(facts),
            _paused(facts.paused),
            _unheard(facts.unheard),
        ]
    )


def _last_week(of: LastWeek) -> str:
    if not of.published + of.failed + of.held:
        return "No posts were due last week."
    held = f"{of.held} held" if of.held else "none held"
    return f"Last week: {count(of.published, 'post')} published, {of.failed} failed, {held}."


def _needed(facts: Totals) -> list[Part | None]:
    if not facts.needed_in_all:
        return [section(f"Nothing needs a person within the next {count(facts.days, 'day')}.")]
    said = count(facts.needed_in_all, "account")
    verb = agree(facts.needed_in_all, "needs", "need")
    lines = [_needed_line(line) for line in facts.needed]
    rest = facts.needed_in_all - len(facts.needed)
    text = "\n".join([f"*{said} {verb} a person within the next {count(facts.days, 'day')}:*", *lines])
    return [section(text), _more(rest, "all") if rest > 0 else None]


def _needed_line(line: HealthLine) -> str:
    what = line.account.shown if line.account else ""
    when = f"by {moment(line.until, line.client.zone)}" if line.until and line.colour != "red" else "now"
    sign = {"red": "⛔", "yellow": "⚠️"}.get(line.colour, "✅")
    return f"{sign} `{line.client.slug}`: {what}, {when}"


def _unheard(slugs: Sequence[str]) -> Part | None:
    if not slugs:
        return None
    whom = listed([f"`{safe(slug)}`" for slug in slugs], 10)
    return context(
        f"Nobody hears of {whom} by direct message: no person is mentioned there, or only a group, which "
        "has no inbox. `/lamplighter clients` changes that; `/lamplighter digest client-a on` tells the "
        "client's team channel instead."
    )
