"""The reminder on the working day before a day with many posts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bot.messages import actions as names
from bot.messages.blocks import (
    Part,
    button,
    context,
    count,
    header,
    mention,
    message,
    plain,
    row,
    safe,
    section,
)
from bot.messages.deliveries import PostShown
from bot.messages.health_line import HealthLine, cure_button, short_words
from bot.messages.incident_words import paused_words
from bot.messages.message import Message
from bot.messages.people import ClientName
from bot.messages.times import day, zone_of

ACCOUNTS_MOST, POSTS_MOST, EXCERPT_MOST = 6, 3, 40


@dataclass(frozen=True, slots=True)
class Unready:
    """An account that is not green, with the posts that are meant to go out on it that day."""

    line: HealthLine
    posts: tuple[PostShown, ...]


@dataclass(frozen=True, slots=True)
class Ahead:
    """A client's day with many posts. `posts`: all of that day; `paused`: nothing of the client goes out,
    whatever its accounts are (`paused_by`: a Slack user id; `by_all`: everything of the workspace waits)."""

    client: ClientName
    of: date
    posts: int
    unready: tuple[Unready, ...]
    mentions: tuple[str, ...] = ()
    paused: bool = False
    paused_by: str | None = None
    by_all: bool = False


def ahead(facts: Ahead) -> Message:
    """Which posts, which accounts, and what puts each right."""
    title = f"⏰ {plain(facts.client.bare, 40)}: {count(facts.posts, 'post')} on {day(facts.of)}"
    called = mention(facts.mentions)
    parts: list[Part | None] = [header(f"{title}, and not everything is ready")]
    if facts.paused:
        whom = "all clients" if facts.by_all else facts.client.shown
        parts.append(section(f"⏸️ {paused_words(whom, facts.paused_by)}: nothing goes out."))
        parts.append(_resume(facts))
    for item in facts.unready[:ACCOUNTS_MOST]:
        parts += _account(item)
    rest = len(facts.unready) - ACCOUNTS_MOST
    if rest > 0:
        parts.append(context(f"… and {count(rest, 'more account')}: `/health {facts.client.slug}`"))
    parts.append(section(f"{called} please see to this before then.") if called else None)
    return message(parts)


def _resume(facts: Ahead) -> Part | None:
    if facts.by_all:
        return context("`/queue all` has the button that resumes everything.")
    label = f"Resume {plain(facts.client.bare, 40)}"
    return row(button(label, names.RESUME_CLIENT, facts.client.id))


def _account(item: Unready) -> list[Part | None]:
    line = item.line
    if line.account is None:
        return []
    return [
        section(short_words(line, line.account), cure_button(line, line.account)),
        _posts(item.posts, line),
    ]


def _posts(posts: Sequence[PostShown], line: HealthLine) -> Part | None:
    zone = zone_of(line.client.zone)
    said = [f"{post.due_at.astimezone(zone):%H:%M} {_begins(post)}" for post in posts[:POSTS_MOST]]
    rest = len(posts) - POSTS_MOST
    more = f" and {rest} more" if rest > 0 else ""
    return context(f"On it that day ({line.client.zone}): {', '.join(said)}{more}") if said else None


def _begins(post: PostShown) -> str:
    return f"“{safe(post.text, EXCERPT_MOST)}”" if post.text.strip() else post.excerpt
