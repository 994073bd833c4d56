"""What `/queue` shows: posts to come by day, the windows that change one, and what a press came to. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from bot.messages import actions as names
from bot.messages import blocks, modals
from bot.messages.blocks import (
    Block,
    Confirm,
    Part,
    agree,
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
from bot.messages.times import day, moment, zone_of
from bot.messages.wall_time import Names, WallTime, fields
from bot.messages.words import post_words

PAGE_POSTS = 8  # three blocks each, at most
PAUSED_MOST = 5
ALL = "all"
TEXT, POST_TITLE, LINK = "queue.text", "queue.title", "queue.link"
AT = Names("queue.date", "queue.time", "queue.fold")
OWN = "queue.own"  # with the platform behind it
APART = "queue.apart"
APARTS = {
    "300": "5 minutes apart",
    "1800": "30 minutes apart",
    "3600": "1 hour apart",
    "86400": "1 day apart",
    "1": "One right after the other",
}
"""By the seconds between two posts."""
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


@dataclass(frozen=True, slots=True)
class Since:
    """A delivery as it is now, and who changed it last, where that is known. `action` as the audit has it."""

    item: DeliveryShown
    action: str = ""
    actor: str | None = None
    at: datetime | None = None


# -- the list --------------------------------------------------------------------------------------


def queue_message(facts: QueueFacts, said: str = "") -> Message:
    """The list, with what a press came to above it."""
    parts: list[Part | None] = [section(said)] if said else []
    parts += [_heading(facts), *_paused(facts)]
    for _, items in groupby(sorted(facts.items, key=_local), key=lambda item: _local(item).date()):
        of_day = list(items)
        parts.append(section(f"*{day(_local(of_day[0]).date())}*"))
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


# -- what a press came to --------------------------------------------------------------------------


def done_words(done: str, changed: Sequence[DeliveryShown], left: Sequence[Since] = ()) -> str:
    """What happened to which accounts, and what was left alone. `done`: "cancelled"."""
    excerpts = list(dict.fromkeys(item.post.excerpt for item in changed))
    what = excerpts[0] if len(excerpts) == 1 else count(len({item.post.id for item in changed}), "post")
    whom = listed(list(dict.fromkeys(item.account.shown for item in changed)))
    said = f"{what} for {whom}: {done}."
    return f"{said} {left_words(left)}".rstrip()


def left_words(left: Sequence[Since]) -> str:
    """What was left alone, and what has happened to it since."""
    return " ".join(f"{item.item.account.shown} was left alone: {since_words(item)}." for item in left)


def waits_words(items: Sequence[DeliveryShown]) -> str:
    """What cannot go out yet, whatever was pressed."""
    accounts = list(dict.fromkeys(item.account.shown for item in items))
    verb = agree(len(accounts), "works", "work")
    return f"{agree(len(items), 'It waits', 'They wait')} until {listed(accounts)} {verb} again."


def stale_words(found: Sequence[Since]) -> str:
    """A press that changed nothing, and what happened since the message was written."""
    if not found:
        return "Nothing was changed: that post is not in the queue any more."
    each = [f"{item.item.account.shown}: {since_words(item)}." for item in found[:3]]
    return f"Nothing was changed, because this has moved on. {' '.join(each)}"


DEEDS = {
    "post.edited": "edited{}",
    "post.moved": "moved{}",
    "post.hurried": "sent{} on its way",
    "post.staggered": "moved{}",
    "post.cancelled": "cancelled{}",
    "post.restored": "restored{}",
    "post.dropped": "dropped{}",
    "post.retried": "sent{} again",
    "post.corrected": "corrected{} and retried",
    "post.late_sent": "sent{} on its way",
    "post.confirmed": "marked{} as live",
    "post.sent_again": "sent{} again",
}
"""What people do to a delivery, as the audit calls it; the gap is for "it"."""


def since_words(found: Since) -> str:
    """What has happened to a delivery."""
    deed = DEEDS.get(found.action)
    if deed is None or found.at is None or found.item.state in ("sending", "processing", "published"):
        return f"it {_bare_state(found.item)}"
    who = f"{blocks.mention([found.actor])} " if found.actor and blocks.mention([found.actor]) else ""
    when = moment(found.at, found.item.post.client.zone)
    return f"{who}{deed.format(' it')} {when}" if who else f"it was {deed.format('')} {when}"


def _bare_state(item: DeliveryShown) -> str:
    words = {
        "scheduled": "is queued",
        "preparing": "is being sent",
        "sending": "is being sent already",
        "processing": "was accepted already",
        "published": "is published already",
        "blocked": "waits",
        "cancelled": "was cancelled",
        "failed": "has failed",
    }
    return words.get(item.state, "may be live already")


def without_marks(said: str) -> str:
    """The same as plain text, for the error beside a field."""
    named = re.sub(r"<[@!][^>]*>", "somebody", blocks.dates_in_words(said))
    return named.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


# -- windows ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EditForm:
    """A queued post as its window shows it. `title` and `link` are None where they have no field; `texts`:
    what is said on platforms (their keys) with a text of their own; `problem` stands on top."""

    items: tuple[DeliveryShown, ...]
    text: str
    metadata: str
    media: int = 0
    title: str | None = None
    link: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    callback_id: str = names.QUEUE_EDITOR


def edit_modal(form: EditForm) -> Block:
    """The window in which the words of a post are changed."""
    shown = [section(f"⚠️ {blocks.escape(form.problem)}").block] if form.problem else []
    shown.append(_about(form.items))
    again = form.callback_id == names.FAILED_EDITOR
    if again:
        shown += [section(_why(item)).block for item in form.items[:3]]
    if form.title is not None:
        element = modals.text_element(form.title, most=500)
        shown.append(modals.field(POST_TITLE, "Title", element, optional=True))
    shown.append(modals.field(TEXT, "Text", modals.text_element(form.text, multiline=True), optional=True))
    titles = {item.account.platform.key: item.account.platform.title for item in form.items}
    for key, text in form.texts.items():
        element = modals.text_element(text, multiline=True)
        hint = "Instead of the text above. Empty: the text above."
        words = f"Text for {titles.get(key, key)}"
        shown.append(modals.field(own_block(key), words, element, optional=True, hint=hint))
    if form.link is not None:
        shown.append(modals.field(LINK, "Link", modals.url_element(form.link), optional=True))
    if form.media:
        its = "Its picture or film stays" if form.media == 1 else f"Its {form.media} pictures or films stay"
        shown.append(context(f"{its}. To change that, cancel this post and write a new one.").block)
    submit = "Save and send" if again else "Save"
    return modals.modal(
        "Edit post", shown, callback_id=form.callback_id, submit=submit, metadata=form.metadata
    )


def _why(item: DeliveryShown) -> str:
    """Why it failed; what helps is this window."""
    return f"⛔ {item.account.shown}: {post_words(item.reason, item.account.platform).what}"


def own_block(platform: str) -> str:
    """The block of a platform's own text."""
    return f"{OWN}:{platform}"


