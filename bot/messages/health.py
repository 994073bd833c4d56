"""What `/health` shows: every account worst first, why, when a person will be needed, and what cures it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from bot.messages import actions as names
from bot.messages.blocks import Part, button, context, count, divider, menu, message, plain, row, section
from bot.messages.health_line import SIGNS, HealthLine, cure_button, line_words
from bot.messages.message import Message
from bot.messages.people import Account, ClientName
from bot.messages.times import moment

PAGE_LINES = 10


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
