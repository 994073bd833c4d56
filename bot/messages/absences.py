"""Somebody on whom clients and logins depend left Slack: told to operations, with a way out of each. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.messages import actions as names
from bot.messages.blocks import Part, button, context, count, listed, message, row, safe, section
from bot.messages.logins import NOBODY, LoginLine, hand_over_button, resting_words
from bot.messages.message import Message
from bot.messages.people import ClientName

LOGINS_MOST, CLIENTS_MOST = 8, 10


@dataclass(frozen=True, slots=True)
class Named:
    """A client for which the person is mentioned, or the backup."""

    client: ClientName
    is_mentioned: bool
    is_backup: bool


@dataclass(frozen=True, slots=True)
class Gone:
    """Who left, and what depends on him. `person`: a Slack user id; `standing`: "deactivated", or "unknown"
    where Slack knows nobody of that id; `logins` are the first of `logins_in_all`; `is_called`: mentioned in
    the alerts of the operations channel."""

    person: str
    standing: str
    logins: tuple[LoginLine, ...] = ()
    logins_in_all: int = 0
    clients: tuple[Named, ...] = ()
    is_admin: bool = False
    is_called: bool = False


def gone(facts: Gone) -> Message:
    """Everything that depends on the person, each with what puts it right."""
    happened = "was deactivated in Slack" if facts.standing == "deactivated" else "is not known to Slack"
    depends = [
        count(facts.logins_in_all, "login") if facts.logins_in_all else "",
        count(len(facts.clients), "client") if facts.clients else "",
        "the set-up of this workspace" if facts.is_admin else "",
        "the alerts of this channel" if facts.is_called else "",
    ]
    on = listed([word for word in depends if word])
    return message(
        [
            section(f"👋 *<@{facts.person}> {happened}.* Still resting on this person: {on}."),
            *_logins(facts),
            *_clients(facts.clients),
            _workspace(facts),
        ]
    )


def _logins(facts: Gone) -> list[Part | None]:
    if not facts.logins:
        return []
    parts: list[Part | None] = [
        section(
            "*Logins that this person asked for.* Their accounts go on working. But when a platform wants a "
            "new sign-in, somebody else must hold the role: hand them over while there is time."
        )
    ]
    for line in facts.logins:
        head = f"*{safe(line.holder or NOBODY)}* on {line.platform.title}"
        parts.append(section(f"{head}\n{resting_words(line)}", hand_over_button(line)))
    rest = facts.logins_in_all - len(facts.logins)
    if rest > 0:
        parts.append(context(f"… and {count(rest, 'more login')}: `/health logins`"))
    return parts


def _clients(clients: Sequence[Named]) -> list[Part | None]:
    if not clients:
        return []
    parts: list[Part | None] = [section("*Alerts that call this person:*")]
    for item in clients[:CLIENTS_MOST]:
        roles = ["mentioned" if item.is_mentioned else "", "the backup" if item.is_backup else ""]
        words = f"{item.client.shown} (`{item.client.slug}`): {' and '.join(role for role in roles if role)}"
        about = f"Change who is mentioned for {item.client.bare}"
        parts.append(section(words, button("Change", names.OPEN_CLIENT, item.client.id, about=about)))
    rest = len(clients) - CLIENTS_MOST
    if rest > 0:
        parts.append(context(f"… and {count(rest, 'more client')}: `/lamplighter clients`"))
    return parts


def _workspace(facts: Gone) -> Part | None:
    """What the workspace's own settings say of the person."""
    others = button("Choose other admins", names.OPEN_SETUP, "setup")
    called = button("Change who is called here", names.OPEN_SETTINGS, "gone")
    chosen = [others] * facts.is_admin + [called] * facts.is_called
    return row(*chosen) if chosen else None
