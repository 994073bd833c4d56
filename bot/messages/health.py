"""What `/health` shows: every account worst first, why, when a person will be needed, and what cures it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from bot.messages import actions as names
from bot.messages.blocks import (
    Part,
    button,
    context,
    count,
    divider,
    link_button,
    mention,
    menu,
    message,
    plain,
    row,
    safe,
    section,
)
from bot.messages.incident_facts import NONE_WAIT, Waiting
from bot.messages.message import Message
from bot.messages.people import Account, ClientName
from bot.messages.times import moment
from bot.messages.words import account_words

PAGE_LINES = 10
SHORT_NAME_MAX = 40
SIGNS = {"green": "✅", "yellow": "⚠️", "red": "⛔"}


@dataclass(frozen=True, slots=True)
class HealthLine:
    """One account, or a client that has none yet (`account` is None).

    `colour` and `state` are words of bot.domain.health. Instants are UTC-aware. `until`: when a person will
    be needed. `url`: an alert's open reconnect link. `permission`: what the missing one is for. `paused_by`:
    a Slack user id.
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


@dataclass(frozen=True, slots=True)
class Only:
    """What a list leaves out: accounts that are fine, clients that are not the reader's."""

    bad: bool = False
    mine: bool = False

    @property
    def letters(self) -> str:
        """As buttons carry it."""
        return f"{'b' if self.bad else ''}{'m' if self.mine else ''}"


EVERYTHING = Only()


def place_value(scope: str, page: int, only: Only) -> str:
    """A page of a list as a button carries it."""
    parts = [scope, str(page), only.letters]
    return names.joined(*(part for part in parts if part))


def place_of(value: str) -> tuple[str, int, Only]:
    """The scope, the page and the filters that a button carries."""
    scope, _, rest = value.partition(":")
    number, _, letters = rest.partition(":")
    page = int(number[:6]) if number.isascii() and number[:6].isdigit() else 0
    return scope, page, Only("b" in letters, "m" in letters)


@dataclass(frozen=True, slots=True)
class HealthFacts:
    """One page of it. `totals` counts the accounts of all pages by colour; `page` counts from 0; `scope`
    comes back with the page buttons (a word or a client's slug). `sweep_is_old`: by the real clock."""

    lines: tuple[HealthLine, ...]
    totals: dict[str, int]
    scope: str = "here"
    page: int = 0
    pages: int = 1
    last_sweep: datetime | None = None
    sweep_is_old: bool = False
    is_set_up: bool = True
    only: Only = EVERYTHING


def health_message(facts: HealthFacts) -> Message:
    parts: list[Part | None] = [section(_summary(facts))]
    for client, lines in groupby(facts.lines, key=lambda line: line.client):
        parts += [divider(), *_client(client, list(lines), alone=len(facts.lines) == 1)]
    parts += [_left_out(facts), _details(facts), *pager(facts), filters(facts)]
    parts += [context(sweep_words(facts)), _setup_hint(facts)]
    return message(parts)


def _left_out(facts: HealthFacts) -> Part | None:
    """Why there is nothing to see where a filter leaves nothing."""
    if facts.lines or facts.only == EVERYTHING:
        return None
    if facts.only.mine:
        return section("None of these clients names you, or was made or linked by you.")
    return section("✅ Nothing is down here, and nothing to watch.")


def _details(facts: HealthFacts) -> Part | None:
    """One menu for all accounts of the page: Slack gives each line one button, and that is the cure's."""
    options = {
        line.connection_id: _choice(line, line.account) for line in facts.lines if line.account is not None
    }
    if not options:
        return None
    element = menu("Details of…", names.HEALTH_DETAIL, options)
    return row(Part(element.block, "[Details of…]"))


def _choice(line: HealthLine, account: Account) -> str:
    """The platform first: a right-to-left name behind it does not turn the whole line round."""
    return f"{SIGNS[line.colour]} {account.platform.title}: {plain(account.label, 50)}"


