"""What `/queue` shows: posts to come by day, with their buttons. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from bot.messages import actions as names
from bot.messages import blocks
from bot.messages.blocks import (
    Confirm,
    Part,
    button,
    context,
    count,
    header,
    listed,
    row,
    safe,
    section,
)
from bot.messages.deliveries import ALL_MOST, EXCERPT_MOST, DeliveryShown, PostShown, state_words
from bot.messages.message import Message
from bot.messages.people import ClientName
from bot.messages.times import dated, day, zone_of

PAGE_POSTS = 8  # three blocks each, at most
PAUSED_MOST = 5
ALL = "all"
OPEN = ("scheduled", "preparing", "blocked")


@dataclass(frozen=True, slots=True)
class Queued:
    """A post at one of its moments (UTC-aware), on one or several accounts."""

    post: PostShown
    due_at: datetime
    accounts: tuple[DeliveryShown, ...]


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """One page of what is to come. `scope` comes back with the buttons; `paused`: clients that are;
    `zone`: the reader's, an IANA name; `may_pause_all`: the reader is an admin."""

    items: tuple[Queued, ...]
    total: int
    clients: tuple[ClientName, ...]
    scope: str = "here"
    page: int = 0
    pages: int = 1
    paused: tuple[ClientName, ...] = ()
    all_paused: bool = False
    waiting: int = 0
    may_pause_all: bool = False
    zone: str | None = None


def queue_message(facts: QueueFacts, said: str = "") -> Message:
    """The list, with what a press came to above it."""
    parts: list[Part | None] = [section(said)] if said else []
    parts += [_heading(facts), *_paused(facts)]
    for _, items in groupby(sorted(facts.items, key=_local), key=lambda item: _local(item).date()):
        of_day = list(items)
        parts.append(section(f"*{dated(_local(of_day[0]).date())}*"))
        for item in of_day:
            parts += [section(_line(item, facts)), row(*_buttons(item, facts))]
    parts += [_pages(facts), _pausing(facts)]
    if facts.items:
        zones = listed(list(dict.fromkeys(item.post.client.zone for item in facts.items)))
        whose = "the client's own" if len(facts.clients) == 1 else "each client's own"
        parts.append(context(f"Times are {whose} ({blocks.escape(zones)})."))
    return blocks.message(parts)


def _heading(facts: QueueFacts) -> Part:
    if not facts.total:
        whom = f" for `{facts.clients[0].slug}`" if len(facts.clients) == 1 else ""
        return section(f"Nothing is queued{whom}. `/post` writes a post.")
    pages = f", page {facts.page + 1} of {facts.pages}" if facts.pages > 1 else ""
    return header(f"{count(facts.total, 'post')} to come{pages}")


def _paused(facts: QueueFacts) -> list[Part | None]:
    if facts.all_paused:
        return [section("⏸️ *Posting is paused for all clients.* Nothing goes out until it is resumed.")]
    if not facts.paused:
        return []
    whom = listed([f"`{client.slug}`" for client in facts.paused])
    return [section(f"⏸️ Posting is paused for {whom}. Nothing goes out there until it is resumed.")]


def _local(item: Queued) -> datetime:
    return item.due_at.astimezone(zone_of(item.post.client.zone))


def _line(item: Queued, facts: QueueFacts) -> str:
    at = f"*{_local(item):%H:%M}*"
    if len({one.post.client.zone for one in facts.items}) > 1:
        at += f" {_local(item).tzname()}"
    if facts.zone is not None:
        mine = item.due_at.astimezone(zone_of(facts.zone))
        if mine.utcoffset() != _local(item).utcoffset():
            other_day = "" if mine.date() == _local(item).date() else f"{day(mine.date())} "
            at += f" ({other_day}{mine:%H:%M} for you)"
    whose = f"`{item.post.client.slug}` " if len(facts.clients) > 1 else ""
    plain_ones = [one for one in item.accounts if one.state == "scheduled"]
    lines = [f"{at} · {whose}{item.post.excerpt}{_on(plain_ones)}"]
    for text, group in groupby(
        sorted((one for one in item.accounts if one.post.text != item.post.text), key=_own), key=_own
    ):
        lines.append(f"On {listed([one.account.shown for one in group])}: “{safe(text, EXCERPT_MOST)}”")
    for words, group in groupby(
        sorted((one for one in item.accounts if one.state != "scheduled"), key=_words), key=_words
    ):
        lines.append(f"{listed([one.account.shown for one in group])}: {words}")
    return "\n".join(lines)