def move_modal(items: Sequence[DeliveryShown], at: WallTime, metadata: str, apart: str = "") -> Block:
    """The window in which posts are moved. `apart`: a key of APARTS."""
    several = len({(item.post.id, item.planned_at) for item in items}) > 1
    label = "When does the first go out? Day" if several else "New day"
    shown = [_about(items), *fields(AT, at, label=label)]
    if several:
        options = [modals.option(words, seconds) for seconds, words in APARTS.items()]
        spread = modals.one_element(options, apart if apart in APARTS else next(iter(APARTS)))
        shown.append(modals.field(APART, "And the others?", spread, hint="They keep their order."))
    return modals.modal("Move", shown, callback_id=names.QUEUE_MOVER, submit="Move", metadata=metadata)


def done_modal(title: str, said: str, *, sign: str = "✅") -> Block:
    """What came of it. `sign`: "◽" where nothing was changed."""
    hint = "`/queue` shows the list as it is now."
    return modals.modal(title, [section(f"{sign} {said}").block, context(hint).block], close="Done")


def _about(items: Sequence[DeliveryShown]) -> Block:
    first = items[0]
    whom = listed(list(dict.fromkeys(item.account.shown for item in items)))
    posts = len({item.post.id for item in items})
    what = f"{count(posts, 'post')} for" if posts > 1 else "For"
    return section(f"{what} *{safe(first.post.client.name or first.post.client.slug)}*: {whom}").block


def moved_words(due_at: datetime, last_at: datetime, zone: str, author_zone: str | None) -> str:
    """When posts go out now, from the first to the last, in the client's zone and the author's."""
    local, last = due_at.astimezone(zone_of(zone)), last_at.astimezone(zone_of(zone))
    said = f"moved to {day(local.date())} {local:%H:%M} ({zone})"
    if last_at - due_at >= timedelta(minutes=1):
        return f"{said} and after, the last {day(last.date())} {last:%H:%M}"
    if author_zone is None:
        return said
    mine = due_at.astimezone(zone_of(author_zone))
    if mine.utcoffset() == local.utcoffset():
        return said
    other_day = "" if mine.date() == local.date() else f"{day(mine.date())} "
    return f"{said}, {other_day}{mine:%H:%M} for you"
