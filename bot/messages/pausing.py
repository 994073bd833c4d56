"""A pause, for the channel that it concerns: who stopped the posts, what waits, and that it is over. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.messages import actions as names
from bot.messages.blocks import agree, button, count, mention, message, plain, row, section
from bot.messages.incident_words import paused_words
from bot.messages.message import Message
from bot.messages.people import ClientName
from bot.messages.times import moment

ALL = "all clients"


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause of one client, or of all (`client` None). `by`: a Slack user id; `since` is UTC-aware; `zone`:
    an IANA name; `waiting`: posts that have not gone out."""

    client: ClientName | None
    since: datetime
    by: str | None = None
    is_over: bool = False
    waiting: int = 0
    zone: str = "UTC"

    @property
    def whom(self) -> str:
        return self.client.shown if self.client else ALL


def paused(facts: Pause) -> Message:
    """The message that stands in the channel: it holds, or it held."""
    since = moment(facts.since, facts.zone)
    if facts.is_over:
        who = mention([facts.by] if facts.by else [])
        was = f"{f' by {who}' if who else ''} ({since})"
        return message([section(f"▶️ *Posting for {facts.whom} goes on.* It was paused{was}.")])
    waits = f"{count(facts.waiting, 'post')} {agree(facts.waiting, 'waits', 'wait')}"
    held = f"{waits}, and so do new ones," if facts.waiting else "Posts wait"
    text = (
        f"⏸️ *{paused_words(facts.whom, facts.by)}* since {since}. {held} until somebody resumes it. "
        "The accounts stay connected."
    )
    if facts.client is None:  # only admins resume everybody, where `/queue all` shows what that means
        return message([section(f"{text} `/queue all` has the button.")])
    label = f"Resume {plain(facts.client.bare, 40)}"
    return message([section(text), row(button(label, names.RESUME_CLIENT, facts.client.id))])


def resumed(facts: Pause, sent: int, late: int) -> Message:
    """The reply that says who let the posts go. `by` is whoever resumed."""
    who = mention([facts.by] if facts.by else [])
    said = f"▶️ {who + ' resumed' if who else 'Somebody resumed'} posting for {facts.whom}."
    if sent:
        said += f" {count(sent, 'post')} that waited {agree(sent, 'is', 'are')} on time again."
    if late:
        asked = "each client's channel is asked" if facts.client is None else "a message here asks what to do"
        said += f" {count(late, 'post')} {agree(late, 'is', 'are')} late: {asked}."
    return message([section(said)])
