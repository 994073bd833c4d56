"""One account of a list: how it is, why, when a person will be needed, and the button that cures it. Shared
by everything that lists accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.messages import actions as names
from bot.messages.blocks import Part, agree, button, count, link_button, mention, safe
from bot.messages.incident_facts import NONE_WAIT, Waiting
from bot.messages.people import Account, ClientName
from bot.messages.reasons import NEEDS_MORE
from bot.messages.times import moment
from bot.messages.words import CHECK, CHECK_IN_DETAILS, RECONNECT, account_words

SHORT_NAME_MAX = 40
SIGNS = {"green": "✅", "yellow": "⚠️", "red": "⛔"}


@dataclass(frozen=True, slots=True)
class HealthLine:
    """One account, or a client that has none yet (`account` is None).

    `colour` and `state` are words of bot.domain.health. Instants are UTC-aware. `until`: when a person will
    be needed. `url`: an alert's open reconnect link. `permission`: what the missing one is for. `paused_by`:
    a Slack user id. `can_check`: whether the reader may have it looked at.
    """

    client: ClientName
    account: Account | None = None
    connection_id: str = ""
    colour: str = "green"
    state: str = "fine"
    reason: str = ""
    until: datetime | None = None
    permission: str | None = None
    refreshed_at: datetime | None = None
    waiting: Waiting = NONE_WAIT
    url: str | None = None
    paused_by: str | None = None
    can_check: bool = True


def line_words(line: HealthLine, account: Account, *, in_details: bool = False) -> str:
    """One account's state, in finished mrkdwn. `in_details`: in the account's own window."""
    state = _state(line, account, check=CHECK if in_details else CHECK_IN_DETAILS)
    said = [
        f"{SIGNS[line.colour]} *{safe(account.label)}* on {account.platform.title}: {state}",
        _needed(line),
        _posts(line),
        f"_Last refreshed {moment(line.refreshed_at, line.client.zone)}._" if line.refreshed_at else "",
    ]
    return " ".join(word for word in said if word)


def short_words(line: HealthLine, account: Account) -> str:
    """The same for a list of many: without advice, which its button stands for."""
    label = safe(account.label, SHORT_NAME_MAX)
    said = [
        f"{SIGNS[line.colour]} *{label}* on {account.platform.title}: {_state(line, account, advised=False)}",
        _needed(line),
        _posts(line),
    ]
    return " ".join(word for word in said if word)


def _state(line: HealthLine, account: Account, *, advised: bool = True, check: str = CHECK_IN_DETAILS) -> str:
    title = account.platform.title
    if line.state in ("dead", "trouble"):
        checks = line.state == "trouble" and line.can_check and line.reason in NEEDS_MORE
        cure = check if checks else RECONNECT
        words = account_words(line.reason, account.platform, cure=cure, permission=line.permission)
        what = f"{'disconnected' if line.state == 'dead' else 'cannot post'}. {words.what}"
        return f"{what} {words.advice}" if advised else what
    if line.state == "limited":
        lost = f" for {safe(line.permission)}" if line.permission else ""
        return f"works, but without the permission{lost}. Reconnect it and leave every box ticked to get it."
    return {
        "fine": "fine.",
        "waiting": f"waiting for {title} to answer. Nobody has to do anything.",
        "ending": "works for now, but cannot be renewed. It needs a new sign-in.",
        "ends_soon": "works, and soon needs a new sign-in.",
        "paused": f"paused{_by(line.paused_by)}. It stays connected; its posts wait.",
        "off": f"{title} is switched off here, so nothing goes out on it.",
    }.get(line.state, "fine.")


def _by(user: str | None) -> str:
    person = mention([user] if user else [])
    return f" by {person}" if person else " here"


def _needed(line: HealthLine) -> str:
    if line.until is None:
        return ""
    by = moment(line.until, line.client.zone)
    return f"Needs a person by {by}." if line.colour == "green" else f"*Needs a person by {by}.*"


def _posts(line: HealthLine) -> str:
    waiting = line.waiting
    to_come = waiting.posts - waiting.late
    said = []
    if to_come:
        first = f", the first {moment(waiting.first_due, line.client.zone)}" if waiting.first_due else ""
        noun = "waiting" if line.colour == "red" or line.state == "paused" else "queued"
        said.append(f"{count(to_come, 'post')} {noun}{'' if waiting.late else first}.")
    if waiting.late:
        asks = agree(waiting.late, "is late and waits", "are late and wait")
        said.append(f"{count(waiting.late, 'post')} {asks} for the team's word.")
    return " ".join(said)


def cure_button(line: HealthLine, account: Account, *, main: bool = False) -> Part | None:
    """*Reconnect*, where that cures. `main`: there is no other account beside it."""
    needed = line.colour == "red" or line.state in ("ending", "ends_soon", "limited")
    if not needed:
        return _renew(line, account) if line.until is not None else None
    about = f"Reconnect {account.bare} for {line.client.bare}"
    style = "primary" if main and line.colour == "red" else None
    if line.url is not None:
        return link_button("Reconnect", line.url, style=style, about=about)
    return button("Reconnect", names.RECONNECT_ACCOUNT, line.connection_id, style=style, about=about)


def _renew(line: HealthLine, account: Account) -> Part:
    """An account that works, and whose end only a person can move, is renewed at any time."""
    about = f"Renew {account.bare} for {line.client.bare}"
    return button("Renew", names.RECONNECT_ACCOUNT, line.connection_id, about=about)