def _own(item: DeliveryShown) -> str:
    return item.post.text


def _words(item: DeliveryShown) -> str:
    return "◽ cancelled, and can be restored for a day" if item.state == "cancelled" else state_words(item)


def _on(items: Sequence[DeliveryShown]) -> str:
    return f" · {listed([item.account.shown for item in items])}" if items else ""


def _buttons(item: Queued, facts: QueueFacts) -> tuple[Part | None, ...]:
    going = [one for one in item.accounts if one.state in OPEN][:ALL_MOST]
    gone = [one for one in item.accounts if one.state == "cancelled"][:ALL_MOST]
    restore = _button("Restore", names.QUEUE_RESTORE, gone, facts) if gone else None
    if not going:
        return (restore,)
    what = f"{item.post.bare} for {going[0].post.client.bare} ({_accounts(going)})"
    now = Confirm("Publish now?", f"{what} goes out at once.", "Publish")
    drop = Confirm("Cancel it?", f"{what} is not sent. You can restore it for a day.", "Cancel it", True)
    return (
        _button("Edit", names.QUEUE_EDIT, going, facts),
        _button("Move", names.QUEUE_MOVE, going, facts),
        _button("Publish now", names.QUEUE_NOW, going, facts, ask=now),
        _button("Cancel", names.QUEUE_CANCEL, going, facts, ask=drop, style="danger"),
        restore,
    )


def _button(
    label: str,
    action: str,
    items: Sequence[DeliveryShown],
    facts: QueueFacts,
    ask: Confirm | None = None,
    style: str | None = None,
) -> Part:
    value = f"{names.choices_value(item.numbers for item in items)},{place(facts.scope, facts.page)}"
    about = f"{label}: {items[0].post.bare}, {_accounts(items)}"
    return button(label, action, value, style=style, confirm=ask, about=about)


def place(scope: str, page: int) -> str:
    """Where in the list a button stands; what `place_of` reads."""
    return names.joined(scope, str(page))


def place_of(value: str) -> tuple[str, int]:
    """The scope and page in a button's value; the channel's first page where there is none."""
    scope, _, page = value.rpartition(",")[2].rpartition(":")
    if not scope or ":" in scope or not (page.isascii() and page.isdigit()):
        return "here", 0
    return scope, int(page[:6])


def _accounts(items: Sequence[DeliveryShown]) -> str:
    return listed(list(dict.fromkeys(item.account.bare for item in items)), 3)


def _pages(facts: QueueFacts) -> Part | None:
    back = place(facts.scope, facts.page - 1)
    on = place(facts.scope, facts.page + 1)
    return row(
        button("Previous page", names.QUEUE_PAGE, back) if facts.page > 0 else None,
        button("Next page", f"{names.QUEUE_PAGE}#2", on) if facts.page + 1 < facts.pages else None,
    )


def _pausing(facts: QueueFacts) -> Part | None:
    here = place(facts.scope, facts.page)
    shown: list[Part | None] = []
    for number, client in enumerate(facts.paused[:PAUSED_MOST], 2):  # ids must differ within one block
        value = f"{client.id},{here}"
        shown.append(button(f"Resume {client.slug}", f"{names.QUEUE_RESUME}#{number}", value))
    if len(facts.clients) == 1 and not facts.paused:
        client = facts.clients[0]
        queued = f"{count(facts.waiting, 'queued post')} for {client.bare} and all new ones wait"
        held = queued if facts.waiting else f"Posts for {client.bare} wait"
        ask = Confirm("Pause posting?", f"{held} until somebody resumes.", "Pause")
        shown.append(button(f"Pause {client.slug}", names.QUEUE_PAUSE, f"{client.id},{here}", confirm=ask))
    if facts.may_pause_all and facts.all_paused:
        shown.append(button("Resume all", names.QUEUE_RESUME, f"{ALL},{here}"))
    elif facts.may_pause_all and facts.scope == ALL:
        ask = Confirm("Pause all clients?", "Nothing goes out until somebody resumes.", "Pause all", True)
        shown.append(button("Pause all", f"{names.QUEUE_PAUSE}#2", f"{ALL},{here}", confirm=ask))
    return row(*shown)


# -- windows ---------------------------------------------------------------------------------------