def filters(facts: HealthFacts) -> Part | None:
    """Only what is red or yellow; only the reader's clients. What is on is ticked, and a press ends it."""
    if not sum(facts.totals.values()):
        return None
    only = facts.only
    choices = (
        ("Only down or to watch", only.bad, Only(not only.bad, only.mine)),
        ("Only mine", only.mine, Only(only.bad, not only.mine)),
    )
    return row(
        *(
            button(
                f"{'☑' if is_on else '☐'} {label}",
                f"{names.HEALTH_PAGE}#{number}",
                place_value(facts.scope, 0, then),
            )
            for number, (label, is_on, then) in enumerate(choices, 1)
        )
    )


def _summary(facts: HealthFacts) -> str:
    red, yellow, green = (facts.totals.get(colour, 0) for colour in ("red", "yellow", "green"))
    if not facts.lines and facts.only == EVERYTHING:
        return "No clients here yet. `/connect instagram client-a` starts one in this channel."
    if not red + yellow + green:
        return "*No accounts are connected yet.*"
    said = [
        f"⛔ {count(red, 'account')} down" if red else "",
        f"⚠️ {yellow} to watch" if yellow else "",
        f"✅ {green} fine" if green else "",
    ]
    return f"*{' · '.join(word for word in said if word)}*"


def _client(client: ClientName, lines: Sequence[HealthLine], *, alone: bool) -> list[Part | None]:
    found: list[Part | None] = [section(f"*{client.shown}* (`{client.slug}`)")]
    for line in lines:
        if line.account is None:
            found.append(section(f"No accounts yet. `/connect instagram {client.slug}` links one."))
        else:
            press = cure_button(line, line.account, main=alone)
            found.append(section(line_words(line, line.account), press))
    return found


def line_words(line: HealthLine, account: Account) -> str:
    """One account's state, in finished mrkdwn."""
    said = [
        f"{SIGNS[line.colour]} *{safe(account.label)}* on {account.platform.title}: {_state(line, account)}",
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


def _state(line: HealthLine, account: Account, *, advised: bool = True) -> str:
    title = account.platform.title
    if line.state in ("dead", "trouble"):
        words = account_words(line.reason, account.platform, permission=line.permission)
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
        "off": f"{title} is switched off here.",
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
    if not waiting.posts:
        return ""
    first = f", the first {moment(waiting.first_due, line.client.zone)}" if waiting.first_due else ""
    noun = "waiting" if line.colour == "red" else "queued"
    return f"{count(waiting.posts, 'post')} {noun}{first}."


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


def pager(facts: HealthFacts) -> list[Part | None]:
    """Two buttons with one action and different values: Slack wants each in a block of its own."""
    if facts.pages < 2:
        return []
    return [
        context(f"Page {facts.page + 1} of {facts.pages}"),
        turn("Previous page", facts, facts.page - 1),
        turn("Next page", facts, facts.page + 1),
    ]


def turn(label: str, facts: HealthFacts, page: int) -> Part | None:
    if not 0 <= page < facts.pages:
        return None
    return row(button(label, names.HEALTH_PAGE, place_value(facts.scope, page, facts.only)))


def sweep_words(facts: HealthFacts) -> str:
    if facts.last_sweep is None:
        return "⚠️ The engine has not finished a round yet."
    when = moment(facts.last_sweep)
    if facts.sweep_is_old:
        return f"⚠️ The engine's last round was {when}: it may stand still. Tell whoever runs this bot."
    return f"The engine's last round: {when}."


def _setup_hint(facts: HealthFacts) -> Part | None:
    if facts.is_set_up:
        return None
    hint = (
        "💡 This workspace is not set up yet: where should trouble be told that no client's channel can hear?"
    )
    return section(hint, button("Set up", names.OPEN_SETUP, "setup", style="primary"))
