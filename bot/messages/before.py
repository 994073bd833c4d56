"""What `/health before DATE` shows: which accounts will not hold until then, why, and what renews them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from bot.messages import actions as names
from bot.messages.blocks import (
    Part,
    agree,
    button,
    context,
    count,
    divider,
    listed,
    message,
    row,
    safe,
    section,
)
from bot.messages.message import Message
from bot.messages.people import Account, ClientName
from bot.messages.times import day as day_words
from bot.messages.times import moment
from bot.messages.words import account_words

PAGE_LINES = 10
CHECKED = "each one's login, how it renews itself, and the platform's own ends of access"


@dataclass(frozen=True, slots=True)
class Lapse:
    """An account that will not hold. `ends_at`: UTC-aware, None where it does not work already; `reason` and
    `permission`: why. `posts`: queued beyond the end, the first due at `first_due`. `can_renew`: a link can
    be posted."""

    client: ClientName
    account: Account
    connection_id: str
    generation: int
    reason: str = "expired"
    ends_at: datetime | None = None
    permission: str | None = None
    posts: int = 0
    first_due: datetime | None = None
    can_renew: bool = True


@dataclass(frozen=True, slots=True)
class BeforeFacts:
    """One page. `checked`: accounts in all; `lapsing`: those that will not hold, on all pages; `scope` and
    `day` come back with the buttons. `paused`: clients of which nothing goes out, however well they hold, by
    name; `all_paused`: that is so of the whole workspace."""

    day: date
    lines: tuple[Lapse, ...]
    checked: int
    lapsing: int = 0
    scope: str = "here"
    page: int = 0
    pages: int = 1
    paused: tuple[ClientName, ...] = ()
    all_paused: bool = False


@dataclass(frozen=True, slots=True)
class Renewing:
    """What became of *Renew*: the accounts and `links` of one client, and the channel where they stand. One
    link renews all that rest on its login."""

    client: ClientName
    accounts: tuple[str, ...]
    channel_id: str
    is_new: bool = True
    links: int = 1
    invite_bot: str | None = None


def before_message(facts: BeforeFacts) -> Message:
    """What will not hold until the end of the day, the first to end first; one line where everything does."""
    until = f"{day_words(facts.day)} {facts.day.year}"
    if not facts.checked:
        return message([section("*No accounts are connected here yet,* so nothing was checked.")])
    if not facts.lapsing:
        all_of = "It holds" if facts.checked == 1 else "Everything holds"
        looked = f"{count(facts.checked, 'account')} checked: {CHECKED}"
        holds = section(f"✅ *{all_of} until the end of {until}.* {looked}.")
        return message([holds, _paused(facts)])
    which = f"{facts.lapsing} of {count(facts.checked, 'account')}" if facts.checked > 1 else "The account"
    head = f"⚠️ *{which} will not hold until the end of {until}.*"
    value = names.joined(facts.scope, facts.day.isoformat())
    parts: list[Part | None] = [section(head)]
    if facts.lapsing > 1:
        parts.append(row(button("Renew all", names.RENEW_ALL, value, style="primary")))
    for client, lines in groupby(facts.lines, key=lambda line: line.client):
        parts += [divider(), section(f"*{client.shown}* (`{client.slug}`)")]
        parts += [section(_line(line), _renew(line)) for line in lines]
    rest = facts.checked - facts.lapsing
    note = f"{count(rest, 'other account')} {agree(rest, 'holds', 'hold')}. " if rest else ""
    parts.append(_paused(facts))
    parts.append(context(f"{note}Looked at: {CHECKED}. Days end in each client's own zone."))
    return message([*parts, *_pager(facts, value)])


def _paused(facts: BeforeFacts) -> Part | None:
    """That accounts which hold may still publish nothing."""
    goes = "nothing goes out until somebody resumes it, whatever holds."
    if facts.all_paused:
        return section(f"⏸️ Posting for all clients is paused: {goes}")
    names = listed([client.shown for client in facts.paused])
    return section(f"⏸️ Posting for {names} is paused: {goes}") if names else None


def _line(line: Lapse) -> str:
    name = f"*{safe(line.account.label)}* on {line.account.platform.title}"
    zone = line.client.zone
    if not line.can_renew:
        said = f"⚠️ {name}: {line.account.platform.title} is switched off here, so nobody can tell."
    elif line.ends_at is None:
        why = account_words(line.reason, line.account.platform, cure="renew it", permission=line.permission)
        said = f"⛔ {name} does not work now. {why.what} {why.advice}"
    else:
        said = f"⏳ {name} works until {moment(line.ends_at, zone)}; then only a person can renew it."
    if not line.posts:
        return said
    first = f", the first {moment(line.first_due, zone)}" if line.first_due else ""
    beyond = "wait" if line.ends_at is None else "are queued after that"
    one = "waits" if line.ends_at is None else "is queued after that"
    return f"{said} *{count(line.posts, 'post')} {agree(line.posts, one, beyond)}{first}.*"


def _renew(line: Lapse) -> Part | None:
    if not line.can_renew:
        return None
    value = names.joined(line.connection_id, str(line.generation))
    about = f"Renew {line.account.bare} for {line.client.bare}"
    return button("Renew", names.RENEW, value, about=about)


def _pager(facts: BeforeFacts, value: str) -> list[Part | None]:
    """Two buttons with one action and different values: Slack wants each in a block of its own."""
    if facts.pages < 2:
        return []
    turns = {"Previous page": facts.page - 1, "Next page": facts.page + 1}
    return [
        context(f"Page {facts.page + 1} of {facts.pages}"),
        *(
            row(button(label, names.BEFORE_PAGE, names.joined(value, str(page))))
            for label, page in turns.items()
            if 0 <= page < facts.pages
        ),
    ]


def renewing(done: Sequence[Renewing], without: Sequence[str] = ()) -> Message:
    """Where the links are; to the person who pressed alone. `without`: slugs of clients without a channel."""
    where = section("\n".join(_asked(item) for item in done[:20]))
    return message([where, _more(done), context(no_channel(without)) if without else None])


def no_channel(slugs: Sequence[str]) -> str:
    """No link can be posted for these clients."""
    shown = listed([f"`{slug}`" for slug in slugs], 10)
    has = agree(len(slugs), "has", "have")
    return f"{shown} {has} no channel yet where a link could stand. Use `/connect` in one."


def _more(done: Sequence[Renewing]) -> Part | None:
    return context(f"… and {len(done) - 20} more clients.") if len(done) > 20 else None


def _asked(item: Renewing) -> str:
    what = f"{listed([safe(name) for name in item.accounts], 5)} of {item.client.shown}"
    if item.invite_bot:
        return (
            f"I am not in <#{item.channel_id}> yet. Type `/invite` and <@{item.invite_bot}> there; then I "
            f"post the link for {what} at once."
        )
    link = agree(item.links, "The link", "One message with the links")
    if not item.is_new:
        stands = agree(item.links, "The link", "The links")
        verb = agree(item.links, "stands", "stand")
        return f"{stands} for {what} {verb} in <#{item.channel_id}> already."
    return f"{link} for {what} is on its way into <#{item.channel_id}>."
