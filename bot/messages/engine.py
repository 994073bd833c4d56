"""What the bot says of itself: that it was off or away, and hello."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.messages import actions as names
from bot.messages.blocks import agree, button, count, header, message, row, section
from bot.messages.message import Message
from bot.messages.times import moment, span


def gap(since: datetime, until: datetime, late: int, zone: str = "UTC") -> Message:
    """The bot was off between two instants (UTC-aware); `late` logins were due to be renewed meanwhile."""
    off = f"I was off from {moment(since, zone)} to {moment(until, zone)} ({span(until - since)})."
    if late:
        were = agree(late, "was due to be renewed and is", "were due to be renewed and are")
        then = f"{count(late, 'login')} {were} being renewed now."
    else:
        then = "No login had to be renewed meanwhile."
    posts = (
        "Posts that are late by now are offered in their clients' channels; none of them goes out by itself."
    )
    return message([section(f"⚠️ *{off}* {then} {posts}")])


def welcome(workspace: str = "") -> Message:
    """The first word, to whoever installed the bot."""
    where = f" in {workspace}" if workspace else ""
    text = (
        "I keep your clients' social accounts connected and their posts going out, and say so in the "
        "client's thread when something needs a person.\n\n"
        "*1.* `/lamplighter setup` chooses where I tell of trouble, and who may change settings.\n"
        "*2.* Invite me to a client's channel.\n"
        "*3.* There, `/connect instagram client-a` posts a link. Whoever opens it signs in, and the account "
        "is linked."
    )
    return message(
        [
            header(f"🪔 Hello! I am Lamplighter{where}"),
            section(text),
            row(button("Set up", names.OPEN_SETUP, "setup", style="primary")),
        ]
    )


@dataclass(frozen=True, slots=True)
class Back:
    """What a workspace finds when it installs the bot again. Instants are UTC-aware.

    `alerts`: open ones; `missed`: posts whose time passed; `to_come`: posts that go out as planned.
    """

    since: datetime
    until: datetime
    accounts: int
    alerts: int
    missed: int
    to_come: int


def back(facts: Back, zone: str = "UTC") -> Message:
    """The bot was removed from the workspace for a while, and is in it again."""
    since, until = moment(facts.since, zone), moment(facts.until, zone)
    lines = [f"I was out of this workspace from {since} to {until} ({span(facts.until - facts.since)})."]
    if facts.accounts:
        lines.append(
            f"{count(facts.accounts, 'account')} stayed connected here, and I kept renewing what I could."
        )
    else:
        lines.append("No account is connected.")
    if facts.alerts:
        stand = agree(facts.alerts, "alert is open and is said again", "alerts are open and are said again")
        lines.append(f"⚠️ {facts.alerts} {stand} in {agree(facts.alerts, 'its channel', 'their channels')}.")
    if facts.missed:
        were = agree(facts.missed, "post was", "posts were")
        lines.append(
            f"⚠️ {facts.missed} {were} due meanwhile. None of that goes out by itself: each client's channel "
            "asks whether to send or drop it."
        )
    if facts.to_come:
        go = agree(facts.to_come, "post goes", "posts go")
        lines.append(f"{facts.to_come} {go} out as planned.")
    return message([header("🪔 I am back"), section("\n".join(lines))])
