"""Closing a client: the one question before it, what came of it, and the closed ones. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.messages import actions, blocks, modals
from bot.messages.blocks import Part, agree, context, count, header, link, mention, section
from bot.messages.message import Message
from bot.messages.people import Account, ClientName
from bot.messages.times import moment

NAMED_MOST = 20
PAGE = 20


@dataclass(frozen=True, slots=True)
class Closing:
    """What closing would mean. `first_due` is UTC-aware; `mark`: which accounts this is about."""

    client: ClientName
    accounts: tuple[Account, ...] = ()
    waiting: int = 0
    first_due: datetime | None = None
    in_flight: int = 0
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """An account that was disconnected. `fate`: a state of storage.models.Departure."""

    account: Account
    fate: str


@dataclass(frozen=True, slots=True)
class Closed:
    """A client that was closed. `by`: a Slack user; `is_open_again`: somebody reopened it since."""

    client: ClientName
    by: str | None
    cancelled: int
    left: tuple[Left, ...] = ()
    is_open_again: bool = False


@dataclass(frozen=True, slots=True)
class ClosedLine:
    """A closed client in the list."""

    client: ClientName
    closed_at: datetime


def question(facts: Closing, metadata: str, problem: str = "") -> blocks.Block:
    """The one confirmation: which accounts go, and which posts."""
    name = facts.client
    parts: list[Part | None] = [
        section(f"⚠️ {problem}") if problem else None,
        section(f"*Close {name.shown}* (`{name.slug}`)?"),
        section(_accounts(facts)),
        section(_posts(facts)),
        context(
            "Its history stays, and so does its short name: `/lamplighter clients closed` opens it again. "
            "Accounts then have to be linked again, and cancelled posts do not come back."
        ),
    ]
    shown = [part.block for part in parts if part is not None]
    return modals.modal(
        "Close client",
        shown,
        callback_id=actions.CLOSING,
        submit="Close it",
        close="Keep it",
        metadata=metadata,
    )


def _accounts(facts: Closing) -> str:
    if not facts.accounts:
        return "No account is connected."
    number = len(facts.accounts)
    names = "\n".join(f"• {item.shown}" for item in facts.accounts[:NAMED_MOST])
    more = f"\n… and {number - NAMED_MOST} more" if number > NAMED_MOST else ""
    return f"*{count(number, 'account')} will be disconnected:*\n{names}{more}"


def _posts(facts: Closing) -> str:
    if facts.waiting:
        which = agree(facts.waiting, "due", "the first of them due")
        first = f", {which} {moment(facts.first_due, facts.client.zone)}" if facts.first_due else ""
        said = f"*{count(facts.waiting, 'queued post')} will be cancelled*{first}."
    else:
        said = "No post is queued."
    if facts.in_flight:
        goes = agree(facts.in_flight, "goes", "go")
        said += f" {count(facts.in_flight, 'post')} on the way still {goes} out."
    return f"{said} What is published stays where it is."


def done(client: ClientName, accounts: int, cancelled: int) -> blocks.Block:
    """It is closed."""
    words = f"✅ *{client.shown}* (`{client.slug}`) is closed."
    if accounts:
        words += f" {count(accounts, 'account')} {agree(accounts, 'was', 'were')} disconnected"
        words += f" and {count(cancelled, 'queued post')} cancelled." if cancelled else "."
        words += (
            " A message in its team channel lists what is left to remove by hand at the platforms, once "
            "that is known."
        )
    return modals.modal("Close client", [section(words).block], close="Done")


def closed_message(facts: Closed) -> Message:
    """The one message to the team's channel, rendered again as the tokens go."""
    by = mention([facts.by]) if facts.by else ""
    parts: list[Part | None] = [header(f"◽ {facts.client.bare} is closed"), section(_what(facts, by))]
    by_hand = [item for item in facts.left if item.fate == "forgotten"]
    kept = [item.account.shown for item in facts.left if item.fate == "kept"]
    waiting = sum(item.fate == "due" for item in facts.left)
    if by_hand:
        lines = "\n".join(_by_hand(item) for item in by_hand[:NAMED_MOST])
        rest = len(by_hand) - NAMED_MOST
        more = f"\n… and {rest} more" if rest > 0 else ""
        parts.append(section(f"*Left to remove by hand at the platforms:*\n{lines}{more}"))
    elif facts.left and not waiting and not kept:
        parts.append(section("Nothing is left to remove by hand: our access ended at the platforms, too."))
    if kept:
        logins = agree(len(kept), "The login of", "The logins of")
        stay = agree(
            len(kept), "stays, since another account here uses it", "stay, since other accounts here use them"
        )
        parts.append(section(f"{logins} {blocks.listed(kept, NAMED_MOST)} {stay}."))
    if waiting:
        still = count(waiting, "account")
        parts.append(context(f"Our access to {still} ends as soon as nothing is on the way."))
    if facts.is_open_again:
        parts.append(section("🔁 It was opened again since. Its accounts have to be linked again."))
    return blocks.message(parts)


def _what(facts: Closed, by: str) -> str:
    said = f"{by} closed it. " if by else ""
    number = len(facts.left)
    if not number:
        return f"{said}No account was connected."
    names = blocks.listed([item.account.shown for item in facts.left], NAMED_MOST)
    said += f"{count(number, 'account')} {agree(number, 'was', 'were')} disconnected: {names}."
    if facts.cancelled:
        was = agree(facts.cancelled, "was", "were")
        said += f" {count(facts.cancelled, 'queued post')} {was} cancelled."
    return said


def _by_hand(item: Left) -> str:
    words = item.account.platform
    page = link(f"your settings at {words.door}", words.permission_page)
    return f"• {item.account.shown}: remove our app in {page}"


def closed_list(lines: Sequence[ClosedLine], page: int) -> Message:
    """The closed clients, the last closed first, each with its button; `page` counts from 0."""
    if not lines:
        return blocks.message([section("No client is closed.")])
    pages = -(-len(lines) // PAGE)
    page = min(max(page, 0), pages - 1)
    parts: list[Part | None] = [header(count(len(lines), "closed client"))]
    for line in lines[page * PAGE : (page + 1) * PAGE]:
        said = (
            f"*{line.client.shown}* (`{line.client.slug}`), closed {moment(line.closed_at, line.client.zone)}"
        )
        ask = blocks.Confirm(
            "Open it again?",
            f"{line.client.bare} is opened again as it was. Its accounts have to be linked again.",
            "Open again",
        )
        about = f"Open {line.client.bare} again"
        press = blocks.button("Open again", actions.REOPEN_CLIENT, line.client.id, confirm=ask, about=about)
        parts.append(section(said, press))
    for label, number in (("Previous page", page - 1), ("Next page", page + 1)):
        if 0 <= number < pages:
            parts.append(blocks.row(blocks.button(label, actions.CLOSED_PAGE, str(number))))
    return blocks.message(parts)


def reopened(client: ClientName) -> Message:
    """What a press did."""
    return blocks.message(
        [
            section(
                f"🔁 *{client.shown}* (`{client.slug}`) is open again. "
                f"`/connect instagram {client.slug}` links its first account."
            )
        ]
    )
