"""The Home tab: the workspace client by client, what failed and what comes next; or a hello. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.messages import actions, blocks
from bot.messages.blocks import Part, button, context, count, divider, header, listed, row, section
from bot.messages.deliveries import DeliveryShown, cure_button, held_words, state_words
from bot.messages.health import (
    EVERYTHING,
    HealthFacts,
    filters,
    health_message,
    pager,
    place_value,
    sweep_words,
)
from bot.messages.health_line import SIGNS
from bot.messages.help import INTRO, Line, lines_of
from bot.messages.message import Message
from bot.messages.people import ClientName
from bot.messages.queue import Queued
from bot.messages.times import moment

BLOCKS_MOST = 100
PAGE_CLIENTS = 15
NEXT_MOST = 5
FAILED_MOST = 5
ALL = "all"


@dataclass(frozen=True, slots=True)
class ClientLine:
    """A client in the dashboard. `until`: when the first of its accounts needs a person (UTC-aware)."""

    client: ClientName
    red: int = 0
    yellow: int = 0
    green: int = 0
    waiting: int = 0
    until: datetime | None = None
    is_paused: bool = False

    @property
    def sign(self) -> str:
        """Of its worst account; none where it has no account."""
        if self.red:
            return SIGNS["red"]
        if self.yellow:
            return SIGNS["yellow"]
        return SIGNS["green"] if self.green else "◽"


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One page of it. `health` carries the totals, filters, page and the engine's heartbeat; its lines are
    shown only where `is_one`: the reader looks at one client's accounts. `said`: what the last press did."""

    health: HealthFacts
    clients: tuple[ClientLine, ...] = ()
    queue: tuple[Queued, ...] = ()
    queued: int = 0
    failed: tuple[DeliveryShown, ...] = ()
    failures: int = 0
    may_set: bool = False
    is_one: bool = False
    said: str = ""


def home(facts: Dashboard | None, lines: Iterable[Line]) -> blocks.Block:
    """The tab; `facts` None: for somebody who is no member here."""
    if facts is None:
        shown = [header("Lamplighter"), section(INTRO), section(HELLO)]
        return _view(shown)
    if facts.is_one:
        back = button("◂ All clients", actions.HEALTH_PAGE, place_value(ALL, 0, EVERYTHING))
        return _view([header("Lamplighter"), row(back)], health_message(facts.health))
    parts: list[Part | None] = [header("Lamplighter"), section(facts.said) if facts.said else None]
    parts += [section(_summary(facts)), _doors(facts)]
    parts += [filters(facts.health), divider(), *_clients(facts), *pager(facts.health)]
    parts += [*_failed(facts), *_next(facts), divider(), section(lines_of(lines))]
    parts.append(context(sweep_words(facts.health)))
    return _view(parts) | {"private_metadata": place_value(ALL, facts.health.page, facts.health.only)}


HELLO = (
    "When an account needs you, I write in the channel that you share with the agency, with a button that "
    "leads you through."
)


def _view(parts: Iterable[Part | None], below: Message | None = None) -> dict[str, object]:
    shown = [part.block for part in parts if part is not None] + list(below.blocks if below else ())
    return {"type": "home", "blocks": shown[:BLOCKS_MOST]}


def _summary(facts: Dashboard) -> str:
    totals = facts.health.totals
    red, yellow, green = (totals.get(colour, 0) for colour in ("red", "yellow", "green"))
    if not red + yellow + green:
        return f"{INTRO} Nothing is connected yet."
    said = [
        f"{SIGNS['red']} {count(red, 'account')} down" if red else "",
        f"{SIGNS['yellow']} {yellow} to watch" if yellow else "",
        f"{SIGNS['green']} {green} fine" if green else "",
    ]
    return f"*{' · '.join(word for word in said if word)}*"


def _doors(facts: Dashboard) -> Part | None:
    return row(
        button("Connect accounts", actions.OPEN_CONNECT, "home", style="primary"),
        button("New client", actions.OPEN_CLIENT, "new"),
        button("Settings", actions.OPEN_SETTINGS, "home") if facts.may_set else None,
        None if facts.health.is_set_up else button("Set up", actions.OPEN_SETUP, "setup"),
    )


def _clients(facts: Dashboard) -> list[Part | None]:
    if not facts.clients and facts.health.only != EVERYTHING:
        return [section("No client is left with these filters.")]
    if not facts.clients:
        return [section("No clients yet. `/connect instagram client-a` in a channel starts one there.")]
    return [section(_line(item), _show(item)) for item in facts.clients]


def _line(item: ClientLine) -> str:
    said = [f"{item.red} down" if item.red else "", f"{item.yellow} to watch" if item.yellow else ""]
    said += [f"{item.green} fine" if item.green else ""]
    state = ", ".join(word for word in said if word) or "no accounts yet"
    line = f"{item.sign} *{item.client.shown}* (`{item.client.slug}`): {state}."
    if item.until is not None:
        line += f" Needs a person by {moment(item.until, item.client.zone)}."
    if item.waiting:
        line += f" {count(item.waiting, 'post')} queued."
    return f"{line} ⏸️ Paused." if item.is_paused else line


def _show(item: ClientLine) -> Part:
    value = place_value(item.client.slug, 0, EVERYTHING)
    return button("Accounts", actions.HEALTH_PAGE, value, about=f"Accounts of {item.client.bare}")


def _failed(facts: Dashboard) -> list[Part | None]:
    if not facts.failed:
        return []
    heading = f"*{count(facts.failures, 'post')} to look at*"
    if facts.failures > len(facts.failed):
        heading += " (`/retry all` shows every one)"
    parts: list[Part | None] = [divider(), section(heading)]
    for item in facts.failed:
        line = f"{item.post.client.shown}: {item.post.excerpt} on {item.account.shown}\n{state_words(item)}"
        parts.append(section(line, cure_button(item)))
    return parts


def _lines(item: Queued) -> list[str]:
    """A post that goes out by itself; on a line of their own the accounts where it is held, and why."""
    of_why: dict[str, list[str]] = {}
    for one in item.accounts:
        of_why.setdefault(one.held, []).append(one.account.shown)
    lines = []
    for why, accounts in of_why.items():
        sign = "⏸️ held, due " if why else ""
        reason = f". It {held_words(why)}" if why else ""
        lines.append(
            f"• {sign}{moment(item.due_at, item.post.client.zone)}: {item.post.client.shown}, "
            f"{item.post.excerpt} on {listed(accounts, 2)}{reason}"
        )
    return lines


def _next(facts: Dashboard) -> list[Part | None]:
    if not facts.queue:
        return []
    more = " (`/queue all` shows every one)" if facts.queued > len(facts.queue) else ""
    lines = [line for item in facts.queue for line in _lines(item)]
    return [divider(), section(f"*Next posts*{more}\n" + "\n".join(lines))]
