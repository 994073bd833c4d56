"""What a press on queued posts came to: what changed, what was left alone, what happened since. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.messages import blocks
from bot.messages.blocks import (
    agree,
    count,
    listed,
)
from bot.messages.deliveries import DeliveryShown
from bot.messages.times import moment


@dataclass(frozen=True, slots=True)
class Since:
    """A delivery as it is now, and who changed it last, where that is known. `action` as the audit has it."""

    item: DeliveryShown
    action: str = ""
    actor: str | None = None
    at: datetime | None = None


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
